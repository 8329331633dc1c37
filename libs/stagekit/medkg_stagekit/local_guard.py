"""A guard in this process alone, of pybreaker and aiolimiter: for direct runs, and while Redis does not answer.

Both are used in their smallest part. pybreaker counts failures and knows the states, but does not call coroutines, lets
every call through while half-open and raises errors of its own, so executions take place outside of it and the one
probe is counted here. aiolimiter knows whether there is capacity.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from time import time

from aiolimiter import AsyncLimiter
from medkg_contracts.policy import Breaker, Policy, RateLimit
from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitMemoryStorage,
)

from .guard import Admitted, BreakerState, Standstill, Verdict, is_open

_STATES = {
    STATE_CLOSED: BreakerState.CLOSED,
    STATE_OPEN: BreakerState.OPEN,
    STATE_HALF_OPEN: BreakerState.HALF_OPEN,
}


class _Failed(Exception):
    """Stands for a failed execution, so that pybreaker counts it."""


class _Circuit:
    """One policy's breaker."""

    def __init__(self, breaker: Breaker) -> None:
        self._storage = CircuitMemoryStorage(STATE_CLOSED)
        self._circuit = CircuitBreaker(
            fail_max=breaker.failures,
            reset_timeout=breaker.reset_s,
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )
        self._reset = timedelta(seconds=breaker.reset_s)
        self._probe = ""

    @property
    def state(self) -> BreakerState:
        """The breaker's; an open one whose time is over waits for its probe."""
        state = _STATES[self._circuit.current_state]
        return BreakerState.HALF_OPEN if state is BreakerState.OPEN and not self.remaining_s else state

    @property
    def failures(self) -> int:
        return self._circuit.fail_counter

    @property
    def remaining_s(self) -> float:
        """Seconds until an open breaker lets a probe through."""
        opened_at = self._storage.opened_at
        if opened_at is None or self._circuit.current_state != STATE_OPEN:
            return 0.0
        return max(0.0, (opened_at + self._reset - datetime.now(UTC)).total_seconds())

    def probe(self) -> str:
        """The name of the one probe of a half-open breaker; empty when there is one already."""
        if self._probe:
            return ""
        self._circuit.half_open()
        self._probe = token_hex(8)
        return self._probe

    def record(self, results: Sequence[bool], probe: str) -> bool:
        """Count the results; whether they have opened or closed it."""
        before = self._circuit.current_state
        if before != STATE_CLOSED and probe != self._probe:
            return False
        self._probe = ""
        for succeeded in results:
            with suppress(_Failed, CircuitBreakerError):
                self._circuit.call(_succeed if succeeded else _fail)
            if self._circuit.current_state == STATE_OPEN:
                break
        return STATE_CLOSED in (before, self._circuit.current_state) and before != self._circuit.current_state


class LocalGuard:
    """The guard of one process."""

    def __init__(self) -> None:
        self._circuits: dict[tuple[str, str, Breaker], _Circuit] = {}
        self._limiters: dict[tuple[str, str, RateLimit], AsyncLimiter] = {}

    async def admit(self, service: str, policy: Policy, count: int) -> Admitted:
        """Ask for so many executions; of those that have to wait, none is let through yet."""
        if is_open(policy):
            return Admitted([0.0] * count)
        circuit, probe = self._circuit(service, policy), ""
        state = BreakerState.CLOSED if circuit is None else circuit.state
        limiter = self._limiter(service, policy)
        if limiter is not None and not limiter.has_capacity():
            return Admitted([], _between(policy), "", state)
        if circuit is not None and state is not BreakerState.CLOSED:
            probe = circuit.probe() if state is BreakerState.HALF_OPEN else ""
            count = 1 if probe else 0
        waits: list[float] = []
        while len(waits) < count and (limiter is None or limiter.has_capacity()):
            if limiter is not None:
                await limiter.acquire()
            waits.append(0.0)
        again_s = circuit.remaining_s if circuit is not None and not waits else _between(policy)
        return Admitted(waits, again_s, probe, state)

    async def record(self, service: str, policy: Policy, results: Sequence[bool], probe: str = "") -> Verdict:
        """Say how executions went."""
        circuit = self._circuit(service, policy)
        if circuit is None:
            return Verdict()
        turned = circuit.record(results, probe)
        return Verdict(circuit.state, round(time() * 1000) if turned else None)

    async def status(self, service: str, policy: Policy) -> Standstill:
        """What keeps executions back now."""
        circuit, limiter = self._circuit(service, policy), self._limiter(service, policy)
        permit_s = _between(policy) if limiter is not None and not limiter.has_capacity() else 0.0
        if circuit is None:
            return Standstill(permit_s=permit_s)
        return Standstill(circuit.state, circuit.failures, circuit.remaining_s, permit_s)

    def _circuit(self, service: str, policy: Policy) -> _Circuit | None:
        if policy.breaker is None:
            return None
        key = (service, policy.name, policy.breaker)
        if key not in self._circuits:
            self._circuits[key] = _Circuit(policy.breaker)
        return self._circuits[key]

    def _limiter(self, service: str, policy: Policy) -> AsyncLimiter | None:
        if policy.rate is None:
            return None
        key = (service, policy.name, policy.rate)
        if key not in self._limiters:
            self._limiters[key] = AsyncLimiter(policy.rate.burst, policy.rate.burst / policy.rate.per_s)
        return self._limiters[key]


def _between(policy: Policy) -> float:
    return 0.0 if policy.rate is None else 1.0 / policy.rate.per_s


def _succeed() -> None:
    """What pybreaker is told to call for a success."""


def _fail() -> None:
    raise _Failed
