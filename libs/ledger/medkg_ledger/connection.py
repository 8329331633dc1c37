"""The connection to the Redis that holds the ledger."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .refusal import unavailable

#: How long the key is kept that says that Redis takes writes.
PROBE_MS: Final = 1000


class Connection:
    """A Redis, and the prefix under which the ledger's keys stand in it."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._prefix = prefix

    @classmethod
    def from_url(cls, url: str, prefix: str = "medkg:") -> Self:
        """The ledger in the Redis at this URL."""
        # from_url gives the client no retries, and none may be added: a commit sent again would look stale to itself
        redis = Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=30)
        return cls(redis, prefix)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def probe(self) -> None:
        """Make sure that Redis takes writes: one that is full or a replica still answers all questions.

        Raises:
            LedgerUnavailable: it does not; the message says why, and the remedy what to do.
        """
        async with answering():
            await self._redis.set(f"{self._prefix}probe", "", px=PROBE_MS)

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
        raise unavailable(error) from error
