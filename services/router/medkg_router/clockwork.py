"""What a router does beside its records, each at its own pace."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from medkg_contracts.errors import MedkgError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done again and again.

    Attributes:
        every_s: seconds from its end to its next beginning, unless it says otherwise.
        work: does it; may return the seconds until the next time.
    """

    name: str
    every_s: float
    work: Callable[[], Awaitable[float | None]]


async def keep(chores: Sequence[Chore]) -> None:
    """Do the chores until cancelled, all in one task; a server that does not answer is tried again next time."""
    due = {chore.name: 0.0 for chore in chores}
    while True:
        for chore in chores:
            if due[chore.name] <= monotonic():
                due[chore.name] = monotonic() + (await _done(chore) or chore.every_s)
        await asyncio.sleep(max(0.0, min(due.values()) - monotonic()))


async def _done(chore: Chore) -> float | None:
    try:
        return await chore.work()
    except MedkgError as error:
        logger.warning("%s: %s", chore.name, error)
        return None
