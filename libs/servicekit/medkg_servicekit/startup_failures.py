"""What a service that does not start leaves behind, so that `medkg explain` can say why nobody does its work."""

from contextlib import suppress
from time import time
from typing import cast

from medkg_bus.instance import INSTANCE
from medkg_contracts.errors import MedkgError
from medkg_contracts.model import Contract
from medkg_ledger import unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError


class StartupFailure(Contract):
    """Why a service did not start.

    Attributes:
        code: of the error.
        message: what is wrong, and what to do about it.
        worker: which process, by its instance name.
        at: milliseconds since 1970.
    """

    code: str
    message: str
    worker: str
    at: int


class StartupFailures:
    """Why services did not start: one hash in Redis, a field a service."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._key = f"{prefix}notices"

    async def leave(self, service: str, error: MedkgError) -> None:
        """Say why the service does not start; without Redis only its log does."""
        message = f"{error} {error.info.remedy}"
        failure = StartupFailure(code=error.code, message=message, worker=INSTANCE, at=round(time() * 1000))
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.hset(self._key, service, failure.model_dump_json())

    async def clear(self, service: str) -> None:
        """The service starts: what stood in its way is over."""
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.hdel(self._key, service)

    async def read(self, service: str) -> StartupFailure | None:
        """Why the service did not start, or None if it did.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        try:
            raw = await self._redis.hget(self._key, service)
        except (RedisError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        return None if raw is None else StartupFailure.model_validate_json(cast("bytes", raw))
