"""Runs a stage for a batch of jobs: inputs, policy, outputs. Knows nothing of Kafka.

One job's error never touches another's result, whatever the stage raises.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
from medkg_contracts.events import JobRequest, RetryPolicy, first_violation
from medkg_contracts.ir import ExpansionReceipt
from medkg_contracts.stages import StageContext
from pydantic import TypeAdapter, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
    wait_incrementing,
    wait_none,
    wait_random,
)
from tenacity.wait import wait_base

from .binding import Binding
from .logs import job_fields
from .work import Outcome, Work

logger = logging.getLogger(__name__)

#: How many of a batch's requests an expanding stage hands over at once.
EXPANSION_PAGE = 200

_REQUEST = TypeAdapter(JobRequest)


class Observer:
    """Is told what happens to each unit of work; a caller overrides what it wants to know."""

    async def started(self, work: Work) -> None:
        """The work begins."""

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        """A try failed; the next, retry number `retry`, follows in `wait_s` seconds."""

    async def expanded(self, work: Work, requests: Sequence[JobRequest]) -> None:
        """An expanding stage found these items."""


class _Job:
    """A unit of work on its way through the stage."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.request: JobRequest | None = None
        self.arguments: dict[str, Any] = {}
        self.run_key: str | None = None
        self.result: Any = None
        self.error: MedkgError | None = None
        self.retries = 0
        self.duration_ms = 0.0


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
        skipped = await asyncio.gather(*(self._prepare(job) for job in jobs))
        outcomes = {position: outcome for position, outcome in enumerate(skipped) if outcome is not None}
        await self._attempt_all([job for position, job in enumerate(jobs) if position not in outcomes])
        finished = await asyncio.gather(
            *(self._finish(job) for position, job in enumerate(jobs) if position not in outcomes)
        )
        rest = iter(finished)
        return [outcomes[position] if position in outcomes else next(rest) for position in range(len(jobs))]

    async def _prepare(self, job: _Job) -> Outcome | None:
        """Load the inputs; an outcome when the work can be skipped or cannot begin."""
        work = job.work
        try:
            request = work.request
            if isinstance(request, ArtifactRef):
                request = _REQUEST.validate_json(await self._store.get(work.ctx.tenant_id, request))
            job.request = request
            if self._binding.pure:
                job.run_key = self._run_key(work, request)
                if request.skip_completed and (known := await self._store.recall(work.ctx.tenant_id, job.run_key)):
                    return Outcome(work, artifacts=known, skipped=True)
            names = list(self._binding.inputs)
            values = await asyncio.gather(*(self._input(work, name) for name in names))
            job.arguments = dict(zip(names, values, strict=True))
            if self._binding.takes_request:
                job.arguments["request"] = request
        except MedkgError as error:
            return Outcome(work, error=error)
        except ValidationError as error:
            return Outcome(work, error=InvalidInput(first_violation(error)))
        return None

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
        if not jobs:
            return
        await self._attempt(jobs)
        again = _worth_another(jobs)
        for policy in {job.work.policy for job in again}:
            group = [job for job in again if job.work.policy == policy]
            if policy.attempts > 1:
                await self._retry(group, policy)

    async def _retry(self, group: list[_Job], policy: RetryPolicy) -> None:
        tried = True  # once, before tenacity took over: it first of all waits

        async def attempt() -> list[_Job]:
            nonlocal tried
            failed = _worth_another(group)
            if not tried:
                for job in failed:
                    job.retries += 1
                await self._attempt(failed)
            tried = False
            return _worth_another(failed)

        async def announce(state: RetryCallState) -> None:
            wait_s = state.next_action.sleep if state.next_action else 0.0
            failed: list[_Job] = state.outcome.result() if state.outcome else []
            for job in failed:
                if job.error is not None:
                    await self._observer.retrying(job.work, job.retries + 1, job.error, wait_s)

        retrying = AsyncRetrying(
            stop=stop_after_attempt(policy.attempts),
            wait=_wait(policy),
            retry=retry_if_result(bool),
            before_sleep=announce,
        )
        try:
            await retrying(attempt)
        except RetryError:
            return  # the jobs' own errors say what is wrong

    async def _attempt(self, jobs: Sequence[_Job]) -> None:
        timeout = max(job.work.policy.timeout_s for job in jobs)
        began = perf_counter()
        try:
            async with asyncio.timeout(timeout):
                results = await self._call(jobs, datetime.now(UTC) + timedelta(seconds=timeout))
        except TimeoutError:
            results = [StageTimeout(f"{self._binding.name} took longer than {timeout:g} s")] * len(jobs)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is that job's result
            results = [error] * len(jobs)
        duration_ms = round((perf_counter() - began) * 1000, 3)
        for job, result in zip(jobs, results, strict=True):
            job.duration_ms = duration_ms
            failed = isinstance(result, Exception)
            job.error = self._as_medkg(job.work, result) if failed else None
            job.result = None if failed else result

    async def _call(self, jobs: Sequence[_Job], deadline: datetime) -> Sequence[Any]:
        contexts = [self._context(job, deadline) for job in jobs]
        stage = self._binding.stage
        if self._binding.batched:
            columns = {name: [job.arguments[name] for job in jobs] for name in jobs[0].arguments}
            results: Sequence[Any] = await stage.execute_batch(contexts, **columns)
            if len(results) != len(jobs):
                raise StageBug(f"execute_batch returned {len(results)} results for {len(jobs)} jobs")
            return results
        if self._binding.expands:
            return [await self._expand(jobs[0], stage.execute(contexts[0], **jobs[0].arguments))]
        with job_fields(jobs[0].work):
            return [await stage.execute(contexts[0], **jobs[0].arguments)]

    async def _expand(self, job: _Job, items: AsyncIterator[JobRequest]) -> ExpansionReceipt:
        page: list[JobRequest] = []
        count = 0
        async for item in items:
            page.append(item)
            count += 1
            if len(page) == EXPANSION_PAGE:
                await self._observer.expanded(job.work, page)
                page = []
        await self._observer.expanded(job.work, page)
        return ExpansionReceipt(batch_id=job.work.ctx.job_id, jobs=count)

    @staticmethod
    def _context(job: _Job, deadline: datetime) -> StageContext:
        metadata = job.request.metadata if job.request else {}
        return replace(job.work.ctx, attempt=job.retries + 1, deadline=deadline, metadata=metadata)

    def _as_medkg(self, work: Work, error: Exception) -> MedkgError:
        if isinstance(error, MedkgError):
            return error
        with job_fields(work):
            logger.error("%s raised %s", self._binding.name, type(error).__name__, exc_info=error)
        return StageBug(f"{self._binding.name}: {type(error).__name__}: {error}")

    async def _finish(self, job: _Job) -> Outcome:
        outcome = Outcome(job.work, error=job.error, retries=job.retries, duration_ms=job.duration_ms)
        if job.error is not None:
            return outcome
        try:
            outcome.artifacts = await self._store_outputs(job)
            if job.run_key is not None:
                await self._store.remember(job.work.ctx.tenant_id, job.run_key, outcome.artifacts)
        except MedkgError as error:
            outcome.error = error
        except Exception as error:  # noqa: BLE001 - a result of another type than the stage declares
            outcome.error = self._as_medkg(job.work, error)
        return outcome

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


@lru_cache(maxsize=256)
def _wait(policy: RetryPolicy) -> wait_base:
    """The policy's waits between tries, as tenacity computes them."""
    jitter = wait_random(0, policy.jitter_s) if policy.jitter_s else wait_none()
    match policy.backoff:
        case "none":
            return jitter
        case "linear":
            return wait_incrementing(policy.initial_s, policy.initial_s, policy.max_s) + jitter
        case "exponential":
            return wait_exponential(multiplier=policy.initial_s, max=policy.max_s) + jitter
