"""Who is told what happens to a unit of work."""

from collections.abc import Awaitable, Callable, Sequence

from medkg_contracts.errors import MedkgError
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest

from .guard import Verdict
from .work import Work

#: Makes jobs of the items that an expanding stage finds.
PublishItems = Callable[[Work, Sequence[JobRequest]], Awaitable[None]]


class Observer:
    """Is told what happens to each unit of work; a caller overrides what it wants to know."""

    async def started(self, work: Work) -> None:
        """The work begins."""

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        """A try failed; the next, retry number `retry`, follows in `wait_s` seconds."""

    async def breaker_turned(self, policy: Policy, verdict: Verdict, error: MedkgError | None) -> None:
        """This stage's work under the policy has opened its breaker, by this error, or closed it."""
