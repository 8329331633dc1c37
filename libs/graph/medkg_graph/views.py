"""What the graph answers: nodes, and statements with their evidence."""

from collections.abc import Mapping
from typing import Any, Final

from medkg_contracts.knowledge import Evidence, Scalar
from medkg_contracts.model import Contract
from pydantic import TypeAdapter

from .facts import CLAIM_FIELDS, ENTITY_FIELDS

_EVIDENCE: Final = TypeAdapter[Evidence](Evidence)
_SAME: Final = (
    "id", "predicate", "negated", "document", "knowledge_source", "knowledge_level", "agent_type", "confidence",
    "extraction",
)  # fmt: skip


class NodeView(Contract):
    """An entity.

    Attributes:
        documents: how many documents say something of it; None where that was not asked.
    """

    id: str
    category: str
    name: str
    xrefs: list[str] = []
    attributes: dict[str, Scalar | list[str]] = {}
    documents: int | None = None


class ClaimView(Contract):
    """A statement of one document, with where it says so.

    Attributes:
        extraction: the version of the extractors that have found it.
        digests: what took part in that, as ``name=digest``.
        model: which of them read it out of the text; None where no model was asked.
    """

    id: str
    subject: str
    subject_name: str
    predicate: str
    object: str
    object_name: str
    negated: bool
    document: str
    qualifiers: dict[str, Scalar | list[str]]
    evidence: list[Evidence]
    knowledge_source: str
    knowledge_level: str
    agent_type: str
    publications: list[str]
    confidence: float
    extraction: str
    digests: list[str]
    model: str | None


class Neighbour(Contract):
    """An entity, and how one comes to it.

    Attributes:
        way: the statements on the way.
        ways: how many ways of this length there are, of those that were looked at.
    """

    node: NodeView
    way: list[ClaimView]
    ways: int


class PathView(Contract):
    """A way from one entity to another.

    Attributes:
        claims: a statement for each step.
        ways: how many ways lead over these entities, by other statements.
    """

    nodes: list[NodeView]
    claims: list[ClaimView]
    ways: int


class Balance(Contract):
    """What documents say of one pair of entities and one predicate.

    Attributes:
        supporting: documents that say so.
        contradicting: documents that deny it.
        increased: documents by which the object rises, as an outcome by a drug; Biolink's direction qualifier.
        decreased: documents by which it falls. Where both are, they contradict each other.
        said: how many claims that are: a document may say so several times, as of several results.
        claims: the first of them, those that support first.
    """

    subject: str
    subject_name: str
    predicate: str
    object: str
    object_name: str
    supporting: int
    contradicting: int
    increased: int
    decreased: int
    said: int
    claims: list[ClaimView]


class Found(Contract):
    """Entities, the best first.

    Attributes:
        more: whether there are others behind them.
    """

    entities: list[NodeView]
    more: bool


class Neighbourhood(Contract):
    """What is near an entity.

    Attributes:
        statements: how many there are of the entity.
        complete: whether all of them were looked at; of an entity with very many only a part is.
        more: whether there are others behind these.
    """

    entity: NodeView
    neighbours: list[Neighbour]
    statements: int
    complete: bool
    more: bool


class Paths(Contract):
    """The shortest ways between two entities; `more` if there are others as short."""

    start: NodeView
    end: NodeView
    paths: list[PathView]
    more: bool


class Statements(Contract):
    """What documents say of an entity, or of two.

    Attributes:
        complete: whether all statements about the entity were looked at; if not, counts are of those that were.
        more: whether there are others behind these.
    """

    entity: NodeView
    other: NodeView | None
    statements: list[Balance]
    complete: bool
    more: bool


def node_view(properties: Mapping[str, Any], documents: int | None = None) -> NodeView:
    """The entity that a node's properties are."""
    attributes = {name: value for name, value in properties.items() if name not in ENTITY_FIELDS}
    own = {name: properties[name] for name in ("id", "category", "name")}
    return NodeView(**own, xrefs=list(properties.get("xrefs") or ()), attributes=attributes, documents=documents)


def claim_view(row: Mapping[str, Any]) -> ClaimView:
    """The statement of a row: the relationship's properties as ``claim``, and ids and names of its ends."""
    properties = row["claim"]
    return ClaimView(
        **{name: row[name] for name in ("subject", "subject_name", "object", "object_name")},
        qualifiers={name: value for name, value in properties.items() if name not in CLAIM_FIELDS},
        evidence=[_EVIDENCE.validate_json(part) for part in properties["evidence"]],
        publications=list(properties["publications"]),
        digests=list(properties["digests"]),
        model=properties.get("model"),
        **{name: properties[name] for name in _SAME},
    )
