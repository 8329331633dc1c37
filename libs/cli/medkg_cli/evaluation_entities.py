"""`medkg eval entities`: measures how well names are found in texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from medkg_contracts.errors import InvalidRequest
from rich.table import Table
from rich.text import Text

from .output import JsonOption, print_json, show, table
from .progress_bar import ProgressBar
from .settings import load

if TYPE_CHECKING:
    from medkg_operations.evaluation.entities.report import EntitiesReport


def entities(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="Texts in which people have marked names: PubTator (.txt) or BioC (.xml, .json).",
        ),
    ],
    *,
    names: Annotated[
        Literal["tagger", "dictionary"],
        typer.Option(help="How names are found: by the model that comes with medkg, or by vocabularies alone."),
    ] = "tagger",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where a page goes that has marked and found side by side.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say how well diseases and chemicals are found in annotated texts, and linked to terms.

    medkg eval entities ./bc5cdr/test.txt --html names.html
    """
    # An extra, which whoever only looks at the list of commands may lack.
    from medkg_operations.evaluation.entities.evaluate import evaluate_entities  # noqa: PLC0415
    from medkg_operations.evaluation.entities.page import page  # noqa: PLC0415
    from medkg_vocabulary.settings import VocabularySettings  # noqa: PLC0415

    with ProgressBar("texts") as bar:
        report, compared = evaluate_entities(load(VocabularySettings), path, names, bar.show)
    if html is not None:
        _write(html, page(report, compared))
    if json:
        print_json(report)
        return
    show(*entities_view(report), *([f"page: {html}"] if html else []))


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}", remedy="Name another file.") from error


def entities_view(report: "EntitiesReport") -> list[Table | Text]:
    """The report for people."""
    lines = [Text(f"{report.name}: {report.documents:,} texts, {report.mentions:,} marked mentions; by {report.names}")]
    for what, counts in (
        ("not looked for, so not counted", report.ignored),
        ("not marked there, so not counted", report.unlabelled),
    ):
        if counts:
            told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            lines.append(Text(f"{what}: {told}", style="yellow"))
    measures = ("strict", "relaxed", "normalised")
    columns = [f"{measure} {number}" for measure in measures for number in ("P", "R", "F1")]
    rows = (
        (
            name.removeprefix("biolink:"),
            *(
                f"{getattr(getattr(each, measure), number):.4f}"
                for measure in measures
                for number in ("precision", "recall", "f1")
            ),
        )
        for name, each in (*report.kinds.items(), ("all", report.micro))
    )
    verdicts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.verdicts.items())
    return [*lines, table(None, ("kind", *columns), rows, numbers=columns), Text(verdicts, style="dim")]
