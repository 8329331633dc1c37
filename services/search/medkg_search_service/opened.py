"""What takes long to open is opened once, when it is first wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What holds something."""

    async def close(self) -> None:
        """Give it back."""
        ...


ClosableT = TypeVar("ClosableT", bound=Closable)


class Opened(Generic[ClosableT]):
    """Something that is opened by the first who wants it; the others wait for it with them.

    Whoever gives up waiting does not end the opening. What failed is tried again for the next.

    Args:
        open_it: opens it.
    """

    def __init__(self, open_it: Callable[[], Awaitable[ClosableT]]) -> None:
        self._open_it = open_it
        self._opening: asyncio.Task[ClosableT] | None = None

    async def get(self) -> ClosableT:
        """The thing, open.

        Raises:
            MedkgError: it could not be opened.
        """
        if self._opening is None or (self._opening.done() and self._failed(self._opening)):
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._opening is None:
            return
        self._opening.cancel()
        await asyncio.wait([self._opening])
        if not self._failed(self._opening):
            await self._opening.result().close()

    async def _open(self) -> ClosableT:
        return await self._open_it()

    @staticmethod
    def _failed(opening: "asyncio.Task[ClosableT]") -> bool:
        return opening.cancelled() or opening.exception() is not None
