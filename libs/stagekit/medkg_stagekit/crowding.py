"""Says when long jobs hold all workers of a service: in its health, in its log, and to `medkg explain`."""

import asyncio
import logging
from time import monotonic
from typing import Final

from .busy import BusyReports
from .pool import SHORT_S, WorkerPool

logger = logging.getLogger(__name__)

#: How often the pool is looked at, and how long it has to be full to be told of, in seconds.
LOOK_S: Final = 1.0
FULL_S: Final = 3.0

#: So many jobs are named.
NAMED: Final = 5


class Crowding:
    """Watches one pool.

    Attributes:
        problem: what is wrong, or None; it may be read from any thread.
    """

    def __init__(self, service: str, pool: WorkerPool, reports: BusyReports) -> None:
        self._service = service
        self._pool = pool
        self._reports = reports
        self._full_since: float | None = None
        self.problem: str | None = None

    async def watch(self) -> None:
        """Look now and then, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Look once, and tell what has changed, or still holds."""
        job_ids = self._pool.full
        since = self._full_since = (self._full_since or monotonic()) if job_ids else None
        if since is not None and monotonic() - since >= FULL_S:
            if self.problem is None:
                logger.warning("%s: %s", self._service, _message(job_ids))
            self.problem = _message(job_ids)
            await self._reports.leave(self._service, self.problem, job_ids)
        elif self.problem is not None and since is None:
            self.problem = None
            logger.info("%s takes new work again", self._service)
            await self._reports.clear(self._service)


def _message(job_ids: list[str]) -> str:
    named = ", ".join(job_ids[:NAMED]) + (f" and {len(job_ids) - NAMED} more" if len(job_ids) > NAMED else "")
    return f"all workers are busy with jobs that take longer than {SHORT_S:g} s: {named}"
