"""Runs a stage for a batch of jobs: inputs, policy, outputs. Knows nothing of Kafka.

One job's error never touches another's result, whatever the stage raises.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import (
    ConfigurationError,
    InvalidInput,
    MedkgError,
    StageBug,
    StageTimeout,
)
from medkg_contracts.ir import ExpansionReceipt
from medkg_contracts.model import first_violation
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from pydantic import TypeAdapter, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_result,
    stop_after_attempt,
)

from .binding import Binding
from .logs import job_fields
from .observer import Observer
from .waits import wait_s
from .work import Outcome, Work

logger = logging.getLogger(__name__)

#: How many of a batch's requests an expanding stage hands over at once.
EXPANSION_PAGE = 200

_REQUEST = TypeAdapter(JobRequest)


class _Untold(Exception):
    """The observer could not be told; that is its caller's affair, and none of the job's."""

    def __init__(self, error: MedkgError) -> None:
        super().__init__(str(error))
        self.error = error


class _Job:
    """A unit of work on its way through the stage."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.request: JobRequest | None = None
        self.arguments: dict[str, Any] | None = None
        self.run_key: str | None = None
        self.result: Any = None
        self.outcome = Outcome(work)

    @property
    def error(self) -> MedkgError | None:
        return self.outcome.error


class Executor:
    """Runs one stage for many jobs."""

    def __init__(self, binding: Binding, store: ArtifactStore, observer: Observer, *, concurrency: int = 8) -> None:
        self._binding = binding
        self._store = store
        self._observer = observer
        self._slots = asyncio.Semaphore(concurrency)

    async def run(self, works: Sequence[Work]) -> AsyncIterator[list[Outcome]]:
        """Run the stage for all; yields outcomes as they come, those that come together together."""
        if self._binding.batched:
            yield await self._run_batch(works)
            return
        pending = {asyncio.ensure_future(self._run_one(work)) for work in works}
        try:
            while pending:
                finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                yield [task.result() for task in finished]
        finally:
            for task in pending:
                task.cancel()

    async def _run_one(self, work: Work) -> Outcome:
        async with self._slots:
            return (await self._run_batch([work]))[0]

    async def _run_batch(self, works: Sequence[Work]) -> list[Outcome]:
        jobs = [_Job(work) for work in works]
        for job in jobs:
            await self._observer.started(job.work)
        await self._attempt_all(jobs)
        return [job.outcome for job in jobs]

    async def _prepare(self, job: _Job) -> None:
        """Load the inputs, unless the work can be skipped or an earlier try has loaded them."""
        job.outcome.error = None
        try:
            if job.arguments is None:
                await self._load(job)
        except MedkgError as error:
            job.outcome.error = error
        except ValidationError as error:
            job.outcome.error = InvalidInput(f"the request: {first_violation(error)}")

    async def _load(self, job: _Job) -> None:
        work, request = job.work, job.work.request
        if isinstance(request, ArtifactRef):
            request = _REQUEST.validate_json(await self._store.get(work.ctx.tenant_id, request))
        job.request = request
        if self._binding.pure:
            job.run_key = self._run_key(work, request)
            if request.skip_completed and (known := await self._store.recall(work.ctx.tenant_id, job.run_key)):
                job.outcome.artifacts, job.outcome.skipped = known, True
                return
        names = list(self._binding.inputs)
        values = await asyncio.gather(*(self._input(work, name) for name in names))
        arguments = dict(zip(names, values, strict=True))
        job.arguments = {**arguments, "request": request} if self._binding.takes_request else arguments

    def _run_key(self, work: Work, request: JobRequest) -> str:
        relevant = request.model_copy(update={"skip_completed": False, "until": None, "batch_id": None})
        digests = {name: ref.sha256 for name, ref in work.inputs.items() if name in self._binding.inputs}
        return self._binding.run_key(relevant.model_dump_json().encode(), digests)

    async def _input(self, work: Work, name: str) -> Any:  # noqa: ANN401 - of the parameter's type
        ref = work.inputs.get(name)
        if ref is None:
            raise ConfigurationError(f"{work.node} needs the artifact {name!r}, which the topology does not give it")
        body = await self._store.get(work.ctx.tenant_id, ref)
        try:
            return self._binding.inputs[name].validate_json(body)
        except ValidationError as error:
            raise InvalidInput(f"artifact {name!r}: {first_violation(error)}") from error

    async def _attempt_all(self, jobs: list[_Job]) -> None:
        """Try until no job's error is worth another try, or the policy's attempts are used up."""
        await self._attempt(jobs)
        again = _worth_another(jobs)
        for policy in {job.work.policy for job in again}:
            group = [job for job in again if job.work.policy == policy]
            if policy.attempts > 1:
                await self._retry(group, policy)

    async def _retry(self, group: list[_Job], policy: Policy) -> None:
        tried = True  # once, before tenacity took over: it first of all waits

        async def attempt() -> list[_Job]:
            nonlocal tried
            failed = _worth_another(group)
            if not tried:
                for job in failed:
                    job.outcome.retries += 1
                await self._attempt(failed)
            tried = False
            return _worth_another(failed)

        async def announce(state: RetryCallState) -> None:
            wait = state.next_action.sleep if state.next_action else 0.0
            failed: list[_Job] = state.outcome.result() if state.outcome else []
            for job in failed:
                if job.error is not None:
                    await self._observer.retrying(job.work, job.outcome.retries + 1, job.error, wait)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(policy.attempts),
            wait=lambda state: wait_s(policy, state, [job.error for job in _worth_another(group)]),
            retry=retry_if_result(bool),
            before_sleep=announce,
        )
        try:
            await retrying(attempt)
        except RetryError:
            return  # the jobs' own errors say what is wrong

    async def _attempt(self, jobs: Sequence[_Job]) -> None:
        """One try for each: load the inputs, run the stage, store the outputs."""
        await asyncio.gather(*(self._prepare(job) for job in jobs))
        ready = [job for job in jobs if job.error is None and not job.outcome.skipped]
        if ready:
            await self._execute(ready)
        await asyncio.gather(*(self._finish(job) for job in ready if job.error is None))

    async def _execute(self, jobs: Sequence[_Job]) -> None:
        """Run the stage; after a batch that failed as a whole, for each job alone, since one may be the reason."""
        began = perf_counter()
        results = await self._results(jobs)
        if isinstance(results, Exception):
            if len(jobs) > 1 and not getattr(results, "retryable", False):
                for job in jobs:
                    await self._execute([job])
                return
            results = [results] * len(jobs)
        duration_ms = round((perf_counter() - began) * 1000, 3)
        for job, result in zip(jobs, results, strict=True):
            job.outcome.duration_ms = duration_ms
            failed = isinstance(result, Exception)
            job.outcome.error = self._as_medkg(job.work, result) if failed else None
            job.result = None if failed else result

    async def _results(self, jobs: Sequence[_Job]) -> Sequence[Any] | Exception:
        """What the stage returns, or raises: whatever that is, it is those jobs' result."""
        timeout_s = max(job.work.policy.timeout_s for job in jobs)
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await self._call(jobs, datetime.now(UTC) + timedelta(seconds=timeout_s))
        except _Untold as untold:
            raise untold.error from None
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return StageBug(f"{self._binding.name} was cancelled from within: {error!r}")
        except Exception as error:  # noqa: BLE001
            return StageTimeout(f"{self._binding.name} took longer than {timeout_s:g} s") if limit.expired() else error

    async def _call(self, jobs: Sequence[_Job], deadline: datetime) -> Sequence[Any]:
        contexts = [self._context(job, deadline) for job in jobs]
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
            return [await self._expand(job, running) if self._binding.expands else await running]

    async def _expand(self, job: _Job, items: AsyncIterator[JobRequest]) -> ExpansionReceipt:
        page: list[JobRequest] = []
        count = 0
        async for item in items:
            page.append(item)
            count += 1
            if len(page) == EXPANSION_PAGE:
                await self._hand_over(job.work, page)
                page = []
        await self._hand_over(job.work, page)
        return ExpansionReceipt(batch_id=job.work.ctx.job_id, jobs=count)

    async def _hand_over(self, work: Work, page: Sequence[JobRequest]) -> None:
        try:
            await self._observer.expanded(work, page)
        except MedkgError as error:
            raise _Untold(error) from error

    @staticmethod
    def _context(job: _Job, deadline: datetime) -> StageContext:
        metadata = job.request.metadata if job.request else {}
        return replace(job.work.ctx, attempt=job.outcome.retries + 1, deadline=deadline, metadata=metadata)

    def _as_medkg(self, work: Work, error: Exception) -> MedkgError:
        if isinstance(error, MedkgError):
            return error
        with job_fields(work):
            logger.error("%s raised %s", self._binding.name, type(error).__name__, exc_info=error)
        return StageBug(f"{self._binding.name}: {type(error).__name__}: {error}")

    async def _finish(self, job: _Job) -> None:
        try:
            job.outcome.artifacts = await self._store_outputs(job)
            if job.run_key is not None:
                await self._store.remember(job.work.ctx.tenant_id, job.run_key, job.outcome.artifacts)
        except Exception as error:  # noqa: BLE001 - a result of another type than the stage declares
            job.outcome.artifacts = {}
            job.outcome.error = self._as_medkg(job.work, error)

    async def _store_outputs(self, job: _Job) -> dict[str, ArtifactRef]:
        tenant = job.work.ctx.tenant_id
        if self._binding.expands:
            (name,) = self._binding.stage.outputs
            return {name: await self._store.put(tenant, name, job.result.model_dump_json().encode())}
        values = job.result if len(self._binding.outputs) > 1 else (job.result,)
        refs = [
            await self._store.put(tenant, name, adapter.dump_json(adapter.validate_python(value)))
            for (name, adapter), value in zip(self._binding.outputs.items(), values, strict=True)
        ]
        return {ref.name: ref for ref in refs}


def _worth_another(jobs: Sequence[_Job]) -> list[_Job]:
    return [job for job in jobs if job.error is not None and job.error.retryable]
