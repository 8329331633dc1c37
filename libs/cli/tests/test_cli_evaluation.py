"""`medkg eval retrieval`: what people see of it."""

import json
import subprocess
import sys

import pytest
from medkg_cli.evaluation import EvaluationView, report_view, tuning_view
from medkg_operations.evaluation.report import ArmReport, CorpusReport, EvaluationReport
from medkg_operations.evaluation.retrieval import Speed
from medkg_operations.evaluation.significance import Difference
from medkg_operations.evaluation.tuning import Tuning
from medkg_search.syntax import MAX_QUERY
from rich.console import Console

from .calling import medkg

REPORT = EvaluationReport(
    corpus=CorpusReport(
        name="small", sha256="a" * 64, documents=1400, wordless=[f"c.jsonl:{line}" for line in range(1, 8)],
        tenant="eval-small", topologies=["records@" + "b" * 64], before=1, sent=2, seconds=1.5,
    ),
    split="test",
    queries=2,
    judgments=3,
    absent=["d7", "d8"],
    cut=["q2"],
    arms={
        "bm25": ArmReport(
            measures={"nDCG@10": 0.5, "Recall@100": 1.0, "MRR@10": 0.75},
            speed=Speed(concurrency=4, per_second=120.0, p50_ms=8.0, p95_ms=21.0, failed=3),
        )
    },
)  # fmt: skip


def test_a_report_shows_what_was_measured():
    """Corpus, rows that were left out, and a row for each arm."""
    console = Console(width=150, markup=False)
    with console.capture() as captured:
        console.print(*report_view(REPORT), sep="\n")

    assert [
        "small: 1,400 documents, 2 queries of test, 3 judgments; tenant eval-small, topology records@bbbbbbbbbbbb",
        "indexed: 1 before, 2 now, in 1.5 s",
        "left out, without title and text: c.jsonl:1, c.jsonl:2, c.jsonl:3, c.jsonl:4, c.jsonl:5 and 2 more",
        "judged, but not in the corpus, so that nothing finds them: d7, d8",
        f"longer than {MAX_QUERY} characters, so asked without their ends: q2",
        "arm   nDCG@10  Recall@100  MRR@10  queries/s     p50      p95",
        "bm25   0.5000      1.0000  0.7500      120.0  8.0 ms  21.0 ms",
        "bm25: 3 tries were not answered, and repeated",
    ] == [line.rstrip() for line in captured.get().splitlines()]


def tuning(low: float) -> Tuning:
    return Tuning(
        weights={"bm25": 0.3, "dense": 0.7},
        present={"bm25": 1.0, "dense": 1.0, "splade": 1.0},
        training="train",
        training_queries=100,
        tuned_there=0.6,
        present_there=0.5,
        other="test",
        measures={"nDCG@10": 0.55},
        present_measures={"nDCG@10": 0.5},
        difference=Difference(mean=0.05, low=low, high=0.09, p=0.001, queries=80),
    )


@pytest.mark.parametrize(
    ("low", "interval", "advice"),
    [
        (0.01, "+0.0100", "better; to use them: "),
        (-0.01, "-0.0100", "no clear gain: keep the present weights; to use the tuned ones: "),
    ],
)
def test_tuned_weights_are_shown_with_what_they_are_worth(low, interval, advice):
    """What counts is the gain on queries that they were not tuned on; only a clear one is advised."""
    settings = "MK_SEARCH_BM25_WEIGHT=0.3 MK_SEARCH_DENSE_WEIGHT=0.7 MK_SEARCH_SPLADE_WEIGHT=0"
    assert [
        "weights now: bm25 1 dense 1 splade 1; tuned: bm25 0.3 dense 0.7",
        "on the 100 queries that they were tuned on (train): nDCG@10 0.5000 -> 0.6000",
        f"on 80 other queries (test): nDCG@10 0.5000 -> 0.5500, +0.0500 (95 %: {interval} to +0.0900, p 0.001)",
        f"{advice}{settings}",
    ] == [line.plain for line in tuning_view(tuning(low))]


def test_a_reranker_is_no_part_of_tuning():
    """Where there is one, the last line says that it comes after what the weights decide."""
    arms = {"fusion": REPORT.arms["bm25"], "reranked": REPORT.arms["bm25"]}
    *_, last = report_view(REPORT.model_copy(update={"arms": arms, "tuning": tuning(0.01)}))

    assert "both are measured before the reranker, which looks at the first hits of either" == str(last)


def test_progress_goes_from_jobs_to_each_arms_queries(capsys, monkeypatch):
    """Jobs are shown first, then the queries of one arm after another, on standard error."""
    monkeypatch.setattr("medkg_cli.progress_bar.LINE_EVERY_S", 0.0)
    with EvaluationView() as view:
        view.tally.jobs["e-1"] = "completed"
        view.indexing()
        view.asked("bm25", 1, 2)
        view.asked("dense", 2, 2)

    shown = capsys.readouterr()
    assert "" == shown.out
    assert ["jobs completed 1", "bm25: 1/2", "dense: 2/2"] == [
        line.partition(" s  ")[2] or line for line in shown.err.splitlines()
    ]


@pytest.mark.parametrize(("row", "code"), [('{"_id": "d1"', 5), (None, 3)])
def test_a_folder_that_is_none_is_refused_before_anything_is_sent(tmp_path, row, code):
    """A broken row, or a missing file, ends the command with its place, whatever servers there are."""
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "a"}))
    if row is not None:
        (tmp_path / "corpus.jsonl").write_text(row)
    result = medkg("eval", "retrieval", str(tmp_path))

    assert code == result.exit_code
    assert "corpus.jsonl" in result.stderr


def test_the_commands_are_listed_without_the_libraries_of_evaluations():
    """They are an extra, which is not even looked for before an evaluation begins."""
    look = (
        "import sys, medkg_cli.evaluation; print({'haystack', 'ir_measures', 'leather', 'scipy'} & sys.modules.keys())"
    )
    shown = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout

    assert "set()" == shown.strip()
