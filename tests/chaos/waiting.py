"""Waiting for servers to come to rest."""

import asyncio
from collections.abc import Awaitable, Callable

_LOOK_S = 0.3


async def until(true: Callable[[], Awaitable[bool]], limit_s: float) -> None:
    """Ask again and again until it is so.

    Raises:
        TimeoutError: it is not so within the limit.
    """
    async with asyncio.timeout(limit_s):
        while not await true():  # noqa: ASYNC110 - servers tell nobody that they have come to rest
            await asyncio.sleep(_LOOK_S)
