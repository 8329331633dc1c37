"""Neo4j's values are JSON."""

from datetime import date
from typing import Any

import pytest
from medkg_graph.values import json_of
from neo4j.spatial import CartesianPoint
from neo4j.time import Date, Duration


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, None),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, str(2**53)),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (Date(2026, 1, 2), "2026-01-02"),
        (Duration(days=3), "P3D"),
        (CartesianPoint((1.0, 2.0)), [1.0, 2.0]),
        ({"a": [Date(2026, 1, 2), {"b": float("inf")}]}, {"a": ["2026-01-02", {"b": "inf"}]}),
        (b"ab", "6162"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_a_value_is_one_that_json_has(value: Any, json: Any) -> None:
    """Times become text, and numbers that JSON, or its readers, cannot hold."""
    assert json == json_of(value)
