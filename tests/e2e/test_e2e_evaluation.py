"""Evaluating retrieval, against the whole product."""

import json
from pathlib import Path

import pytest
from medkg_cli.app import build
from medkg_contracts.errors import NotCompleted
from medkg_testing import LocalStack
from typer.testing import CliRunner

from tests.docs.blocks import DOCS, Block, blocks

pytestmark = pytest.mark.integration

GUIDE = DOCS / "guides" / "evaluate-retrieval.md"


def write(files: list[Block], folder: Path) -> None:
    """Write what the guide shows as files."""
    for block in files:
        file = folder / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)


def test_the_guides_collection_is_evaluated_and_sent_once(
    product: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command indexes the guide's documents, finds them, and writes numbers and a picture; again, it sends none."""
    for name, value in product.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    write([block for block in blocks(GUIDE) if block.title.startswith("bananas/")], tmp_path)

    reports = []
    for _ in range(2):
        result = CliRunner().invoke(build("eval"), ["eval", "retrieval", "bananas", "--json"])
        assert 0 == result.exit_code, result.stderr
        reports.append(json.loads(result.stdout))

    first, again = reports
    assert [(0, 3), (3, 0)] == [(each["corpus"]["before"], each["corpus"]["sent"]) for each in reports]
    assert {"nDCG@10": 1.0, "Recall@100": 1.0, "MRR@10": 1.0} == first["arms"]["bm25"]["measures"]
    assert ["bm25", "dense", "splade", "fusion"] == list(first["arms"])
    for arm, each in first["arms"].items():
        assert each["measures"] == again["arms"][arm]["measures"]
    tenant = first["corpus"]["tenant"]
    assert {f"{tenant}.json", f"{tenant}.svg"} <= {file.name for file in tmp_path.iterdir()}


async def test_a_corpus_that_is_not_all_indexed_gives_no_numbers(product: LocalStack, tmp_path: Path) -> None:
    """A row that cannot be read ends the evaluation with its reason; started again, that row alone is run again."""
    write([block for block in blocks(GUIDE) if block.title.startswith("bananas/")], tmp_path)
    corpus = tmp_path / "bananas" / "corpus.jsonl"
    deep = '{"a": ' * 20 + "1" + "}" * 20
    corpus.write_text(corpus.read_text() + f'{{"_id": "d4", "text": "Deep", "metadata": {deep}}}\n')

    async with product.connect() as kg:
        for _ in range(2):
            with pytest.raises(NotCompleted, match=r"1 of 4 documents are not in the index; .*\[document_invalid\]"):
                await kg.evaluate_retrieval(tmp_path / "bananas", tenant="deep")
        jobs = [await job.status() async for job in kg.jobs(tenant="deep")]

    assert [("beir:d1", 0), ("beir:d2", 0), ("beir:d3", 0), ("beir:d4", 1)] == sorted(
        (job.doc_id, job.run) for job in jobs
    )
