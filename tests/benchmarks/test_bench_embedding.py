"""The benchmark of embedding, briefly; it asserts no time."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.embedding import main, texts


@pytest.mark.benchmark
def test_the_stage_and_the_loop_are_measured_by_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small run measures both, whatever the times."""
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")
    file = tmp_path / "report.json"
    main(["--rounds", "1", "--documents", "1", "--json", str(file)])
    reports = json.loads(file.read_text())

    assert ["embed", "splade"] == list(reports)
    for report in reports.values():
        ((loop, stage),) = report["pairs"]
        assert pytest.approx(report["share"]) == stage["texts_per_s"] / loop["texts_per_s"]
        assert 0 < stage["busy"] <= 1.1


def test_the_texts_are_always_the_same() -> None:
    """Two runs embed the same texts, of lengths that differ."""
    assert texts(8) == texts(8)
    assert len({len(text.split()) for text in texts(8)}) > 4
