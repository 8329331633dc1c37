"""A document's facts as the graph keeps them: plain rows, the same for the same facts. Pure.

In the graph a document is a node ``Document`` that supports entities; a claim is a relationship between two entities,
which has the predicate's name as its type and its evidence, qualifiers and provenance, the extraction that has found it
included, as its properties.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction

#: What a Neo4j property may be.
Value = str | int | float | bool | list[str]

#: Documents are written, or compared, in one transaction up to so many claims.
CLAIMS_TOGETHER: Final = 5_000

#: Changes with what rows are made of, so that facts written by an older medkg are written again.
_FORM: Final = "2"
#: Says of an entity nothing of what it is.
_ANYTHING: Final = "biolink:NamedThing"
#: The names of a node's, and of a relationship's, properties that are no attributes and no qualifiers.
ENTITY_FIELDS: Final = frozenset({"tenant", "id", "category", "name", "xrefs", "owner"})
CLAIM_FIELDS: Final = frozenset(
    {"tenant", "id", "document", "predicate", "negated", "evidence", "knowledge_source", "knowledge_level",
     "agent_type", "publications", "confidence", "model", "extraction", "digests"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity as a document describes it.

    Attributes:
        label: its category as a node's label, such as ``Disease``.
        properties: of the node, without its tenant and its owner.
        described: the same as JSON, as the tie between the document and the entity keeps it.
        rank: how well it knows the entity: 0 if it is the document itself, 2 if only its id is known, else 1.
    """

    id: str
    label: str
    properties: Mapping[str, Value]
    described: str
    rank: int

    def standing(self, document_id: str) -> str:
        """What orders descriptions: of all documents' the smallest one is how the entity looks."""
        return f"{self.rank}:{document_id}"


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as a relationship.

    Attributes:
        type: of the relationship, such as ``IN_CLINICAL_TRIALS_FOR``.
        version: of its properties: another one means that they have changed.
    """

    id: str
    type: str
    subject: str
    object: str
    properties: Mapping[str, Value]
    version: str

    @property
    def key(self) -> str:
        """How its document's node names it."""
        return f"{self.type}:{self.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one document brings into the graph.

    Attributes:
        node: the entity that the document itself is.
        digest: of all of it; the graph has the same facts already if it has the same digest.
        order: of the document's version that says so among all of its versions; 0 where they have none.
    """

    tenant: str
    document_id: str
    node: str
    entities: tuple[EntityRow, ...]
    claims: tuple[ClaimRow, ...]
    digest: str
    order: int = 0


def facts_of(tenant: str, entities: Entities, claims: Claims, order: int = 0) -> Facts:
    """The rows of what a document says, in the version with this order.

    Raises:
        InvalidDocument: both are not of one document, or a claim is about an entity that is not among those given.
    """
    if entities.document_id != claims.document_id:
        raise InvalidDocument(f"entities of {entities.document_id}, but claims of {claims.document_id}")
    known = {each.id: each for each in (*entities.entities, entities.document)}
    for claim in claims.claims:
        if missing := {claim.subject, claim.object} - known.keys():
            raise InvalidDocument(
                f"{claim.document_id} claims something of {min(missing)}, which is none of its entities"
            )
    nodes = tuple(_entity_row(known[id_], entities.document.id) for id_ in sorted(known))
    edges = tuple(sorted((_claim_row(claim, entities.extraction) for claim in claims.claims), key=lambda row: row.key))
    described = (f"{row.id} {row.described}" for row in nodes)
    whole = digest(_FORM, entities.document.id, *described, *(row.key for row in edges))
    return Facts(tenant, entities.document_id, entities.document.id, nodes, edges, whole, order)


def transactions(facts: Iterable[Facts], most: int = CLAIMS_TOGETHER) -> Iterator[list[Facts]]:
    """Facts in groups, in their order: none has a document twice, or more claims than that in several documents."""
    group: list[Facts] = []
    documents: set[tuple[str, str]] = set()
    size = 0
    for each in facts:
        key = (each.tenant, each.document_id)
        if group and (key in documents or size + len(each.claims) > most):
            yield group
            group, documents, size = [], set(), 0
        group.append(each)
        documents.add(key)
        size += len(each.claims)
    if group:
        yield group


def entity_of(id_: str, properties: Mapping[str, Any]) -> Entity:
    """The entity that a row of it was made of.

    Raises:
        pydantic.ValidationError: the properties are none of an entity.
    """
    attributes = {name: value for name, value in properties.items() if name not in ENTITY_FIELDS}
    its = {name: properties[name] for name in ("category", "name", "xrefs") if name in properties}
    return Entity.model_validate({"id": id_, **its, "attributes": attributes})


def claim_of(subject: str, properties: Mapping[str, Any], object_: str) -> tuple[Claim, Extraction]:
    """The claim that a relationship was made of, and the extraction that had found it.

    Raises:
        pydantic.ValidationError: the properties are none of a claim.
    """
    own = ("predicate", "negated", "knowledge_source", "knowledge_level", "agent_type", "publications", "model")
    its = {name: properties[name] for name in (*own, "confidence") if name in properties}
    evidence = [orjson.loads(part) for part in properties["evidence"]]
    qualifiers = {name: value for name, value in properties.items() if name not in CLAIM_FIELDS}
    ends = {"document_id": properties["document"], "subject": subject, "object": object_}
    claim = Claim.model_validate({**ends, **its, "evidence": evidence, "qualifiers": qualifiers})
    digests = dict(part.split("=", 1) for part in properties["digests"])
    return claim, Extraction(version=properties["extraction"], digests=digests)


def relationship_type(predicate: str) -> str:
    """``biolink:in_clinical_trials_for`` -> ``IN_CLINICAL_TRIALS_FOR``."""
    return predicate.removeprefix("biolink:").upper()


def _entity_row(entity: Entity, document: str) -> EntityRow:
    own = {"category": entity.category, "name": entity.name, "xrefs": sorted(entity.xrefs)}
    properties = _joined(own, entity.attributes, ENTITY_FIELDS, f"the entity {entity.id}")
    bare = entity.name == entity.id or entity.category == _ANYTHING
    rank = 0 if entity.id == document else 2 if bare else 1
    described = orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
    return EntityRow(entity.id, entity.category.removeprefix("biolink:"), properties, described, rank)


def _claim_row(claim: Claim, extraction: Extraction) -> ClaimRow:
    own: dict[str, Value] = {
        "predicate": claim.predicate,
        "negated": claim.negated,
        "evidence": [part.model_dump_json() for part in claim.evidence],
        "knowledge_source": claim.knowledge_source,
        "knowledge_level": claim.knowledge_level,
        "agent_type": claim.agent_type,
        "publications": list(claim.publications),
        "confidence": claim.confidence,
        "extraction": extraction.version,
        "digests": [f"{name}={of}" for name, of in sorted(extraction.digests.items())],
    }
    if claim.model is not None:
        own["model"] = claim.model
    properties = _joined(own, claim.qualifiers, CLAIM_FIELDS, f"a claim of {claim.document_id}")
    version = digest(orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode())[:12]
    type_ = relationship_type(claim.predicate)
    return ClaimRow(claim.id, type_, claim.subject, claim.object, properties, version)


def _joined(own: Mapping[str, Any], more: Mapping[str, Any], taken: frozenset[str], whose: str) -> dict[str, Value]:
    if clash := taken & more.keys():
        raise InvalidDocument(f"{whose} has an attribute {min(clash)!r}, which the graph itself uses")
    return {**own, **more}
