"""Runs a stage for a batch of jobs: orders, inputs, policy, outputs. Knows nothing of Kafka.

One job's error never touches another's result, whatever the stage raises.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from medkg_artifacts import ArtifactStore
from medkg_bus.shutdown import IN_PLACE_S, HandedBack, ShutdownSignal
from medkg_contracts.errors import ArtifactStoreUnavailable, MedkgError
from medkg_contracts.policy import Policy

from .artifact_io import ArtifactIO
from .binding import Binding
from .calling import Caller
from .control import CancellationCheck, ControlReader, Orders
from .guard import Guard, is_open
from .job import Job, to_try_again
from .local_guard import LocalGuard
from .observer import Observer, PublishItems
from .policy_enforcer import PolicyEnforcer
from .pool import WorkerPool
from .waits import wait_s
from .work import Outcome, Work

#: How many jobs a stage with ``execute`` works on at once, where their policy does not say.
CONCURRENCY = 8


class Executor:
    """Runs one stage for many jobs.

    Args:
        binding: the stage.
        store: of the jobs' artifacts.
        observer: is told what happens to each job.
        publish_items: makes jobs of what an expanding stage finds; others need none.
        concurrency: executions at once under policies that do not say; of a pool, as many as it has processes.
        guard: of breakers and rate limits; by default this process's own.
        orders: knows what is cancelled or paused; None knows of nothing.
        shutdown: how to wait.
        pool: where a stage that computes does so; without one it is called in this process.
    """

    def __init__(  # noqa: PLR0913 - an executor has so many neighbours
        self,
        binding: Binding,
        store: ArtifactStore,
        observer: Observer,
        *,
        publish_items: PublishItems | None = None,
        concurrency: int = CONCURRENCY,
        guard: Guard | None = None,
        orders: Orders | None = None,
        shutdown: ShutdownSignal | None = None,
        pool: WorkerPool | None = None,
    ) -> None:
        self._binding = binding
        self._observer = observer
        self._shutdown = shutdown or ShutdownSignal()
        self._control = ControlReader(binding.name, orders, self._shutdown)
        slots = concurrency if pool is None else pool.capacity
        self._enforcer = PolicyEnforcer(
            binding.name, guard or LocalGuard(), self._shutdown, observer.breaker_turned, slots
        )
        self._artifacts = ArtifactIO(binding, store)
        self._caller = Caller(binding, publish_items, pool)

    async def run(self, works: Sequence[Work]) -> AsyncIterator[list[Outcome]]:
        """Run the stage for all; yields outcomes as they come, those that come together together.

        Raises:
            ArtifactStoreUnavailable: inputs cannot be read or outputs not stored; the works are to be run again.
        """
        check = CancellationCheck(self._control, works)
        jobs = [Job(work, check) for work in works]
        with suppress(HandedBack):  # each job finds that out by itself
            await check.refresh()
        if self._binding.batched:
            yield await self._run_batch(jobs)
        else:
            async for outcomes in self._run_each(jobs):
                yield outcomes
        await self._enforcer.settle()

    async def _run_each(self, jobs: Sequence[Job]) -> AsyncIterator[list[Outcome]]:
        tasks = [asyncio.ensure_future(self._run_one(job)) for job in jobs]
        pending = set(tasks)
        try:
            while pending:
                finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                yield [task.result() for task in finished]
        finally:
            for task in pending:
                task.cancel()
            # The first error is enough for whoever runs the batch again; it begins when nothing of this one is left.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_one(self, job: Job) -> Outcome:
        async with self._enforcer.slot(job.work.policy):
            return (await self._run_batch([job]))[0]

    async def _run_batch(self, jobs: Sequence[Job]) -> list[Outcome]:
        try:
            await self._attempt(jobs)
            for group in _groups(to_try_again(jobs)):
                await self._try_again(group)
        except HandedBack:
            for job in jobs:
                job.outcome.left = not job.ended
        return [job.outcome for job in jobs]

    async def _try_again(self, group: list[Job]) -> None:
        """Try until no job's error is worth another try, or it is too far away to be waited for here."""
        while failed := to_try_again(group):
            waits = {job: wait_s(job.work.policy, job.attempt, job.error) for job in failed}
            for job, wait in waits.items():
                if wait > IN_PLACE_S:
                    job.put_off(wait)
            soon = to_try_again(failed)
            if soon:
                await self._repeat(soon, max(waits[job] for job in soon))

    async def _repeat(self, jobs: list[Job], wait: float) -> None:
        for job in jobs:
            if job.error is not None:
                await self._observer.retrying(job.work, job.outcome.retries + 1, job.error, wait)
        await self._shutdown.wait(wait)
        for job in jobs:
            job.outcome.retries += 1
        await self._attempt(jobs)

    async def _attempt(self, jobs: Sequence[Job]) -> None:
        """One try for each that is still wanted: load the inputs, run the stage, store the outputs."""
        wanted = [job for job in jobs if not await self._drops(job)]
        await asyncio.gather(*(self._prepare(job) for job in wanted))
        ready = []
        for job in wanted:
            if job.error is None and not job.outcome.skipped:
                ready.append(job)
            else:
                await self._begin(job)
        for policy, group in self._by_policy(ready).items():
            await self._execute(policy, group)

    async def _prepare(self, job: Job) -> None:
        job.outcome.error = None
        try:
            await self._artifacts.load(job)
        except ArtifactStoreUnavailable:
            raise  # the platform's failure, which must not use up the job's attempts: the batch waits until it is over
        except MedkgError as error:
            job.outcome.error = error

    async def _execute(self, policy: Policy, jobs: Sequence[Job]) -> None:
        """Run the stage for these jobs, as many at once as the policy lets through.

        Raises:
            HandedBack: what is not begun is for others to do.
        """
        while jobs:
            if not all(job.begun for job in jobs):
                self._shutdown.stay()
            permit = await self._enforcer.acquire(policy, min(len(jobs), policy.concurrency or len(jobs)))
            now, jobs = jobs[: permit.count], jobs[permit.count :]
            try:
                await self._call([job for job in now if not await self._drops(job)])
            finally:
                errors = [job.error for job in now if job.kept or job.error is not None]
                await self._enforcer.release(policy, permit, errors)

    async def _call(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        for job in jobs:
            await self._begin(job)
        await self._caller.call(jobs)
        await asyncio.gather(*(self._finish(job) for job in jobs))

    async def _finish(self, job: Job) -> None:
        if job.error is not None or job.outcome.dropped:
            return
        try:
            await self._artifacts.keep(job)
        except ArtifactStoreUnavailable:
            raise
        except MedkgError as error:
            job.outcome.error = error

    async def _begin(self, job: Job) -> None:
        if not job.begun:
            job.begun = True
            await self._observer.started(job.work)

    @staticmethod
    async def _drops(job: Job) -> bool:
        job.outcome.dropped = job.outcome.dropped or await job.check.is_cancelled(job.work)
        return job.outcome.dropped

    @staticmethod
    def _by_policy(jobs: Sequence[Job]) -> dict[Policy, list[Job]]:
        """The jobs by the policy that limits them; those that none limits, together."""
        groups: dict[Policy, list[Job]] = {}
        unlimited: Policy | None = None
        for job in jobs:
            policy = job.work.policy
            if is_open(policy) and policy.concurrency is None:
                policy = unlimited = unlimited or policy
            groups.setdefault(policy, []).append(job)
        return groups


def _groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs that wait alike: of one policy, after as many attempts."""
    groups: dict[tuple[Policy, int], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.work.policy, job.attempt), []).append(job)
    return list(groups.values())
