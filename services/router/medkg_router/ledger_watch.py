"""Whether the ledger is there, and is written: without it the router decides nothing."""

import logging

from medkg_contracts.errors import LedgerUnavailable
from medkg_ledger.store import Ledger

logger = logging.getLogger(__name__)


class LedgerWatch:
    """Looks at the ledger now and then, so that the router's readiness is the truth also while no job moves.

    Attributes:
        problem: what kept the ledger from being written when it was last looked at, and what to do; None if nothing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.problem: str | None = None

    async def look(self) -> None:
        """Look at the ledger; what is new is logged."""
        found = await self._problem()
        if found is None and self.problem is not None:
            logger.info("ready again")
        elif found != self.problem:
            logger.warning("not ready: %s", found)
        self.problem = found

    async def _problem(self) -> str | None:
        try:
            await self._ledger.recognise()
            await self._ledger.probe()
        except LedgerUnavailable as error:
            return f"{error} {error.info.remedy}"
        return None
