"""What the graph answers: nodes, and statements with their evidence."""

from collections.abc import Mapping
from typing import Any, Final

from medkg_contracts.knowledge import Evidence, Scalar
from medkg_contracts.model import Contract
from pydantic import TypeAdapter

from .facts import CLAIM_FIELDS, ENTITY_FIELDS

_EVIDENCE: Final = TypeAdapter[Evidence](Evidence)


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
    predicate: str
    object: str
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
    """An entity, and how one comes to it: the statements on the way."""

    node: NodeView
    way: list[ClaimView]


class PathView(Contract):
    """A way from one entity to another."""

    nodes: list[NodeView]
    claims: list[ClaimView]


class Balance(Contract):
    """What documents say of one pair of entities and one predicate.

    Attributes:
        supporting: documents that say so.
        contradicting: documents that deny it.
    """

    subject: str
    predicate: str
    object: str
    supporting: int
    contradicting: int
    claims: list[ClaimView]


def node_view(properties: Mapping[str, Any], documents: int | None = None) -> NodeView:
    """The entity that a node's properties are."""
    attributes = {name: value for name, value in properties.items() if name not in ENTITY_FIELDS}
    own = {name: properties[name] for name in ("id", "category", "name")}
    return NodeView(**own, xrefs=list(properties.get("xrefs") or ()), attributes=attributes, documents=documents)


def claim_view(subject: str, properties: Mapping[str, Any], object_: str) -> ClaimView:
    """The statement that a relationship's properties are."""
    qualifiers = {name: value for name, value in properties.items() if name not in CLAIM_FIELDS}
    names = (
        "id",
        "predicate",
        "negated",
        "document",
        "knowledge_source",
        "knowledge_level",
        "agent_type",
        "confidence",
        "extraction",
    )
    return ClaimView(
        subject=subject,
        object=object_,
        qualifiers=qualifiers,
        evidence=[_EVIDENCE.validate_json(part) for part in properties["evidence"]],
        publications=list(properties["publications"]),
        digests=list(properties["digests"]),
        model=properties.get("model"),
        **{name: properties[name] for name in names},
    )
