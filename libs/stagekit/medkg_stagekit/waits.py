"""How long to wait between two tries."""

from collections.abc import Iterable
from functools import lru_cache

from medkg_contracts.errors import MedkgError
from medkg_contracts.policy import Policy
from tenacity import RetryCallState, wait_exponential, wait_incrementing, wait_none, wait_random
from tenacity.wait import wait_base

#: A source that asks for a longer wait than this, in seconds, is asked again sooner.
LONGEST_ASKED_S = 60.0


def wait_s(policy: Policy, state: RetryCallState, errors: Iterable[MedkgError | None]) -> float:
    """Seconds until the next try: the policy's wait, or a longer one if an error's source asked for it."""
    asked = [getattr(error, "retry_after", None) or 0.0 for error in errors]
    return max(_wait(policy)(state), min(max(asked, default=0.0), LONGEST_ASKED_S))


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
