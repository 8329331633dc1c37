"""Nodes and edges as KGX has them, and what they were made of. Pure.

What KGX, or the Biolink model, has a name for has that name; attributes and qualifiers have their own. What only medkg
needs to make the same facts again begins with ``medkg_``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import orjson
from medkg_contracts.knowledge import Claim, Entity, Extraction, TextEvidence

from medkg_graph.facts import claim_of, entity_of
from medkg_graph.walk import ClaimFound, Description, EntityFound

#: A node or an edge; values are text, numbers, truth values and lists of text.
Record: TypeAlias = dict[str, Any]

NODE_COLUMNS: Final = ("id", "category", "name", "xref")
EDGE_COLUMNS: Final = (
    "id", "subject", "predicate", "object", "category", "negated", "primary_knowledge_source", "knowledge_level",
    "agent_type", "publications", "supporting_text", "has_confidence_score",
)  # fmt: skip
OWN_NODE_COLUMNS: Final = ("medkg_documents", "medkg_is", "medkg_otherwise", "medkg_attributes")
OWN_EDGE_COLUMNS: Final = (
    "medkg_document", "medkg_evidence", "medkg_model", "medkg_extraction", "medkg_digests", "medkg_attributes"
)  # fmt: skip
#: Columns that are lists, and those that are text whatever it looks like.
LISTS: Final = frozenset({"category", "xref", "publications", "supporting_text"})
TEXTS: Final = frozenset({"id", "name", "subject", "predicate", "object", "primary_knowledge_source"})

_ASSOCIATION: Final = "biolink:Association"


def node_record(found: EntityFound) -> Record:
    """A node as the document with the smallest standing describes it, with how others do."""
    first, *others = found.descriptions
    entity = entity_of(found.id, orjson.loads(first.described))
    own = {"id": entity.id, "category": [entity.category], "name": entity.name, "xref": list(entity.xrefs)}
    said: Record = {
        "medkg_documents": _json(list(first.documents)),
        "medkg_is": _json(sorted(id_ for each in found.descriptions for id_ in each.itself)),
    }
    if others:
        said["medkg_otherwise"] = _json([_other(each) for each in others])
    return _joined(own, entity.attributes, said, {*NODE_COLUMNS, *OWN_NODE_COLUMNS})


def described_by(record: Record) -> Iterator[tuple[str, Entity, bool]]:
    """The documents that describe a node of ours, each with its description, and whether it is the node.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    attributes = _attributes(record, {*NODE_COLUMNS, *OWN_NODE_COLUMNS})
    (category,) = record["category"]
    shown = entity_of(
        record["id"],
        {"category": category, "name": record.get("name", ""), "xrefs": record.get("xref", []), **attributes},
    )
    itself = set(orjson.loads(record["medkg_is"]))
    for document in orjson.loads(record["medkg_documents"]):
        yield document, shown, document in itself
    for other in orjson.loads(record.get("medkg_otherwise", "[]")):
        entity = entity_of(record["id"], other["described"])
        for document in other["documents"]:
            yield document, entity, document in itself


def edge_record(found: ClaimFound) -> Record:
    """An edge with its provenance."""
    claim, extraction = claim_of(found.subject, found.properties, found.object)
    own: Record = {
        "id": claim.id,
        "subject": claim.subject,
        "predicate": claim.predicate,
        "object": claim.object,
        "category": [_ASSOCIATION],
        "primary_knowledge_source": claim.knowledge_source,
        "knowledge_level": claim.knowledge_level,
        "agent_type": claim.agent_type,
        "publications": list(claim.publications),
        "supporting_text": [part.quote for part in claim.evidence if isinstance(part, TextEvidence)],
        "has_confidence_score": claim.confidence,
    }
    said: Record = {
        "medkg_document": claim.document_id,
        "medkg_evidence": _json([part.model_dump(mode="json") for part in claim.evidence]),
        "medkg_extraction": extraction.version,
        "medkg_digests": _json(extraction.digests),
    }
    if claim.negated:
        # Only then: kgx takes any text for true, "false" as well.
        own["negated"] = True
    if claim.model is not None:
        said["medkg_model"] = claim.model
    return _joined(own, claim.qualifiers, said, {*EDGE_COLUMNS, *OWN_EDGE_COLUMNS})


def claimed_by(record: Record) -> tuple[Claim, Extraction]:
    """The claim that an edge of ours is, and the extraction that had found it.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    claim = Claim.model_validate(
        {
            "document_id": record["medkg_document"],
            "subject": record["subject"],
            "predicate": record["predicate"],
            "object": record["object"],
            "negated": record.get("negated", False),
            "qualifiers": _attributes(record, {*EDGE_COLUMNS, *OWN_EDGE_COLUMNS}),
            "evidence": orjson.loads(record["medkg_evidence"]),
            "knowledge_source": record["primary_knowledge_source"],
            "knowledge_level": record["knowledge_level"],
            "agent_type": record["agent_type"],
            "publications": record.get("publications", []),
            "model": record.get("medkg_model"),
            "confidence": record["has_confidence_score"],
        }
    )
    if claim.id != record["id"]:
        raise ValueError(f"its id is {record['id']}, but that of what it says is {claim.id}")
    extraction = Extraction(version=record.get("medkg_extraction", ""), digests=orjson.loads(record["medkg_digests"]))
    return claim, extraction


def _joined(own: Record, attributes: Mapping[str, Any], said: Record, taken: set[str]) -> Record:
    """All of it; an attribute that has a column's name stands among ``medkg_attributes``."""
    clashing = {name: value for name, value in attributes.items() if name in taken or name.startswith("medkg_")}
    if clashing:
        said = {**said, "medkg_attributes": _json(clashing)}
    free = {name: value for name, value in sorted(attributes.items()) if name not in clashing}
    return {**{name: value for name, value in own.items() if value != []}, **free, **said}


def _attributes(record: Record, taken: set[str]) -> Record:
    free = {name: value for name, value in record.items() if name not in taken}
    return {**free, **orjson.loads(record.get("medkg_attributes", "{}"))}


def _other(each: Description) -> Record:
    return {"documents": list(each.documents), "described": orjson.loads(each.described)}


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
