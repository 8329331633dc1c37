"""`medkg demo`: starts everything, sends real trials through it, and shows what came out."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import typer
from medkg_contracts.ids import batch_item_id
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_graph.trials import TrialsReader, Tried
from medkg_operations.graph.asking import graph_of
from medkg_operations.progress import Tally, percentile
from medkg_operations.requests import request_event
from medkg_operations.search import search as ask
from medkg_operations.waiting import publish_and_wait
from medkg_search import ChunkSearch, SearchServer
from medkg_search.hybrid import Arm, HybridPage
from rich.text import Text

from . import composed
from .exits import ExitCode, fail, run
from .graph_trials_view import tried_view
from .identity import SOURCE
from .local import Local
from .output import JsonOption, coloured, console, print_json, say, show, table
from .progress_view import ProgressView, stage_times
from .replay import MOST, study_ids
from .search import failure_view, ranking_view, request_of
from .settings import CliSettings, load_settings
from .stack import start
from .submit import failures

#: By which topology the trials go: it makes what each arm of a search finds.
TOPOLOGY: Final = "auto"

#: What the demo looks for in what it has indexed: by its words, by what it is about, by what it means.
SEARCHES: Final = (
    "epidural steroid after surgery for sciatica",
    "calming patients before an operation",
    "blood cancer in older people",
)

#: Hits that are shown of each search.
HITS: Final = 4

#: What the demo asks the graph: what was tried for this, and with what results.
CONDITION: Final = "intervertebral disc displacement"

#: Trials that are shown of the answer.
TRIALS: Final = 3

#: How long searches may take to see what was indexed last, in seconds.
VISIBLE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to.

    Attributes:
        seconds: from the first request to the last job's end.
    """

    batch_id: str
    seconds: float
    tally: Tally
    pages: Sequence[tuple[str, HybridPage]]
    tried: Tried

    @property
    def good(self) -> bool:
        """Whether every job has completed, every arm has found something of each search, and the graph answers."""
        return (
            self.tally.all_completed()
            and all(set(Arm) == {arm for hit in page.hits for arm in hit.arms} for _, page in self.pages)
            and bool(self.tried.trials)
        )


def demo(
    *,
    jobs: Annotated[int, typer.Option(min=1, max=MOST, help="How many trials.")] = 20,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that all jobs may take.")] = 300.0,
    json: JsonOption = False,
) -> None:
    """Start everything, send real trials through it, and show what came out. The stack is left running."""
    settings = load_settings()
    _start(settings)
    outcome = run(_run(settings, jobs, timeout))
    if json:
        print_json(_data(outcome))
    else:
        _show(outcome, settings.stack)
    if not outcome.good:
        raise fail(ExitCode.FAILED)


def _start(settings: CliSettings) -> None:
    """Start everything, with the recorded answers of the replay server as the source, whatever the settings say."""
    replay = settings.model_copy(update={"ctgov_url": settings.replay_url, "ctgov_rate": None})
    if settings.stack == "compose":
        composed.up(replay, None, {})
        return
    local = Local(replay, say)
    elsewhere = settings.ctgov_url not in (None, settings.replay_url)
    asks_elsewhere = elsewhere and any(replica.running for replica in local.services.replicas(["ingest"]))
    start(local, None, {})
    if elsewhere:
        say(f"ingest asks the replay server, not MK_CTGOV_URL {settings.ctgov_url}, until it is started again")
    if asks_elsewhere:
        local.services.restart("ingest")


