"""Neo4j's values as JSON. Pure."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from neo4j.graph import Node, Path, Relationship
from pydantic import JsonValue

#: The greatest whole number that JavaScript, and so most who read JSON, can hold.
_MOST_EXACT: Final = 2**53 - 1


def json_of(value: Any) -> JsonValue:  # noqa: ANN401, PLR0911 - whatever Neo4j gives; a case each
    """A value as JSON has it: as text where it is a time, or a number that JSON's readers cannot hold."""
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            return value if isfinite(value) and (isinstance(value, float) or abs(value) <= _MOST_EXACT) else str(value)
        case bytes():
            return value.hex()
        case Node() | Relationship() | Path():
            return _part(value)
        case Mapping():
            return _object(value)
        case list() | tuple() if not hasattr(value, "iso_format"):
            return [json_of(part) for part in value]
        case _:
            return str(value.iso_format()) if hasattr(value, "iso_format") else str(value)


def _part(value: Node | Relationship | Path) -> JsonValue:
    """A part of the graph as an object."""
    match value:
        case Node():
            labels: list[JsonValue] = [*sorted(value.labels)]
            return {"id": value.element_id, "labels": labels, "properties": _object(value)}
        case Relationship():
            ends = {"start": value.start_node, "end": value.end_node}
            known: dict[str, JsonValue] = {side: node.element_id for side, node in ends.items() if node is not None}
            return {"id": value.element_id, "type": value.type, **known, "properties": _object(value)}
        case Path():
            return {
                "nodes": [json_of(node) for node in value.nodes],
                "relationships": [json_of(tie) for tie in value.relationships],
            }


def _object(value: Any) -> JsonValue:  # noqa: ANN401 - Neo4j's nodes are no Mapping of its own types
    return {str(name): json_of(part) for name, part in value.items()}
