"""The boundary of one stage: its policies' breakers, rate limits and numbers of executions at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic

from medkg_bus.shutdown import ShutdownSignal
from medkg_contracts.errors import MedkgError, ResourceUnavailable, StageTimeout
from medkg_contracts.policy import Policy

from . import metrics
from .guard import Admitted, BreakerState, Guard, Verdict, is_open

logger = logging.getLogger(__name__)

#: So many seconds a closed breaker is taken to stay closed, and successes wait for being recorded together.
FRESH_S = 1.0

#: While a breaker is not closed, it is asked at most so often: every so many seconds.
SOONEST_S = 0.05

#: Is told that a breaker opened or closed: the policy, the verdict, and the error that opened it.
Tell = Callable[[Policy, Verdict, MedkgError | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to execute so many jobs; `probe` names the execution that a half-open breaker waits for."""

    count: int
    probe: str = ""


class PolicyEnforcer:
    """Lets a stage's executions through as the policies allow.

    Args:
        service: the stage's.
        guard: of breakers and rates.
        shutdown: how to wait.
        tell: is told when a breaker turns.
        slots: executions at once under policies that do not say.
    """

    def __init__(self, service: str, guard: Guard, shutdown: ShutdownSignal, tell: Tell, slots: int) -> None:
        self._service = service
        self._guard = guard
        self._shutdown = shutdown
        self._tell = tell
        self._default_slots = asyncio.Semaphore(slots)
        self._slots: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._closed_at: dict[Policy, float] = {}
        self._results: dict[Policy, list[bool]] = {}
        self._asking: dict[Policy, list[tuple[int, asyncio.Future[Admitted]]]] = {}
        self._unrecorded_since: dict[Policy, float] = {}

    def slot(self, policy: Policy) -> asyncio.Semaphore:
        """What a job holds while it is worked on."""
        if policy.concurrency is None:
            return self._default_slots
        key = (policy.name, policy.concurrency)
        return self._slots.setdefault(key, asyncio.Semaphore(policy.concurrency))

    async def acquire(self, policy: Policy, wanted: int) -> Permit:
        """Wait until some of the wanted executions may begin, now and together.

        Raises:
            HandedBack: the service ends.
        """
        if is_open(policy) or self._is_fresh(policy):
            return Permit(wanted)
        if policy.rate is not None:
            wanted = min(wanted, policy.rate.burst)
        while True:
            admitted = await self._ask(policy, wanted)
            if admitted.waits:
                return await self._admitted(policy, admitted.waits, admitted.probe)
            await self._shutdown.linger(max(admitted.again_s, SOONEST_S))

    async def _ask(self, policy: Policy, wanted: int) -> Admitted:
        """Ask the guard; those that ask in the same moment do so in one call."""
        followers = self._asking.get(policy)
        if followers is not None:
            share: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()
            followers.append((wanted, share))
            return await share
        followers = self._asking[policy] = []
        try:
            await asyncio.sleep(0)
        finally:
            del self._asking[policy]
        try:
            count = wanted + sum(more for more, _ in followers)
            admitted = await self._guard.admit(self._service, policy, count)
        except BaseException:
            for _, share in followers:
                share.cancel()
            raise
        self._note(policy, admitted.state)
        waits = iter(admitted.waits)
        own = replace(admitted, waits=list(islice(waits, wanted)))
        for more, share in followers:
            if not share.done():
                share.set_result(replace(admitted, waits=list(islice(waits, more)), probe=""))
        return own

    async def _admitted(self, policy: Policy, waits: Sequence[float], probe: str) -> Permit:
        if policy.rate is not None:
            metrics.rate_waited(self._service, policy.name, max(waits))
        await self._shutdown.wait(max(waits))
        return Permit(len(waits), probe)

    async def release(self, policy: Policy, permit: Permit, errors: Sequence[MedkgError | None]) -> None:
        """The permit's executions have ended, with these errors: a failure is recorded at once, successes together."""
        if policy.breaker is None:
            return
        failures = [error for error in errors if _counts(error)]
        results = [not _counts(error) for error in errors if error is None or _counts(error)]
        if permit.probe:
            await self._record(policy, results, failures, permit.probe)
            return
        self._results.setdefault(policy, []).extend(results)
        since = self._unrecorded_since.setdefault(policy, monotonic())
        if failures or monotonic() - since > FRESH_S:
            await self._record_all(policy, failures)

    async def settle(self) -> None:
        """Record what is not recorded yet."""
        for policy in list(self._results):
            await self._record_all(policy, [])

    async def _record_all(self, policy: Policy, failures: Sequence[MedkgError | None]) -> None:
        self._unrecorded_since.pop(policy, None)
        results = self._results.pop(policy, [])
        if results:
            await self._record(policy, results, failures)

    async def _record(
        self, policy: Policy, results: Sequence[bool], failures: Sequence[MedkgError | None], probe: str = ""
    ) -> None:
        verdict = await self._guard.record(self._service, policy, results, probe)
        self._note(policy, verdict.state)
        if verdict.turned_ms is not None:
            logger.warning("the breaker of policy %s is %s", policy.name, verdict.state)
            await self._tell(policy, verdict, failures[-1] if failures else None)

    def _note(self, policy: Policy, state: BreakerState) -> None:
        if policy.breaker is None:
            return
        metrics.breaker(self._service, policy.name, state)
        if state is BreakerState.CLOSED:
            self._closed_at[policy] = monotonic()
        else:
            self._closed_at.pop(policy, None)

    def _is_fresh(self, policy: Policy) -> bool:
        """Whether only a breaker could stand in the way, and it was closed a moment ago."""
        return policy.rate is None and monotonic() - self._closed_at.get(policy, float("-inf")) < FRESH_S


def _counts(error: MedkgError | None) -> bool:
    """Whether the error says that what the stage uses fails; wrong data and bugs say nothing of it."""
    return isinstance(error, ResourceUnavailable | StageTimeout)
