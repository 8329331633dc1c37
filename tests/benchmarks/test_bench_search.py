"""The benchmark of searches, briefly; it asserts no time."""

import json
from itertools import islice
from pathlib import Path

import pytest

from tests.benchmarks.search import chunks, main, queries


def test_chunks_that_are_made_are_of_other_documents() -> None:
    """No two have one id, and a query is some words of one of them."""
    made = chunks(8_000)

    assert 8_000 == len({chunk.id for chunk in made})
    assert all(3 <= len(query.split()) < 9 + 1 for query in islice(queries(made), 50))


@pytest.mark.benchmark
def test_each_arm_and_all_of_them_are_measured_through_the_service(tmp_path: Path) -> None:
    """A small run asks a real node in all four ways, and every answer is whole, whatever the times."""
    file = tmp_path / "report.json"
    main(["--chunks", "200", "--rounds", "1", "--seconds", "1", "--json", str(file)])
    report = json.loads(file.read_text())

    assert ["bm25", "splade", "dense", "all arms"] == list(report["measured"])
    assert [(20, 0)] * 4 == [(each["ms"]["count"], each["lacking"]) for each in report["measured"].values()]
    assert {"bm25", "dense", "search", "splade"} == set(report["measured"]["all arms"]["parts"])
