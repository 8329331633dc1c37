"""Waiting on purpose: so that it is not taken for being stuck, and no longer than the service is to run."""

import asyncio
from time import monotonic

#: Waits up to this many seconds are waited for in place; longer ones are the router's durable timer's.
IN_PLACE_S = 10.0

_SLICE_S = 1.0


class Leaving(Exception):
    """The service ends while work waits: whoever reads its record next does it."""


class Patience:
    """How one service waits.

    Attributes:
        waited_at: when somebody last waited on purpose, by the monotonic clock; renewed each second, so that an event
            loop that is blocked is not taken for one that waits.
    """

    def __init__(self) -> None:
        self.waited_at = float("-inf")
        self._leaving = False

    def leave(self) -> None:
        """The service is about to end: from now on no long wait is waited for."""
        self._leaving = True

    async def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Leaving: the service ends, and too much of the wait is left.
        """
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            if left > IN_PLACE_S:
                self._stay()
            self.waited_at = monotonic()
            await asyncio.sleep(min(left, _SLICE_S))

    async def linger(self, seconds: float = _SLICE_S) -> None:
        """Wait for a part of a wait whose end nobody knows.

        Raises:
            Leaving: the service ends.
        """
        self._stay()
        await self.wait(min(seconds, _SLICE_S))

    def _stay(self) -> None:
        if self._leaving:
            raise Leaving
