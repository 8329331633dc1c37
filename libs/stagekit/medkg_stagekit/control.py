"""What operators have ordered, as far as a stage service has to obey it: cancelled jobs, a paused stage."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Protocol

from medkg_bus.shutdown import ShutdownSignal
from medkg_contracts.errors import LedgerUnavailable

from .work import Work

logger = logging.getLogger(__name__)

#: For so many seconds an answer holds.
FRESH_S = 1.0

#: While the ledger does not answer, it is left alone for so many seconds at a time.
AWAY_S = 5.0


class ControlState(Protocol):
    """What holds for a service and some jobs."""

    @property
    def paused(self) -> bool:
        """Nothing is to be begun."""
        ...

    @property
    def fences(self) -> Mapping[str, int]:
        """Of cancelled jobs: what was asked for them up to this sequence is void."""
        ...


class Orders(Protocol):
    """Where orders are known: the ledger."""

    async def control_state(self, service: str, job_ids: Sequence[str]) -> ControlState:
        """What holds for the service and the jobs.

        Raises:
            LedgerUnavailable: nobody knows.
        """
        ...


class ControlReader:
    """Asks for one service's orders; None knows of no orders at all."""

    def __init__(self, service: str, orders: Orders | None, shutdown: ShutdownSignal) -> None:
        self.shutdown = shutdown
        self._service = service
        self._orders = orders
        self._ask_after = float("-inf")

    async def control_state(self, job_ids: Sequence[str]) -> ControlState | None:
        """What holds, or None when nobody says.

        Work then goes on: the router refuses the results of cancelled jobs anyway.
        """
        if self._orders is None or monotonic() < self._ask_after:
            return None
        try:
            return await self._orders.control_state(self._service, job_ids)
        except LedgerUnavailable as error:
            self._ask_after = monotonic() + AWAY_S
            logger.warning("working on without knowing what is cancelled or paused: %s", error)
            return None


class CancellationCheck:
    """Which work of one batch is still wanted."""

    def __init__(self, control: ControlReader, works: Sequence[Work]) -> None:
        self._control = control
        self._job_ids = list(dict.fromkeys(work.ctx.job_id for work in works))
        self._lock = asyncio.Lock()
        self._state: ControlState | None = None
        self._asked_at = float("-inf")

    async def is_cancelled(self, work: Work) -> bool:
        """Whether the work is wanted no more. While the stage is paused, this waits.

        Raises:
            HandedBack: the service ends while the stage is paused.
        """
        if not self._is_fresh:
            await self.refresh()
        fence = -1 if self._state is None else self._state.fences.get(work.ctx.job_id, -1)
        return int(work.sequence) <= fence

    async def refresh(self) -> None:
        """Ask once for all the batch's work, and wait while the stage is paused.

        Raises:
            HandedBack: the service ends meanwhile.
        """
        async with self._lock:
            if self._is_fresh:
                return  # somebody else has asked meanwhile
            await self._ask()
            if self._is_paused:
                logger.info("the stage is paused: %d jobs wait", len(self._job_ids))
            while self._is_paused:
                await self._control.shutdown.linger()
                await self._ask()

    async def _ask(self) -> None:
        """What was ordered holds on while nobody says otherwise."""
        self._state = await self._control.control_state(self._job_ids) or self._state
        self._asked_at = monotonic()

    @property
    def _is_paused(self) -> bool:
        return self._state is not None and self._state.paused

    @property
    def _is_fresh(self) -> bool:
        return not self._is_paused and monotonic() - self._asked_at < FRESH_S
