"""What a policy lets through: the guard of a stage's breaker and rate limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from medkg_contracts.policy import Policy


class BreakerState(StrEnum):
    """Whether a breaker lets executions through: all, none, or a single probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Which of the executions that were asked for may take place.

    Attributes:
        waits: of each that may: seconds until it begins.
        again_s: seconds until it is worth asking again for the others.
        probe: names the one execution that a half-open breaker lets through; empty for any other.
        state: of the breaker; a policy without one is closed.
    """

    waits: Sequence[float]
    again_s: float = 0.0
    probe: str = ""
    state: BreakerState = BreakerState.CLOSED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What recorded results have led to.

    Attributes:
        state: of the breaker, now.
        turned_ms: when these results opened or closed it, milliseconds since 1970; None if they did neither.
    """

    state: BreakerState = BreakerState.CLOSED
    turned_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Standstill:
    """What keeps a policy's executions back.

    Attributes:
        state: of the breaker.
        failures: in a row, while it is closed.
        probe_s: seconds until the next probe, while it is not closed.
        permit_s: seconds until the rate limit lets another execution through.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    probe_s: float = 0.0
    permit_s: float = 0.0


class Guard(Protocol):
    """Keeps the breaker and the rate limit that a service's policy has."""

    async def admit(self, service: str, policy: Policy, count: int) -> Admitted:
        """Ask for so many executions; permits of the rate limit that are given are used up."""
        ...

    async def record(self, service: str, policy: Policy, results: Sequence[bool], probe: str = "") -> Verdict:
        """Say how executions went, in their order: whether each succeeded.

        Args:
            service: whose.
            policy: it has a breaker.
            results: of executions that say something about the resource; a probe that says nothing has none.
            probe: as it was admitted; results of others do not close an open breaker.
        """
        ...

    async def status(self, service: str, policy: Policy) -> Standstill:
        """What keeps executions back now; asking uses nothing up."""
        ...


def is_open(policy: Policy) -> bool:
    """Whether the policy lets everything through."""
    return policy.breaker is None and policy.rate is None
