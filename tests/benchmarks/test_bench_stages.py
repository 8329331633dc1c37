"""The benchmark of stages, briefly; it asserts no time."""

import json
from pathlib import Path

import pytest

from tests.benchmarks.stages import STAGES, main, payloads

ARTICLE = """<article><front><article-title>Fever in <i>children</i></article-title></front>
<body><p>Fever is common.</p><p>It <b>passes</b>.</p></body></article>"""


def test_an_article_is_its_title_and_its_paragraphs(tmp_path: Path) -> None:
    """Each file is a document; one that is none of a known kind is left out."""
    (tmp_path / "one.nxml").write_text(ARTICLE)
    (tmp_path / "two.json").write_text("{}")
    ((name, payload),) = payloads([tmp_path])

    expected = {"_id": "one", "title": "Fever in children", "text": "Fever is common.\nIt passes."}
    assert ("one.nxml", "beir", expected) == (name, payload.source, json.loads(payload.body))


@pytest.mark.benchmark
def test_each_stage_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small run measures all stages, whatever the times."""
    monkeypatch.setenv("MK_ACCELERATOR", "cpu")
    (tmp_path / "one.xml").write_text(ARTICLE)
    main([str(tmp_path), "--json", str(tmp_path / "report")])
    (document,) = json.loads((tmp_path / "report").read_text())

    assert ("one.xml", 1) == (document["name"], document["chunks"])
    assert list(STAGES) == list(document["taken"])
