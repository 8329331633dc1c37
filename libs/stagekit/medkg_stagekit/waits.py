"""How long to wait between two tries."""

from functools import lru_cache

from medkg_contracts.errors import MedkgError
from medkg_contracts.policy import Policy
from tenacity import AsyncRetrying, RetryCallState, wait_exponential, wait_incrementing, wait_none, wait_random
from tenacity.wait import wait_base

#: A source that asks for a longer wait than this, in seconds, is asked again sooner.
LONGEST_ASKED_S = 86_400.0

_TENACITY = AsyncRetrying()


def wait_s(policy: Policy, attempt: int, error: MedkgError | None) -> float:
    """Seconds between this attempt, which failed, and the next: the policy's, or more if the source asked for more.

    Args:
        policy: whose waits grow with the attempts.
        attempt: its number, from 1.
        error: how it failed.
    """
    state = RetryCallState(_TENACITY, None, (), {})
    state.attempt_number = attempt
    asked: float = getattr(error, "retry_after", None) or 0.0
    return max(_wait(policy)(state), min(asked, LONGEST_ASKED_S))


@lru_cache(maxsize=256)
def _wait(policy: Policy) -> wait_base:
    """The policy's waits between tries, as tenacity computes them."""
    jitter = wait_random(0, policy.jitter_s) if policy.jitter_s else wait_none()
    match policy.backoff:
        case "none":
            return jitter
        case "linear":
            return wait_incrementing(policy.initial_s, policy.initial_s, policy.max_s) + jitter
        case "exponential":
            return wait_exponential(multiplier=policy.initial_s, max=policy.max_s) + jitter
