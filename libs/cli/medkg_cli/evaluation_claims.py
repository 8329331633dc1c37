"""`medkg eval claims`: measures how well claims are read out of articles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from medkg_contracts.errors import InvalidRequest
from rich.table import Table
from rich.text import Text

from .exits import run
from .output import JsonOption, print_json, show, table
from .progress_bar import ProgressBar
from .settings import load

if TYPE_CHECKING:
    from medkg_operations.evaluation.claims.report import ClaimsReport


def claims(  # noqa: PLR0913 - these are the options
    folder: Annotated[
        Path,
        typer.Argument(
            help="Annotated articles in Evidence Inference's layout: prompts_merged.csv, v2_annotations.csv, articles/."
        ),
    ],
    *,
    predictions: Annotated[
        Path | None, typer.Option(help="A file or folder of `claims` artifacts; else a model is asked.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The model's OpenAI-compatible endpoint; else that of MK_EXTRACT_LLM_URL.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="What the endpoint calls it; else MK_EXTRACT_LLM_MODEL.")] = None,
    task: Annotated[
        Literal["claims", "direction", "both"],
        typer.Option(help="What the model is asked for: what it finds, the direction of given comparisons, or both."),
    ] = "both",
    articles: Annotated[int | None, typer.Option(min=1, help="Only so many articles.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0.05, max=1, help="Names whose words are so alike (Dice) are the same.")
    ] = 0.5,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where a page goes that has annotated and found side by side.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say how well claims are found in annotated articles, and the direction of given comparisons.

    A model's answers are kept, so that the second time nothing is asked.

    medkg eval claims ./evidence-inference --url http://127.0.0.1:8000/v1 --html claims.html
    """
    # An extra, which whoever only looks at the list of commands may lack.
    from medkg_claims import LlmSettings  # noqa: PLC0415
    from medkg_operations.evaluation.claims.evaluate import ClaimsEvaluation, evaluate_claims  # noqa: PLC0415

    given = {"extract_llm_url": url, "extract_llm_model": model}
    settings = load(LlmSettings).model_copy(update={name: value for name, value in given.items() if value})
    wanted = ClaimsEvaluation(folder, predictions, task, articles, threshold)
    with ProgressBar("articles") as bar:
        report, page = run(evaluate_claims(settings, wanted, bar.show))
    if html is not None:
        _write(html, page)
    if json:
        print_json(report)
        return
    show(*claims_view(report), *([f"page: {html}"] if html else []))


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}", remedy="Name another file.") from error


def claims_view(report: "ClaimsReport") -> list[Table | Text]:
    """The report for people."""
    lines = [
        Text(
            f"{report.name}: {report.articles} articles, {report.comparisons} annotated comparisons; "
            f"names are the same from a likeness of {report.threshold:g}"
        )
    ]
    if report.model:
        asked = f"{report.model}: {report.requests} requests, {report.recalled} answers that were there already"
        lines.append(Text(asked, style="dim"))
    for what, counts in (("left out", report.left_out), ("dropped", report.dropped)):
        if counts:
            told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
            lines.append(Text(f"{what}: {told}", style="yellow"))
    scores = ((f"{title}: ", each) for title, each in (("claims", report.triples), ("directions", report.direction)))
    rows = (
        (title + name.replace("_", " "), f"{value:.4f}" if isinstance(value, float) else str(value))
        for title, each in scores
        if each is not None
        for name, value in each.model_dump().items()
    )
    return [*lines, table(None, ("measure", "value"), rows, numbers=("value",))]
