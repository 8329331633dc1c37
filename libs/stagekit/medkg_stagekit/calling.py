"""Calling a stage: its time, its batches, its pages, its errors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from medkg_bus.shutdown import HandedBack
from medkg_contracts.errors import MedkgError, StageBug, StageTimeout
from medkg_contracts.ir import ExpansionReceipt
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext

from .binding import Binding
from .job import Job
from .logs import job_fields
from .observer import Observer
from .work import Work

logger = logging.getLogger(__name__)

#: How many of a batch's requests an expanding stage hands over at once.
EXPANSION_PAGE = 200


class _Untold(Exception):
    """The observer could not be told; that is its caller's affair, and none of the job's."""

    def __init__(self, error: MedkgError) -> None:
        super().__init__(str(error))
        self.error = error


class _Struck(Exception):
    """The job was cancelled between two pages."""


class Caller:
    """Calls one stage for jobs whose arguments are loaded. Whatever the stage raises is those jobs' error."""

    def __init__(self, binding: Binding, observer: Observer) -> None:
        self._binding = binding
        self._observer = observer

    async def call(self, jobs: Sequence[Job]) -> None:
        """Run the stage; after a batch that failed as a whole, for each job alone, since one may be the reason."""
        began = perf_counter()
        results = await self._results(jobs)
        if isinstance(results, Exception):
            if len(jobs) > 1 and not getattr(results, "retryable", False):
                for job in jobs:
                    await self.call([job])
                return
            results = [results] * len(jobs)
        duration_ms = round((perf_counter() - began) * 1000, 3)
        for job, result in zip(jobs, results, strict=True):
            job.outcome.duration_ms = duration_ms
            failed = isinstance(result, Exception)
            job.outcome.error = self.as_medkg(job.work, result) if failed else None
            job.result = None if failed else result

    def as_medkg(self, work: Work, error: Exception) -> MedkgError:
        """The error as one of medkg's: any other is the stage's bug."""
        if isinstance(error, MedkgError):
            return error
        with job_fields(work):
            logger.error("%s raised %s", self._binding.name, type(error).__name__, exc_info=error)
        return StageBug(f"{self._binding.name}: {type(error).__name__}: {error}")

    async def _results(self, jobs: Sequence[Job]) -> Sequence[Any] | Exception:
        """What the stage returns, or raises: whatever that is, it is those jobs' result."""
        timeout_s = max(job.work.policy.timeout_s for job in jobs)
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await self._call(jobs, limit, datetime.now(UTC) + timedelta(seconds=timeout_s))
        except _Untold as untold:
            raise untold.error from None
        except HandedBack:
            raise
        except _Struck:
            jobs[0].outcome.dropped = True
            return [None]
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return StageBug(f"{self._binding.name} was cancelled from within: {error!r}")
        except Exception as error:  # noqa: BLE001
            return StageTimeout(f"{self._binding.name} took longer than {timeout_s:g} s") if limit.expired() else error

    async def _call(self, jobs: Sequence[Job], limit: asyncio.Timeout, deadline: datetime) -> Sequence[Any]:
        contexts = [_context(job, deadline) for job in jobs]
        stage = self._binding.stage
        if self._binding.batched:
            rows = [job.arguments or {} for job in jobs]
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            results: Sequence[Any] = await stage.execute_batch(contexts, **columns)
            if len(results) != len(jobs):
                raise StageBug(f"execute_batch returned {len(results)} results for {len(jobs)} jobs")
            return results
        (job,) = jobs
        with job_fields(job.work):
            running = stage.execute(contexts[0], **(job.arguments or {}))
            return [await self._expand(job, running, limit) if self._binding.expands else await running]

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
        try:
            await self._observer.expanded(work, page)
        except MedkgError as error:
            raise _Untold(error) from error


async def _turn_page(job: Job, limit: asyncio.Timeout) -> None:
    """Go on if the job is still wanted; the time for which the stage is paused is none of its own."""
    loop = asyncio.get_running_loop()
    left_s = (limit.when() or 0.0) - loop.time()
    limit.reschedule(None)
    if await job.roll.strikes(job.work):
        raise _Struck
    limit.reschedule(loop.time() + left_s)


def _context(job: Job, deadline: datetime) -> StageContext:
    metadata = job.request.metadata if job.request else {}
    return replace(job.work.ctx, attempt=job.attempt, deadline=deadline, metadata=metadata)
