"""Calling a stage: its time, its batches, its pages, its errors."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

from medkg_bus.shutdown import HandedBack
from medkg_contracts.errors import MedkgError, StageBug, StageTimeout, WorkerCrashed
from medkg_contracts.ir import ExpansionReceipt
from medkg_contracts.requests import JobRequest

from .binding import Binding
from .invocation import Performed, Result, Task, arguments, as_medkg, perform
from .job import Job
from .observer import PublishItems
from .pool import WorkerPool
from .work import Work, job_fields

#: How often is asked whether jobs that are computed are wanted still, in seconds.
WANTED_S = 1.0

#: How many of a batch's requests an expanding stage hands over at once.
EXPANSION_PAGE = 200


class _NotPublished(Exception):
    """Items could not be published; that is the service's affair, and none of the job's."""

    def __init__(self, error: MedkgError) -> None:
        super().__init__(str(error))
        self.error = error


class _Cancelled(Exception):
    """The job was cancelled between two pages."""


class Caller:
    """Calls one stage for jobs whose artifacts are loaded. Whatever the stage raises is those jobs' error.

    Args:
        binding: the stage.
        publish_items: makes jobs of what an expanding stage finds; others need none.
        pool: where a stage that computes does so.
    """

    def __init__(
        self, binding: Binding, publish_items: PublishItems | None = None, pool: WorkerPool | None = None
    ) -> None:
        self._binding = binding
        self._publish_items = publish_items
        self._pool = pool

    async def call(self, jobs: Sequence[Job]) -> None:
        """Run the stage; after a call that failed as a whole, for each job alone, since one may be the reason."""
        performed, duration_s = await self._performed(jobs)
        together = sum(result is None for result in performed.results)
        apart = together > 1 and _may_be_ones_fault(performed.error)
        for job, result in zip(jobs, performed.results, strict=True):
            if result is None and apart:
                await self.call([job])
            else:
                _note(job, performed.error if result is None else result, duration_s)

    async def _performed(self, jobs: Sequence[Job]) -> tuple[Performed, float]:
        """What the stage made of the jobs, and how many seconds that took."""
        timeout_s = max(job.work.policy.timeout_s for job in jobs)
        tasks = [_task(job) for job in jobs]
        if self._pool is not None:
            return await self._computed(self._pool, jobs, tasks, timeout_s)
        began = perf_counter()
        performed = await self._here(jobs, tasks, timeout_s)
        return performed, perf_counter() - began

    @staticmethod
    async def _computed(
        pool: WorkerPool, jobs: Sequence[Job], tasks: Sequence[Task], timeout_s: float
    ) -> tuple[Performed, float]:
        """Have it done by a process, which is killed when all the jobs are cancelled."""
        call = asyncio.ensure_future(pool.call(tasks, timeout_s))
        watch = asyncio.ensure_future(_until_unwanted(jobs, call))
        try:
            await asyncio.wait({call, watch}, return_when=asyncio.FIRST_COMPLETED)
            if call.done() or not watch.result():
                return await call
            for job in jobs:
                job.outcome.dropped = True
            return Performed([{}] * len(jobs)), 0.0
        finally:
            watch.cancel()
            call.cancel()
            await asyncio.wait({call, watch})

    async def _here(self, jobs: Sequence[Job], tasks: Sequence[Task], timeout_s: float) -> Performed:
        """Run the stage in this process: whatever it raises is those jobs' result."""
        limit = asyncio.timeout(timeout_s)
        deadline = datetime.now(UTC) + timedelta(seconds=timeout_s)
        name = self._binding.name
        try:
            async with limit:
                if self._binding.expands:
                    return Performed([await self._expanded(jobs[0], tasks[0], limit, deadline)])
                return await perform(self._binding, tasks, deadline)
        except _NotPublished as failed:
            raise failed.error from None
        except HandedBack:
            raise
        except _Cancelled:
            jobs[0].outcome.dropped = True
            return Performed([{}])
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return Performed.failed(tasks, StageBug(f"{name} was cancelled from within: {error!r}"))
        except Exception as error:  # noqa: BLE001
            late = StageTimeout(f"{name} took longer than {timeout_s:g} s") if limit.expired() else None
            return Performed.failed(tasks, late or as_medkg(name, jobs[0].work, error))

    async def _expanded(self, job: Job, task: Task, limit: asyncio.Timeout, deadline: datetime) -> Result:
        with job_fields(job.work):
            items = self._binding.stage.execute(task.context(deadline), **arguments(self._binding, task))
            receipt = await self._expand(job, items, limit)
        (name,) = self._binding.stage.outputs
        return {name: receipt.model_dump_json().encode()}

    async def _expand(self, job: Job, items: AsyncIterator[JobRequest], limit: asyncio.Timeout) -> ExpansionReceipt:
        page: list[JobRequest] = []
        count = 0
        async for item in items:
            page.append(item)
            count += 1
            if len(page) == EXPANSION_PAGE:
                await self._hand_over(job.work, page)
                await _turn_page(job, limit)
                page = []
        await self._hand_over(job.work, page)
        return ExpansionReceipt(batch_id=job.work.ctx.job_id, jobs=count)

    async def _hand_over(self, work: Work, page: Sequence[JobRequest]) -> None:
        if self._publish_items is None:
            raise AssertionError(f"{self._binding.name} expands, and nobody takes its items")
        try:
            await self._publish_items(work, page)
        except MedkgError as error:
            raise _NotPublished(error) from error


async def _turn_page(job: Job, limit: asyncio.Timeout) -> None:
    """Go on if the job is still wanted; the time for which the stage is paused is none of its own."""
    loop = asyncio.get_running_loop()
    left_s = (limit.when() or 0.0) - loop.time()
    limit.reschedule(None)
    if await job.check.is_cancelled(job.work):
        raise _Cancelled
    limit.reschedule(loop.time() + left_s)


async def _until_unwanted(jobs: Sequence[Job], call: "asyncio.Task[tuple[Performed, float]]") -> bool:
    """Wait until all are cancelled; False when the service ends, which waits for what is begun.

    It ends with the call, too, whoever has cancelled it: Redis's client waits by `asyncio.wait_for`, which before
    Python 3.12 loses a cancellation that comes in the same moment as what it waits for.
    """
    while not call.done():
        try:
            if all([await job.check.is_cancelled(job.work) for job in jobs]):
                return True
        except HandedBack:
            return False
        await asyncio.sleep(WANTED_S)
    return False


def _task(job: Job) -> Task:
    return Task(job.work, job.attempt, job.request, job.bodies or {})


def _may_be_ones_fault(error: MedkgError | None) -> bool:
    """Whether one of several jobs that failed together may be why the others did."""
    return isinstance(error, WorkerCrashed) or not getattr(error, "retryable", False)


def _note(job: Job, result: Result | None, duration_s: float) -> None:
    job.outcome.duration_ms = round(duration_s * 1000, 3)
    job.outcome.error = result if isinstance(result, MedkgError) else None
    job.made = {} if isinstance(result, MedkgError) or result is None else result