async def _run(settings: CliSettings, count: int, timeout_s: float) -> Outcome:
    ids = await study_ids(settings.replay_url, count)
    batch_id = f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    requests = [JobRequest(source="ctgov", id=nct_id, batch_id=batch_id, topology=TOPOLOGY) for nct_id in ids]
    events = [
        request_event(request, source=SOURCE, job=batch_item_id(batch_id, request.doc_id), correlation=batch_id)
        for request in requests
    ]
    say(f"asking for {len(ids)} trials of ClinicalTrials.gov, {ids[0]} to {ids[-1]}, as batch {batch_id}")
    tally = Tally()
    began = monotonic()
    with ProgressView(tally) as view:
        await publish_and_wait(settings, events, tally, timeout_s, view.update, say)
    seconds = monotonic() - began
    await _visible(settings, tally.chunks)
    pages = [(text, await ask(settings.search_url, request_of(text, DEFAULT_TENANT, HITS))) for text in SEARCHES]
    async with graph_of(settings) as graph:
        tried = await TrialsReader(graph).tried(DEFAULT_TENANT, CONDITION, limit=TRIALS)
    return Outcome(batch_id, seconds, tally, pages, tried)


async def _visible(settings: CliSettings, chunks: int) -> None:
    """Wait until searches see as many chunks as were indexed: OpenSearch shows new ones once a second."""
    server = SearchServer(settings.opensearch_url)
    deadline = monotonic() + VISIBLE_S
    try:
        while await ChunkSearch(server).count(DEFAULT_TENANT) < chunks and monotonic() < deadline:  # noqa: ASYNC110 - OpenSearch tells nobody
            await asyncio.sleep(0.3)
    finally:
        await server.close()


def _show(outcome: Outcome, stack: str) -> None:
    tally = outcome.tally
    rows = [(coloured(state), str(count)) for state, count in sorted(tally.counts().items())]
    show(table("Jobs", ("status", "jobs"), rows, numbers=("jobs",)), Text())
    show(stage_times(tally), Text())
    if tally.errors:
        show(failures(tally), Text())
    for text, page in outcome.pages:
        show(Text.assemble(("Search ", "bold"), (text, "bold italic"), (f"  {page.total} hits", "dim")))
        show(*(failure_view(failure) for failure in page.partial))
        show(ranking_view(page), Text())
    show(Text.assemble(("What was tried for ", "bold"), (CONDITION, "bold italic"), ", with what results?"))
    show(*tried_view(outcome.tried), Text())
    show(
        f"{len(tally.jobs)} jobs in {outcome.seconds:.1f} s; {tally.chunks} chunks went into the index.",
        "The stack is left running. To look further:",
    )
    example = next(iter(tally.jobs), "JOB")
    found = [hit.chunk.document_id for _, page in outcome.pages for hit in page.hits]
    medkg = command_path()
    commands = (
        (f"  {medkg} status {outcome.batch_id}", "the jobs of this run"),
        (f"  {medkg} status {example}", "one job with its stages and artifacts"),
        (f"  {medkg} explain {example}", "why it is where it is"),
        (f"  {medkg} events tail --since 10m", "all that happened"),
        (f'  {medkg} search "microdiscectomy"', "what was indexed"),
        (f"  {medkg} search --like {next(iter(found), 'ID')}", "what is like it"),
        (f"  {medkg} graph evidence {outcome.tried.condition.id}", "what documents say of it"),
        (f"  {'STACK=compose ' if stack == 'compose' else ''}make down", "stop it; the data stay"),
    )
    for command, meaning in commands:
        console().print(f"{command:<{max(len(shown) for shown, _ in commands)}}  {meaning}", soft_wrap=True)


def command_path() -> str:
    """How the command is called from this folder, whether or not its environment is activated."""
    called = Path(sys.argv[0]).absolute()
    if called.name != "medkg":
        return "medkg"
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)


def _data(outcome: Outcome) -> dict[str, object]:
    return {
        "batch_id": outcome.batch_id,
        "seconds": round(outcome.seconds, 3),
        "counts": outcome.tally.counts(),
        "chunks": outcome.tally.chunks,
        "stages": {
            name: {
                "completed": stage.completed,
                "failed": stage.failed,
                "duration_ms": _percentiles(stage.durations),
                "waited_ms": _percentiles(stage.waits),
            }
            for name, stage in outcome.tally.stages.items()
        },
        "searches": dict(outcome.pages),
        "tried": outcome.tried,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    return {f"p{round(share * 100)}": percentile(values, share) for share in (0.5, 0.95, 0.99)}
