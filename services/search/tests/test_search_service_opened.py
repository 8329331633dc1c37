"""What takes long to open is opened once."""

import asyncio

import pytest
from medkg_contracts.errors import SearchUnavailable
from medkg_search_service.opened import Opened


class Door:
    """Opens when it may."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.tries = 0
        self.closed = 0
        self.error: Exception | None = None

    async def open(self) -> "Door":
        """Open it."""
        self.tries += 1
        await self.may_open.wait()
        if self.error is not None:
            raise self.error
        return self

    async def close(self) -> None:
        """Close it."""
        self.closed += 1


async def test_all_who_want_it_wait_for_one_opening() -> None:
    """It is opened once, also if the first gives up waiting."""
    door = Door()
    opened = Opened(door.open)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await opened.get()
    door.may_open.set()

    assert [door, door] == await asyncio.gather(opened.get(), opened.get())
    assert 1 == door.tries


async def test_what_failed_is_tried_again() -> None:
    """The next who wants it does not get the old error."""
    door = Door()
    door.may_open.set()
    door.error = SearchUnavailable("gone")
    opened = Opened(door.open)
    with pytest.raises(SearchUnavailable):
        await opened.get()
    door.error = None

    assert door is await opened.get()


async def test_it_is_closed_if_it_is_open() -> None:
    """What was never wanted, or did not open, has nothing to give back."""
    door, failed = Door(), Door()
    never, waiting, opened = Opened(Door().open), Opened(failed.open), Opened(door.open)
    door.may_open.set()
    await opened.get()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waiting.get()
    for each in (never, waiting, opened):
        await each.close()

    assert (1, 0) == (door.closed, failed.closed)
