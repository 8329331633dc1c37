"""Real jobs, always enough of them in flight while a fault is at work."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from medkg_testing import LocalStack, NotAsExpected, Watch

from tests.studies import studies

#: A fault strikes once so many jobs have come through, or fewer where fewer are in flight: the product is then at work
#: on all stages.
WARM: int = 20

_ALL_ENDED_S = 240.0


class Load:
    """Jobs that are sent in waves, so that at least so many are in flight until the fault is over.

    Each wave is a tenant of its own: a study asked for twice by one tenant would be two versions of one document, and
    what should be in the index would not be known.

    Args:
        topology: that the jobs ask for; None for their source's own.

    Attributes:
        jobs: the job ids of each tenant.
        withdrawn: those that were cancelled; they may end so, or may have completed before.
    """

    def __init__(
        self,
        product: LocalStack,
        watch: Watch,
        name: str,
        wave: list[str],
        in_flight: int,
        topology: str | None = None,
    ) -> None:
        self._product = product
        self._watch = watch
        self._name = name
        self._wave = wave
        self._minimum = in_flight
        self._topology = topology
        self._sending: asyncio.Task[None] | None = None
        self.jobs: dict[str, list[str]] = {}
        self.withdrawn: set[str] = set()

    @property
    def sent(self) -> set[str]:
        """All jobs that were asked for."""
        return {job for jobs in self.jobs.values() for job in jobs}

    @property
    def running(self) -> list[str]:
        """The jobs that were asked for and have not ended."""
        return sorted(self.sent - self._watch.ends.keys())

    @property
    def in_flight(self) -> int:
        """How many they are."""
        return len(self.running)

    async def warm(self) -> None:
        """Send until the product is at work on so many jobs as there must be."""
        await self._keep(lambda: len(self._watch.ends) >= min(WARM, self._minimum) and self.in_flight >= self._minimum)

    async def during(self, fault: Awaitable[float]) -> float:
        """Keep sending until the fault is over; what it returns."""
        injecting = asyncio.ensure_future(fault)
        await self._keep(injecting.done)
        return await injecting

    async def finish(self) -> None:
        """Wait until all jobs have ended; those that have not in a long time are for the audit to name."""
        if self._sending is not None:
            await self._sending
        with suppress(NotAsExpected):
            await asyncio.to_thread(self._watch.ended, self.sent, _ALL_ENDED_S)

    async def _keep(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(_ALL_ENDED_S):
            while not enough():
                if self.in_flight < self._minimum and (self._sending is None or self._sending.done()):
                    self._sending = asyncio.create_task(self._send())
                await asyncio.to_thread(self._watch.more)

    async def _send(self) -> None:
        tenant = f"{self._name}-{len(self.jobs)}"
        self.jobs[tenant] = await asyncio.to_thread(
            self._product.submit, studies(self._wave, topology=self._topology), tenant=tenant
        )
