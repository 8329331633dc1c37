"""What a process leaves in Redis while long jobs hold all its workers, so that `medkg explain` can say so."""

from collections.abc import Sequence
from contextlib import suppress
from time import time
from typing import Final, cast

from medkg_bus.instance import INSTANCE
from medkg_contracts.model import Contract
from medkg_ledger import unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError

#: A process says again and again that it is busy; what is older than this, in seconds, holds no more.
HOLDS_S: Final = 30.0


class BusyWorkers(Contract):
    """A process whose workers are all busy with long jobs.

    Attributes:
        message: says so, with some of the jobs.
        worker: which process, by its instance name.
        at: milliseconds since 1970.
        jobs: that keep it busy.
    """

    message: str
    worker: str
    at: int
    jobs: list[str]


class BusyReports:
    """Which processes are busy: for each service a hash in Redis, a field a process."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._prefix = prefix

    async def leave(self, service: str, message: str, jobs: Sequence[str]) -> None:
        """Say that this process is busy with these jobs; without Redis only its log and health do."""
        key = self._key(service)
        report = BusyWorkers(message=message, worker=INSTANCE, at=round(time() * 1000), jobs=list(jobs))
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.hset(key, INSTANCE, report.model_dump_json())
            await self._redis.expire(key, round(HOLDS_S))

    async def clear(self, service: str) -> None:
        """This process takes new work again."""
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.hdel(self._key(service), INSTANCE)

    async def read(self, service: str) -> list[BusyWorkers]:
        """The service's processes that are busy.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        try:
            raw = await self._redis.hgetall(self._key(service))
        except (RedisError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        reports = [BusyWorkers.model_validate_json(cast("bytes", each)) for each in raw.values()]
        return [report for report in reports if time() - report.at / 1000 < HOLDS_S]

    def _key(self, service: str) -> str:
        return f"{self._prefix}busy:{service}"
