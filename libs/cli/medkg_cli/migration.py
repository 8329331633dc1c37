"""`medkg index migrate`: moves a tenant's searches to another embedding model."""

from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

import typer
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import Contract
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.reembedding.comparison import Comparison
from medkg_operations.reembedding.migration import (
    compare_generations,
    discard_generation,
    fill_generation,
    switch_generation,
)
from medkg_operations.reembedding.progress import FillProgress
from medkg_operations.reembedding.queries import read_query_set
from medkg_operations.reembedding.report import DiscardReport, FillReport, SwitchReport
from medkg_operations.reembedding.settings import ReembeddingSettings
from rich.table import Table
from rich.text import Text

from .exits import run
from .identity import SOURCE
from .output import JsonOption, duration, print_json, say, show, table
from .progress_bar import ProgressBar
from .settings import load

#: So many documents that could not be filled are named.
FAILURES_SHOWN: Final = 5
#: The exit status of a fill that left documents out.
INCOMPLETE: Final = 1


def migrate(
    *,
    model: Annotated[
        str, typer.Option(help="The other model: of `medkg models list`, or as the server at MK_EMBED_URL calls it.")
    ],
    switch: Annotated[bool, typer.Option("--switch", help="Let searches use it; forth and back.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Remove its vectors; searches must not use it.")] = False,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Compare what both models find: a file with a query a line, or a folder in BEIR's layout.",
        ),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose searches.")] = DEFAULT_TENANT,
    json: JsonOption = False,
) -> None:
    """Give stored chunks vectors of another model, beside those that searches use; nothing is fetched again.

    Searches and jobs go on. After an interruption, start it again. Nothing changes for searches before --switch.

    medkg index migrate --model all-MiniLM-L6-v2
    """
    if sum((switch, discard, queries is not None)) > 1:
        raise InvalidRequest("--switch, --discard and --queries exclude each other", remedy="Give one of them.")
    settings = load(ReembeddingSettings)
    wanted = None if queries is None else read_query_set(queries)
    with MigrationView() as view:
        if switch:
            _tell(run(switch_generation(settings, tenant, model, view, source=SOURCE)), json=json)
        elif discard:
            _tell(run(discard_generation(settings, tenant, model, view, source=SOURCE)), json=json)
        else:
            report = run(fill_generation(settings, tenant, model, view, source=SOURCE))
            if wanted is not None and not report.failures:
                report = run(compare_generations(settings, report, wanted, view))
            _tell(report, json=json)
            if report.failures:
                raise typer.Exit(INCOMPLETE)


def _tell(report: FillReport | SwitchReport | DiscardReport, *, json: bool) -> None:
    if json:
        print_json(report)
    else:
        show(*report_view(report))


def report_view(report: Contract) -> list[Table | Text]:
    """The report for people."""
    match report:
        case FillReport():
            return _filled(report)
        case SwitchReport():
            return _switched(report)
        case DiscardReport():
            return [
                Text(f"removed {report.vectors:,} vectors of {report.discarded.ref}; searches use {report.live.ref}")
            ]
    raise TypeError(report)


def _filled(report: FillReport) -> list[Table | Text]:
    done = f"nothing lacked vectors of {report.beside.ref}"
    if report.documents or report.chunks:
        done = (
            f"{report.documents:,} documents and {report.chunks:,} chunks have vectors of {report.beside.ref} now, in "
            f"{duration(report.seconds * 1000)} ({report.per_second:.1f} chunks/s)"
        )
    lines: list[Table | Text] = [Text(done)]
    if report.truncated:
        lines.append(
            Text(f"{report.truncated:,} chunks were longer than the model takes, and were cut", style="yellow")
        )
    for document, error in list(report.failures.items())[:FAILURES_SHOWN]:
        lines.append(Text(f"{document}: [{error.code}] {error.message}", style="red"))
    if report.failures:
        first = next(iter(report.failures.values()))
        lines.append(Text(f"{len(report.failures):,} documents were left out. {first.remedy}", style="red"))
        return lines
    command = f"medkg index migrate --tenant {report.tenant} --model {report.beside.name}"
    compared = [] if report.comparison is None else [comparison_table(report, report.comparison)]
    return [
        *lines,
        *compared,
        Text(f"searches still use {report.live.ref}; to let them use the other: {command} --switch"),
        Text(f"to give it up: {command} --discard", style="dim"),
    ]


def comparison_table(report: FillReport, comparison: Comparison) -> Table:
    """What searches find by both models."""
    rows = [
        ("queries", str(comparison.queries)),
        ("the first 10 documents, in both", f"{comparison.overlap:.1%}"),
        ("order of those in both (Kendall's tau)", _number(comparison.correlation)),
    ]
    if comparison.ndcg_live is not None:
        rows += [
            (f"nDCG@10, {report.live.name}", _number(comparison.ndcg_live)),
            (f"nDCG@10, {report.beside.name}", _number(comparison.ndcg_beside)),
        ]
    return table(None, ("by dense vectors alone", "value"), rows, numbers=("value",))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _switched(report: SwitchReport) -> list[Table | Text]:
    if not report.changed:
        return [Text(f"the searches of tenant {report.tenant} use {report.live.ref} already")]
    lines: list[Table | Text] = [
        Text(f"the searches of tenant {report.tenant} use {report.live.ref} now", style="green")
    ]
    if report.beside is not None:
        command = f"medkg index migrate --tenant {report.tenant} --model {report.beside.name}"
        lines += [
            Text(f"have the embed stage use {report.live.name}: vectors of {report.beside.name} are no longer taken"),
            Text(f"back: {command} --switch; to remove the other vectors: {command} --discard", style="dim"),
        ]
    return lines


class MigrationView:
    """Shows how far a migration is."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None
        self._what = ""

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
            self._bar = None

    def filling(self, progress: FillProgress) -> None:
        """It is so far."""
        bar = self._showing("chunks embedded")
        left = "" if progress.left_s is None else f", {duration(progress.left_s * 1000)} left"
        bar.note(
            f"{progress.documents:,}/{progress.all_documents:,} documents, {progress.per_second:.1f} chunks/s{left}"
        )
        bar.show(progress.chunks, progress.all_chunks)

    def emptying(self, documents: int) -> None:
        """Vectors of so many documents were removed."""
        self._showing("documents").show(documents)

    def comparing(self, done: int, total: int) -> None:
        """So many of the queries were asked."""
        self._showing("queries asked").show(done, total)

    def say(self, text: str) -> None:
        """Something that is no result."""
        say(text)

    def _showing(self, what: str) -> ProgressBar:
        if self._bar is None or what != self._what:
            self.__exit__(None, None, None)
            self._what, self._bar = what, ProgressBar(what)
            self._bar.__enter__()
        return self._bar
