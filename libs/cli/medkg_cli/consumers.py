"""`medkg consumers`: who does a stage's work, and how much of it."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from medkg_operations.consumer_load import StageLoad, WorkDone, as_data
from medkg_operations.consumers import stage_loads
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
    loads = run(stage_loads(load_settings(), stages or (), length_s))
    if json:
        print_json(as_data(loads))
    else:
        show(table(None, _COLUMNS, [row for load in loads for row in _rows(load)], numbers=_NUMBERS))


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
