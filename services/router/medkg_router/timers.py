"""The router's durable timers, and the sweeper of outbox entries that a crash has left behind.

A timer fires as an event on ``jobs.control.v1``, never as a write of its own: the replica that owns the job's
partition applies it like any other event, and its commit removes the timer. Until then the timer stays, so a crash
only delays it. Several replicas may fire the same timer; the second event changes nothing.
"""

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic, time
from typing import TypeVar

from medkg_contracts import topics
from medkg_contracts.errors import MedkgError
from medkg_ledger import Ledger
from medkg_routing.outbound import SOURCE
from medkg_stagekit import story
from medkg_stagekit.kafka import Outlet

from .outbox import send_packed

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: A fired timer that is still there after this many seconds is fired again.
REFIRE_S = 10.0

#: Timers that other replicas have set are seen at least this often, in seconds.
LOOK_S = 1.0


class Clockwork:
    """Fires due timers and sends what is left in the outbox; each replica runs one."""

    def __init__(self, ledger: Ledger, outlet: Outlet, sweep_s: float) -> None:
        self._ledger = ledger
        self._outlet = outlet
        self._sweep_s = sweep_s
        self._fired: dict[str, float] = {}
        self._left: set[str] = set()

    async def run(self) -> None:
        """Fire and sweep until cancelled; a server that does not answer is tried again."""
        await self._guarded(self.sweep(everything=True))
        swept = monotonic()
        while True:
            wait = await self._guarded(self.fire())
            if monotonic() - swept >= self._sweep_s:
                await self._guarded(self.sweep(everything=False))
                swept = monotonic()
            await asyncio.sleep(LOOK_S if wait is None else wait)

    async def fire(self) -> float:
        """Send an event for each due timer; how many seconds to wait until the next look."""
        now = round(time() * 1000)
        self._fired = {member: at for member, at in self._fired.items() if monotonic() - at < REFIRE_S}
        due = [timer for timer in await self._ledger.due_timers(now) if timer.member not in self._fired]
        events = [story.timer_due(timer.job_id, timer.node, timer.due, SOURCE) for timer in due]
        await self._outlet.acknowledged([await self._outlet.send(topics.CONTROL, event) for event in events])
        self._fired |= {timer.member: monotonic() for timer in due}
        following = await self._ledger.next_timer()
        if following is None or following <= now:
            return LOOK_S
        return min(LOOK_S, (following - now) / 1000)

    async def sweep(self, *, everything: bool) -> None:
        """Send outbox entries: all of them at the start, later those that were there at the last sweep too."""
        entries = await self._ledger.outbox()
        for entry, records in entries.items():
            if everything or entry in self._left:
                logger.warning("sending what the outbox still holds of %s", entry)
                await send_packed(records, self._outlet)
                await self._ledger.forget([entry])
        self._left = set(entries)

    @staticmethod
    async def _guarded(work: Coroutine[None, None, T]) -> T | None:
        try:
            return await work
        except MedkgError as error:
            logger.warning("timers: %s", error)
            return None
