"""`medkg eval claims`: what people see of it."""

from medkg_cli.evaluation_claims import claims_view
from medkg_operations.evaluation.claims.report import ClaimsReport, TripleScores
from rich.console import Console

from .calling import medkg

REPORT = ClaimsReport(
    name="small",
    articles=2,
    comparisons=5,
    left_out={"annotation_not_valid": 1},
    threshold=0.5,
    model="a/reader",
    requests=7,
    recalled=3,
    dropped={"quote_not_in_text": 2},
    triples=TripleScores(
        found=4, correct=2, precision=0.5, recall=0.4, f1=4 / 9, comparisons_f1=2 / 3, direction_accuracy=2 / 3,
        evidence=1.0, exact_spans=1.0,
    ),
)  # fmt: skip


def test_a_report_shows_what_was_measured():
    """What was read, what was asked, what was dropped and why, and the numbers."""
    console = Console(width=150, markup=False)
    with console.capture() as captured:
        console.print(*claims_view(REPORT), sep="\n")
    lines = [line.rstrip() for line in captured.get().splitlines()]

    assert [
        "small: 2 articles, 5 annotated comparisons; names are the same from a likeness of 0.5",
        "a/reader: 7 requests, 3 answers that were there already",
        "left out: 1 annotation not valid",
        "dropped: 2 quote not in text",
    ] == lines[:4]
    assert ["claims: f1", "0.4444"] == lines[9].rsplit(maxsplit=1)


def test_a_folder_that_is_no_collection_is_refused(tmp_path):
    """With the file that is missing."""
    result = medkg("eval", "claims", str(tmp_path))

    assert 5 == result.exit_code
    assert "v2_annotations.csv cannot be read" in result.stderr
