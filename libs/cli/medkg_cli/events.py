"""`medkg events tail`: shows all that happens, as it happens."""

from collections.abc import Callable
from contextlib import aclosing
from time import time
from typing import Annotated

import typer
from medkg_bus.tail import Start
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import MedkgError
from medkg_contracts.events import as_json
from medkg_contracts.records import Record
from medkg_contracts.settings import Settings
from medkg_operations.events import EventFilter, follow
from medkg_topology.duration import parse_duration
from rich.text import Text

from .event_view import event_line
from .exits import run
from .output import JsonOption, console, print_json_line
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="What happens, event by event.")


@app.callback()
def _events() -> None:
    """Without this, typer would fold the only command into its group."""


@app.command()
def tail(  # noqa: PLR0913 - these are the options
    *,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Begin at the oldest event that is kept.")
    ] = False,
    since: Annotated[str | None, typer.Option(metavar="DURATION", help="Begin so long ago: 30s, 10m, 2h, 1d.")] = None,
    job: Annotated[str | None, typer.Option(help="Only this job's.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only this batch's.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage's.")] = None,
    type: Annotated[str | None, typer.Option(help="Only these, such as stage.completed.")] = None,  # noqa: A002
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    json: JsonOption = False,
) -> None:
    """Follow orchestration.events.v1 until Ctrl-C, without a consumer group."""
    start = _start(from_beginning=from_beginning, since=since)
    wanted = EventFilter(job, batch, tenant, stage, type)
    run(_follow(load_settings(), start, wanted, limit, print_json_event if json else print_event))


def _start(*, from_beginning: bool, since: str | None) -> Start:
    if from_beginning and since is not None:
        raise typer.BadParameter("--from-beginning and --since exclude each other")
    if from_beginning:
        return "beginning"
    if since is None:
        return "end"
    try:
        return round((time() - parse_duration(since)) * 1000)
    except ValueError as error:
        raise typer.BadParameter(f"--since {since!r} {error}; write 30s, 10m, 2h or 1d") from error


#: Prints what a record holds: an event, or why it is none.
Printer = Callable[[Record, CloudEvent | MedkgError], None]


async def _follow(settings: Settings, start: Start, wanted: EventFilter, limit: int | None, show: Printer) -> None:
    shown = 0
    async with aclosing(follow(settings, wanted, start)) as records:
        async for record, found in records:
            show(record, found)
            shown += 1
            if shown == limit:
                return


def print_event(record: Record, found: CloudEvent | MedkgError) -> None:
    """For people, a line."""
    if isinstance(found, CloudEvent):
        line = event_line(found)
    else:
        line = Text.assemble((f"{record.place} is no event [{found.code}]: ", "red"), str(found))
    console().print(line, soft_wrap=True)


def print_json_event(record: Record, found: CloudEvent | MedkgError) -> None:
    """For programs: CloudEvents JSON, or an object with the member ``poison``."""
    if isinstance(found, CloudEvent):
        print_json_line(as_json(found))
        return
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    key = None if record.key is None else record.key.decode(errors="backslashreplace")
    print_json_line({"poison": {**place, "key": key, "error": found.info.model_dump()}})
