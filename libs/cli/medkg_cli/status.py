"""`medkg status`: what the ledger says of a job, of a batch, or of all jobs."""

import asyncio
from collections import Counter
from typing import Annotated

import typer
from medkg_contracts.errors import NotFound
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader, Page
from rich.console import Group, RenderableType
from rich.live import Live

from .exits import run
from .output import JsonOption, console, print_json, print_json_line
from .settings import load_settings
from .status_view import BatchStatus, batch_view, job_data, job_view, jobs_view

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
    look = Look(load_settings(), job, filters, limit, cursor)
    run(look.watch(json=json) if watch else look.once(json=json))


class Look:
    """A question to the ledger, which may be asked again."""

    def __init__(
        self, settings: Settings, wanted: str | None, filters: dict[str, str], limit: int, cursor: str | None
    ) -> None:
        self._ledger = LedgerReader.from_url(settings.redis_url)
        self._id = wanted
        self._filters = filters
        self._limit = limit
        self._cursor = cursor

    async def once(self, *, json: bool) -> None:
        """Ask once and print the answer."""
        try:
            data, view, _ = await self._ask()
        finally:
            await self._ledger.close()
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
            await self._ledger.close()

    async def _ask(self) -> tuple[object, RenderableType, bool]:
        """The answer for programs, for people, and whether it is final."""
        if self._id is None:
            page = await self._ledger.jobs(self._filters, limit=self._limit, cursor=self._cursor)
            return _page_data(page), jobs_view(page), False
        state = await self._ledger.get(self._id)
        batch = await count_batch(self._ledger, self._id, self._limit)
        if state is None and not batch.total:
            raise NotFound(
                f"the ledger knows no job and no batch {self._id!r}",
                remedy="`medkg status` lists the jobs; `medkg explain` also looks for what no router has read yet.",
            )
        ended = (state is None or state.ended) and batch.open == 0
        parts: list[RenderableType] = []
        data: dict[str, object] = {}
        if state is not None:
            plan = await self._ledger.plan(state.pipeline_version) if state.pipeline_version else None
            parts.append(job_view(state, plan))
            data |= job_data(state)
        if batch.total:
            parts.append(batch_view(batch))
            data["batch"] = batch.data()
        return data, Group(*parts), ended


async def count_batch(ledger: LedgerReader, batch_id: str, limit: int) -> BatchStatus:
    """How many jobs of the batch are in each state; those that failed, at most `limit`."""
    counts: Counter[str] = Counter()
    failed: list[JobState] = []
    others: list[JobState] = []
    async for job in ledger.each_job({"batch": batch_id}):
        counts[str(job.status)] += 1
        kept = failed if job.status in (JobStatus.FAILED, JobStatus.REJECTED) else others
        if len(kept) < limit:
            kept.append(job)
    return BatchStatus(batch_id, dict(counts), [*failed, *others][:limit])


def _page_data(page: Page) -> dict[str, object]:
    return {"jobs": [job_data(job) for job in page.jobs], "cursor": page.cursor}
