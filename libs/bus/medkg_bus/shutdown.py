"""Waiting on purpose: so that it is not taken for being stuck, and no longer than the service is to run."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from medkg_contracts.records import Record

#: Waits up to this many seconds are waited for in place; longer ones are the router's durable timer's.
IN_PLACE_S = 10.0

_SLICE_S = 1.0


class HandedBack(Exception):
    """The service ends or gives its partitions back while work waits: whoever reads its record next does it.

    Attributes:
        left: the records of a batch that are not done; None for all of it.
    """

    def __init__(self, left: Sequence[Record] | None = None) -> None:
        super().__init__()
        self.left = left


class ShutdownSignal:
    """How one service waits.

    Attributes:
        waited_at: when somebody last waited on purpose, by the monotonic clock; renewed each second, so that an event
            loop that is blocked is not taken for one that waits.
        leaving: nothing new is to be begun, since the service ends or others are to have its partitions.
    """

    def __init__(self) -> None:
        self.waited_at = float("-inf")
        self.leaving = False

    def leave(self) -> None:
        """What is not begun is for others: from now on nothing is begun, and no long wait is waited for."""
        self.leaving = True

    def go_on(self) -> None:
        """There is work for this service again."""
        self.leaving = False

    def stay(self) -> None:
        """Go on with what is about to begin.

        Raises:
            HandedBack: it is for others to begin it.
        """
        if self.leaving:
            raise HandedBack

    async def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            HandedBack: it is time to leave, and too much of the wait is left.
        """
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            if left > IN_PLACE_S:
                self.stay()
            self.waited_at = monotonic()
            await asyncio.sleep(min(left, _SLICE_S))

    async def linger(self, seconds: float = _SLICE_S) -> None:
        """Wait for a part of a wait whose end nobody knows.

        Raises:
            HandedBack: it is time to leave.
        """
        self.stay()
        await self.wait(min(seconds, _SLICE_S))
