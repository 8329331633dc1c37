"""`medkg eval`: measures how good searches are, and what is read out of texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Final, Self

import typer
from medkg_operations.progress import Tally
from medkg_search.syntax import MAX_QUERY
from rich.table import Table
from rich.text import Text

from .evaluation_claims import claims
from .evaluation_entities import entities
from .exits import run
from .identity import SOURCE, login
from .output import JsonOption, print_json, say, show, table
from .progress_bar import ProgressBar
from .progress_view import ProgressView
from .settings import load_settings

if TYPE_CHECKING:
    from medkg_operations.evaluation.report import EvaluationReport
    from medkg_operations.evaluation.tuning import Tuning

#: So many rows that were left out are named, and so many queries that were cut.
PLACES_SHOWN: Final = 5
#: So many digits of a topology's digest tell its versions apart.
DIGITS: Final = 12

app = typer.Typer(help="Measure how good searches are, and what is read out of texts.", no_args_is_help=True)
app.command()(claims)
app.command()(entities)


@app.callback()
def evaluations() -> None:
    """Measure how good searches are, and what is read out of texts."""


@app.command()
def retrieval(  # noqa: PLR0913 - these are the options
    folder: Annotated[
        Path, typer.Argument(help="A test collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/*.tsv.")
    ],
    *,
    split: Annotated[str, typer.Option(help="Whose queries are asked: the name of a file in qrels/.")] = "test",
    tenant: Annotated[
        str | None,
        typer.Option(help="Whose index the corpus fills; else one of its own, called like the folder."),
    ] = None,
    topology: Annotated[
        str | None,
        typer.Option(help="By which topology the corpus is indexed; else the one that takes the source beir."),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Queries that are asked at a time.")] = 4,
    tune: Annotated[
        bool, typer.Option("--tune", help="Find weights for the fusion, and say what they are worth on other queries.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the numbers go, with a picture beside them; else TENANT.json."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that indexing may take.")] = 3600.0,
    json: JsonOption = False,
) -> None:
    """Index a test collection, ask its queries, and say how good the answers are.

    What is indexed already is not sent again: after an interruption, start it again.

    medkg eval retrieval ./scifact
    """
    # An extra, which whoever only looks at the list of commands may lack.
    from medkg_operations.evaluation.evaluate import Evaluation, evaluate_retrieval  # noqa: PLC0415
    from medkg_operations.evaluation.report import write_report  # noqa: PLC0415

    settings = load_settings()
    wanted = Evaluation(folder, split, tenant, topology, concurrency, tune, timeout)
    with EvaluationView() as view:
        found = run(evaluate_retrieval(settings, wanted, view, by=login(), source=SOURCE))
    file = report or Path(f"{found.corpus.tenant}.json")
    picture = write_report(found, file)
    if json:
        print_json(found)
        return
    show(*report_view(found), f"numbers: {file}", f"picture: {picture}")


class EvaluationView:
    """Shows how far an evaluation is: first the jobs, then the queries of each arm."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._jobs: ProgressView | None = ProgressView(self.tally)
        self._queries: ProgressBar | None = None
        self._what = ""

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._jobs is not None:
            self._jobs.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""
        for shown in (self._jobs, self._queries):
            if shown is not None:
                shown.__exit__(kind, error, trace)
        self._jobs = self._queries = None

    def indexing(self) -> None:
        """The tally may have changed."""
        if self._jobs is not None:
            self._jobs.update()

    def asked(self, what: str, done: int, total: int | None) -> None:
        """So many queries have been answered by an arm, or so many weights tried."""
        if what != self._what or self._queries is None:
            self.__exit__(None, None, None)
            self._what, self._queries = what, ProgressBar(what)
            self._queries.__enter__()
        self._queries.show(done, total)

    def say(self, text: str) -> None:
        """Something that is no result."""
        say(text)


