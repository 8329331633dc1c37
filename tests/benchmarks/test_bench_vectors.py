"""The benchmark of the vectors, briefly; it asserts no time."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.vectors import main


@pytest.mark.benchmark
def test_every_kind_of_index_is_measured(tmp_path: Path) -> None:
    """A small run measures all kinds against the exact result, whatever the times."""
    file = tmp_path / "report.json"
    main(["--rows", "4000", "--dimension", "16", "--json", str(file)])
    kinds = json.loads(file.read_text())["kinds"]

    assert ["flat", "hnsw", "ivfpq"] == [each["kind"] for each in kinds]
    assert 1.0 == kinds[0]["recall"]
    assert all(0 < each["recall"] <= 1 for each in kinds)
