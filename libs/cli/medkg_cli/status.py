"""`medkg status`: what the ledger says of a job, of a batch, or of all jobs."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from medkg_contracts.settings import Settings
from medkg_ledger import JobStatus, LedgerReader, Page
from medkg_operations.views import job_view, ledger_of
from rich.console import Group, RenderableType
from rich.live import Live

from .exits import run
from .output import JsonOption, console, print_json, print_json_line
from .settings import load_settings
from .status_view import batch_data, batch_view, job_data, jobs_view, state_view

#: Seconds between two looks of --watch.
LOOK_S = 1.0


def status(  # noqa: PLR0913 - these are the options
    job: Annotated[str | None, typer.Argument(metavar="JOB|BATCH", help="One job or batch; else a list.")] = None,
    *,
    status: Annotated[JobStatus | None, typer.Option(help="Only jobs of this status.")] = None,
    state: Annotated[str | None, typer.Option(hidden=True)] = None,
    stage: Annotated[str | None, typer.Option(help="Only jobs whose current stage is this.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's jobs.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only jobs on this topology.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only jobs of this batch.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Jobs on a page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Continue where the page that gave it ended.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second, until it has ended.")] = False,
    json: JsonOption = False,
) -> None:
    """Show where jobs stand: one job with its stages, a batch with its counts, or a list of jobs."""
    if state is not None:
        raise typer.BadParameter("the option is --status", param_hint="--state")
    given = {"state": status, "stage": stage, "tenant": tenant, "pipeline": pipeline, "batch": batch}
    filters = {name: str(value) for name, value in given.items() if value is not None}
    if job is not None and (filters or cursor):
        raise typer.BadParameter("a filter or cursor belongs to the list, not to one job or batch")
    run(_look(load_settings(), job, filters, limit, cursor, watch=watch, json=json))


async def _look(
    settings: Settings,
    job: str | None,
    filters: dict[str, str],
    limit: int,
    cursor: str | None,
    *,
    watch: bool,
    json: bool,
) -> None:
    async with ledger_of(settings) as ledger:
        look = Look(ledger, job, filters, limit, cursor)
        await (look.watch(json=json) if watch else look.once(json=json))


class Look:
    """A question to the ledger, which may be asked again."""

    def __init__(
        self, ledger: LedgerReader, wanted: str | None, filters: dict[str, str], limit: int, cursor: str | None
    ) -> None:
        self._ledger = ledger
        self._id = wanted
        self._filters = filters
        self._limit = limit
        self._cursor = cursor

    async def once(self, *, json: bool) -> None:
        """Ask once and print the answer."""
        data, view, _ = await self._ask()
        if json:
            print_json(data)
        else:
            console().print(view)

    async def watch(self, *, json: bool) -> None:
        """Ask every second and print what has changed, until nothing more can happen."""
        screen = console()
        live = Live(console=screen, auto_refresh=False) if screen.is_terminal and not json else None
        before: object = None
        try:
            if live is not None:
                live.start()
            while True:
                data, view, ended = await self._ask()
                if live is not None:
                    live.update(view, refresh=True)
                elif data != before:
                    print_json_line(data) if json else screen.print(view)
                before = data
                if ended:
                    return
                await asyncio.sleep(LOOK_S)
        finally:
            if live is not None:
                live.stop()

    async def _ask(self) -> tuple[object, RenderableType, bool]:
        """The answer for programs, for people, and whether it is final."""
        if self._id is None:
            page = await self._ledger.jobs(self._filters, limit=self._limit, cursor=self._cursor)
            return _page_data(page), jobs_view(page), False
        found = await job_view(self._ledger, self._id, self._limit)
        parts: list[RenderableType] = []
        data: dict[str, object] = {}
        if found.state is not None:
            parts.append(state_view(found.state, found.plan))
            data |= job_data(found.state)
            data |= {} if found.pdf is None else asdict(found.pdf)
        if found.batch.total:
            parts.append(batch_view(found.batch))
            data["batch"] = batch_data(found.batch)
        return data, Group(*parts), found.ended


def _page_data(page: Page) -> dict[str, object]:
    return {"jobs": [job_data(job) for job in page.jobs], "cursor": page.cursor}