def report_view(report: "EvaluationReport") -> list[Table | Text]:
    """The report for people."""
    from medkg_operations.evaluation.asking import RERANKED  # noqa: PLC0415 - as above

    corpus = report.corpus
    short = [topology[: topology.index("@") + 1 + DIGITS] for topology in corpus.topologies]
    about = (
        f"{corpus.name}: {corpus.documents:,} documents, {report.queries} queries of {report.split}, "
        f"{report.judgments:,} judgments; tenant {corpus.tenant}, topology {', '.join(short)}"
    )
    indexed = f"indexed: {corpus.before} before, {corpus.sent} now, in {corpus.seconds:.1f} s"
    lines = [Text(about), Text(indexed, style="dim")]
    if corpus.wordless:
        lines.append(_warning("left out, without title and text", corpus.wordless))
    if report.absent:
        lines.append(_warning("judged, but not in the corpus, so that nothing finds them", report.absent))
    if report.cut:
        lines.append(_warning(f"longer than {MAX_QUERY} characters, so asked without their ends", report.cut))
    repeated = [
        Text(f"{arm}: {each.speed.failed} tries were not answered, and repeated", style="yellow")
        for arm, each in report.arms.items()
        if each.speed.failed
    ]
    tuning = tuning_view(report.tuning) if report.tuning else []
    if tuning and RERANKED in report.arms:
        tuning.append(
            Text("both are measured before the reranker, which looks at the first hits of either", style="dim")
        )
    return [*lines, arms_table(report), *repeated, *tuning]


def _warning(what: str, places: Sequence[str]) -> Text:
    """What holds of these, the first of which are named."""
    more = f" and {len(places) - PLACES_SHOWN} more" if len(places) > PLACES_SHOWN else ""
    return Text(f"{what}: {', '.join(places[:PLACES_SHOWN])}{more}", style="yellow")


def tuning_view(tuning: "Tuning") -> list[Text]:
    """What the tuned weights are, what they are worth, and how they are set."""
    from medkg_operations.evaluation.measures import MAIN  # noqa: PLC0415 - as above

    difference = tuning.difference
    worth = (
        f"on {difference.queries} other queries ({tuning.other}): {MAIN} "
        f"{tuning.present_measures[MAIN]:.4f} -> {tuning.measures[MAIN]:.4f}, {difference.mean:+.4f} "
        f"(95 %: {difference.low:+.4f} to {difference.high:+.4f}, p {difference.p:.3f})"
    )
    settings = " ".join(
        f"MK_SEARCH_{arm.upper()}_WEIGHT={tuning.weights.get(arm, 0):g}" for arm in sorted(tuning.present)
    )
    if difference.low > 0:
        advice = Text(f"better; to use them: {settings}", style="green")
    else:
        advice = Text(f"no clear gain: keep the present weights; to use the tuned ones: {settings}", style="yellow")
    return [
        Text(f"weights now: {_weights(tuning.present)}; tuned: {_weights(tuning.weights)}"),
        Text(
            f"on the {tuning.training_queries} queries that they were tuned on ({tuning.training}): {MAIN} "
            f"{tuning.present_there:.4f} -> {tuning.tuned_there:.4f}",
            style="dim",
        ),
        Text(worth),
        advice,
    ]


def _weights(weights: Mapping[str, float]) -> str:
    return " ".join(f"{arm} {weight:g}" for arm, weight in sorted(weights.items()))


def arms_table(report: "EvaluationReport") -> Table:
    """A row for each arm: how good its answers are, and how fast they come."""
    measures = list(next(iter(report.arms.values())).measures)
    numbers = (*measures, "queries/s", "p50", "p95")
    return table(
        None,
        ("arm", *numbers),
        (
            (
                arm,
                *(f"{each.measures[name]:.4f}" for name in measures),
                f"{each.speed.per_second:.1f}",
                f"{each.speed.p50_ms:.1f} ms",
                f"{each.speed.p95_ms:.1f} ms",
            )
            for arm, each in report.arms.items()
        ),
        numbers=numbers,
    )
