"""The connection to the Redis that holds the ledger."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, cast
from uuid import uuid4

from medkg_contracts.errors import LedgerUnavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError


class Connection:
    """A Redis, and the prefix under which the ledger's keys stand in it."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._name: bytes | None = None

    @classmethod
    def from_url(cls, url: str, prefix: str = "medkg:") -> Self:
        """The ledger in the Redis at this URL."""
        # from_url gives the client no retries, and none may be added: a commit sent again would look stale to itself
        redis = Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=30)
        return cls(redis, prefix)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def open(self) -> None:
        """Remember which ledger this is, and name it if it is new: see `recognise`."""
        key = f"{self._prefix}name"
        async with answering():
            await self._redis.set(key, uuid4().hex, nx=True)
            self._name = cast("bytes", await self._redis.get(key))

    async def recognise(self) -> None:
        """Make sure that this is the ledger that was opened, and that nobody has emptied it since.

        Raises:
            LedgerUnavailable: it is not. What Redis says of a job is worth nothing then.
        """
        async with answering():
            name = await self._redis.get(f"{self._prefix}name")
        if name != self._name:
            raise LedgerUnavailable(
                "the ledger is not the one that was opened: somebody has emptied or replaced it",
                remedy="Stop all routers (`medkg down --only router`, or `docker compose stop router`), "
                "run `medkg ledger rebuild --wipe`, start them.",
            )

    async def wipe(self) -> int:
        """Delete everything under the ledger's prefix; the number of keys deleted."""
        deleted, cursor = 0, None
        async with answering():
            while cursor != 0:
                cursor, keys = await self._redis.scan(cursor or 0, match=f"{literally(self._prefix)}*", count=1000)
                deleted += await self._redis.unlink(*keys) if keys else 0
        return deleted

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}:{name}"


def literally(text: str) -> str:
    """The pattern that matches this text alone."""
    return re.sub(r"[\\*?\[\]]", r"\\\g<0>", text)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Within this, whatever keeps Redis from answering is LedgerUnavailable."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise LedgerUnavailable(f"Redis: {str(error) or type(error).__name__}") from error
