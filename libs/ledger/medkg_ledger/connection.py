"""The connection to the Redis that holds the ledger."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from medkg_contracts.errors import LedgerUnavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError


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
