"""Nodes and edges that others have made, as entities and claims of one document: the file that they came in. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from medkg_contracts.knowledge import Attributes, Claim, Entity, RecordEvidence

from medkg_graph.facts import CLAIM_FIELDS, ENTITY_FIELDS

from .records import Record

_NODE: Final = frozenset({"id", "category", "name", "xref"})
_EDGE: Final = frozenset(
    {"subject", "predicate", "object", "category", "negated", "primary_knowledge_source", "knowledge_level",
     "agent_type", "publications", "has_confidence_score"}
)  # fmt: skip
_LARGEST: Final = 2**63
_LONGEST_NAME: Final = 63
_LONGEST_VALUE: Final = 1000


def file_entity(name: str) -> Entity:
    """The node that the imported file is."""
    return Entity(id=f"MEDKG:kgx-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}", category="biolink:Dataset", name=name)


def entity_in(record: Record) -> Entity:
    """The entity that a node is; of several categories it has the first.

    Raises:
        ValueError: it is none.
    """
    categories = [_prefixed(each) for each in _list(record.get("category")) or ["biolink:NamedThing"]]
    attributes = _attributes(record, _NODE, ENTITY_FIELDS)
    if len(categories) > 1:
        attributes["categories"] = categories
    return Entity(
        id=_text(record, "id"),
        category=categories[0],
        name=str(record.get("name") or record["id"]),
        xrefs=tuple(sorted(set(_list(record.get("xref"))))),
        attributes=attributes,
    )


def claim_in(record: Record, document_id: str, source: str | None, evidence: RecordEvidence) -> Claim:
    """The claim that an edge is.

    Args:
        record: the edge.
        document_id: of the file.
        source: who says so first, if the edge does not tell; None where nobody knows.
        evidence: where in the file it stands.

    Raises:
        ValueError: it is none, or nobody says where it comes from.
    """
    said_by = _list(record.get("primary_knowledge_source")) or ([source] if source else [])
    if len(said_by) != 1:
        raise ValueError("has no primary_knowledge_source, and no --source was given")
    return Claim(
        document_id=document_id,
        subject=_text(record, "subject"),
        predicate=_prefixed(_text(record, "predicate")),
        object=_text(record, "object"),
        negated=_truth(record.get("negated", False)),
        qualifiers=_attributes(record, _EDGE, CLAIM_FIELDS),
        evidence=(evidence,),
        knowledge_source=said_by[0],
        knowledge_level=record.get("knowledge_level", "not_provided"),
        agent_type=record.get("agent_type", "not_provided"),
        publications=tuple(_list(record.get("publications"))),
        confidence=record.get("has_confidence_score", 1.0),
    )


def evidence_at(line: int, text: str, sha256: str) -> RecordEvidence:
    """A row of a file, as the element of that number of the list that the file is."""
    return RecordEvidence(payload=sha256, pointer=f"/{line - 1}", value=text[:_LONGEST_VALUE])


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"has no {name}")
    return value


def _list(value: object) -> list[str]:
    if value is None or value == "":
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _prefixed(name: str) -> str:
    return name if ":" in name else f"biolink:{name}"


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).casefold() in ("true", "false"):
        return str(value).casefold() == "true"
    raise ValueError(f"negated is {value!r}, neither true nor false")


def _attributes(record: Record, own: frozenset[str], taken: frozenset[str]) -> Attributes:
    """All else that a row has, by names that the graph can have."""
    found: Attributes = {}
    for name, value in record.items():
        if name in own or value is None or value in ("", []):
            continue
        short = re.sub(r"[^a-z0-9_-]", "_", name.casefold())[: _LONGEST_NAME - 4]
        if short in taken or not short[0].isalpha() or short in found:
            short = f"kgx_{short}"
        found[short] = _scalar(value)
    return found


def _scalar(value: Any) -> str | int | float | bool | list[str]:  # noqa: ANN401 - whatever a file has
    if isinstance(value, list):
        return [item if isinstance(item, str) else orjson.dumps(item).decode() for item in value]
    if isinstance(value, Mapping):
        return orjson.dumps(value).decode()
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)
