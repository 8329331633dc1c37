"""`medkg consumers`: who does a stage's work, and how much of it."""

from collections.abc import Iterator, Sequence
from time import time
from typing import Annotated

import typer
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import from_record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.settings import Settings
from medkg_operations.consumer_load import EndedRuns, StageLoad, WorkDone, as_data, lags_of, load_of
from medkg_operations.stages import check_stages, known_stages
from medkg_topology.duration import parse_duration
from rich.console import RenderableType

from .exits import run
from .output import JsonOption, coloured, duration, print_json, show, table
from .settings import load_settings

_COLUMNS = ("stage", "consumer", "state", "partitions", "lag", "jobs", "jobs/s", "work")
_NUMBERS = ("lag", "jobs", "jobs/s", "work")


def consumers(
    stages: Annotated[list[str] | None, typer.Argument(metavar="[STAGE]…", help="Only these stages' services.")] = None,
    *,
    since: Annotated[str, typer.Option(metavar="DURATION", help="Work of so long: 30s, 10m, 2h, 1d.")] = "10m",
    json: JsonOption = False,
) -> None:
    """Show the consumers of each stage: what each holds, and what it did lately.

    A job is a run of the stage that ended, completed or failed. Jobs a second are counted from the beginning of the
    first to the end of the last. A consumer that is gone worked within the time, and is in its group no more.
    """
    try:
        length_s = parse_duration(since)
    except ValueError as error:
        raise typer.BadParameter(f"--since {since!r} {error}; write 30s, 10m, 2h or 1d") from error
    loads = run(look(load_settings(), stages or (), length_s))
    if json:
        print_json(as_data(loads))
    else:
        show(table(None, _COLUMNS, [row for load in loads for row in _rows(load)], numbers=_NUMBERS))


async def look(settings: Settings, stages: Sequence[str], length_s: float) -> list[StageLoad]:
    """How each of these stages' work is shared, or all stages'; with the work of the last so many seconds.

    Raises:
        NotFound: there is no such stage.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: Redis does not answer.
    """
    if stages:
        await check_stages(settings, stages)
    named = stages or await known_stages(settings)
    async with Cluster(settings.kafka) as cluster:
        done = EndedRuns()
        async for record in cluster.since(topics.EVENTS, round((time() - length_s) * 1000)):
            try:
                done.hear(from_record(record.headers, record.value))
            except PoisonRecord:
                continue  # it is no event, and tells of no work
        return [await _load(cluster, stage, done) for stage in dict.fromkeys(named)]


async def _load(cluster: Cluster, stage: str, done: EndedRuns) -> StageLoad:
    group = topics.group(stage)
    partitions = await cluster.partitions(topics.queue(stage))
    # What is committed comes first: a lag that is too large for a moment says less that is wrong than one below zero.
    committed = await cluster.committed(group)
    lags = lags_of(committed, await cluster.starts(partitions), await cluster.written(partitions))
    return load_of(stage, await cluster.members(group), lags, done)


def _rows(load: StageLoad) -> Iterator[Sequence[RenderableType]]:
    for each in load.consumers:
        state = coloured("running" if each.member else "gone")
        yield load.stage, each.name, state, _numbers(each.partitions), str(each.lag), *_work(each.work)
    count = sum(each.member for each in load.consumers)
    yield load.stage, f"all {count}", "", f"{load.partitions} partitions", str(load.lag), *_work(load.total)


def _work(work: WorkDone) -> tuple[str, str, str]:
    return str(work.jobs), "" if work.per_s is None else f"{work.per_s:.1f}", duration(work.mean_ms)


def _numbers(partitions: Sequence[int]) -> str:
    return ", ".join(map(str, partitions)) or "none"
