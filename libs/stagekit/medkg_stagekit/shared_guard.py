"""A guard in Redis: one breaker and one rate limit for all replicas of a service.

Keys: ``breaker:<service>:<policy>`` and ``rate:<service>:<policy>``. Redis's own clock is everybody's.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from secrets import token_hex
from time import monotonic
from typing import TypeVar, cast

from medkg_contracts.policy import Policy
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .guard import Admitted, BreakerState, Guard, Standstill, Verdict, is_open
from .local_guard import LocalGuard

logger = logging.getLogger(__name__)

#: While Redis does not answer, it is left alone for so many seconds at a time.
AWAY_S = 5.0

#: A probe may take so many seconds longer than the policy's timeout, for its inputs and outputs.
PROBE_MARGIN_S = 5.0

_ADMIT = files(__package__).joinpath("admit.lua").read_text()
_RECORD = files(__package__).joinpath("record.lua").read_text()
_US = 1_000_000

T = TypeVar("T")


class SharedGuard:
    """The guard of all replicas together; each keeps a guard of its own for while Redis does not answer.

    Args:
        redis: whose Lua scripts decide.
        prefix: of all keys.
    """

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._admit = redis.register_script(_ADMIT)
        self._record = redis.register_script(_RECORD)
        self._own: Guard = LocalGuard()
        self._ask_after = float("-inf")

    async def admit(self, service: str, policy: Policy, count: int) -> Admitted:
        """Ask for so many executions, in one round trip; none when the policy lets everything through."""
        if is_open(policy):
            return Admitted([0.0] * count)
        return await self._ask(
            lambda: self._shared_admit(service, policy, count), lambda: self._own.admit(service, policy, count)
        )

    async def record(self, service: str, policy: Policy, results: Sequence[bool], probe: str = "") -> Verdict:
        """Say how executions went, in one round trip."""
        return await self._ask(
            lambda: self._shared_record(service, policy, results, probe),
            lambda: self._own.record(service, policy, results, probe),
        )

    async def status(self, service: str, policy: Policy) -> Standstill:
        """What keeps executions back, in one round trip."""
        return await self._ask(lambda: self._shared_status(service, policy), lambda: self._own.status(service, policy))

    async def _ask(self, shared: Callable[[], Awaitable[T]], own: Callable[[], Awaitable[T]]) -> T:
        if monotonic() >= self._ask_after:
            try:
                return await shared()
            except (RedisError, OSError, TimeoutError) as error:
                self._ask_after = monotonic() + AWAY_S
                logger.warning("breakers and rate limits hold for this replica alone: Redis: %r", error)
        return await own()

    async def _shared_admit(self, service: str, policy: Policy, count: int) -> Admitted:
        lease = "" if policy.breaker is None else round((policy.timeout_s + PROBE_MARGIN_S) * _US)
        between, burst = ("", "") if policy.rate is None else (_US / policy.rate.per_s, policy.rate.burst)
        name = token_hex(8)
        state, again, probe, *waits = await self._admit(
            keys=self._keys(service, policy), args=[count, name, lease, between, burst]
        )
        return Admitted(
            [wait / _US for wait in waits], again / _US, name if probe else "", BreakerState(state.decode())
        )

    async def _shared_record(self, service: str, policy: Policy, results: Sequence[bool], probe: str) -> Verdict:
        if policy.breaker is None:
            return Verdict()
        text = "".join("1" if succeeded else "0" for succeeded in results)
        state, turned_ms = await self._record(
            keys=self._keys(service, policy)[:1],
            args=[policy.breaker.failures, round(policy.breaker.reset_s * _US), text, probe],
        )
        return Verdict(BreakerState(state.decode()), turned_ms or None)

    async def _shared_status(self, service: str, policy: Policy) -> Standstill:
        breaker, rate = self._keys(service, policy)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        pipeline.hmget(breaker, ["until", "lease", "failures"])
        pipeline.get(rate)
        (seconds, micros), fields, arrival = await pipeline.execute()
        now = seconds * _US + micros
        opens, lease, failures = (int(field or 0) for field in cast("list[bytes | None]", fields))
        permit_us = 0.0
        if policy.rate is not None:
            permit_us = max(0.0, int(arrival or 0) - now - (policy.rate.burst - 1) * _US / policy.rate.per_s)
        if policy.breaker is None or not opens:
            return Standstill(failures=failures, permit_s=permit_us / _US)
        state = BreakerState.OPEN if now < opens else BreakerState.HALF_OPEN
        return Standstill(state, 0, max(0, max(opens, lease) - now) / _US, permit_us / _US)

    def _keys(self, service: str, policy: Policy) -> list[str]:
        return [f"{self._prefix}{kind}:{service}:{policy.name}" for kind in ("breaker", "rate")]
