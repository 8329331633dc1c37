"""The benchmark of the knowledge graph, briefly; it asserts no time."""

import asyncio
import json
from itertools import islice
from pathlib import Path

import pytest

from tests.benchmarks.graph import batches, main, studies


def test_copies_are_of_other_documents_and_speak_of_the_same_things() -> None:
    """No two documents have one id, or one claim; the entities that are no part of a study are shared."""
    of = asyncio.run(studies())[:3]
    made = [facts for batch in islice(batches(of), 3) for facts in batch]
    claims = [row.id for facts in made for row in facts.claims]
    shared = [{row.id for row in facts.entities if row.label == "Disease"} for facts in (made[0], made[3])]

    assert len(made) == len({facts.document_id for facts in made})
    assert len(claims) == len(set(claims))
    assert shared[0] == shared[1]


@pytest.mark.benchmark
def test_a_small_graph_is_written_and_asked(tmp_path: Path) -> None:
    """All claims that were written are there, and each neighbourhood that was asked for was answered."""
    file = tmp_path / "report.json"
    main(["--claims", "1000", "--json", str(file)])
    report = json.loads(file.read_text())

    assert [1, 8] == [each["writers"] for each in report["writing"]]
    assert report["claims"] >= sum(each["claims"] for each in report["writing"])
    assert 300 == report["neighbours_ms"]["count"]
