"""Which records were in work when a process of a service ended without a word, so that none ends one for ever.

A stage that runs native code in its service's own process may be ended by a record: by a crash, or by the system for
want of memory. Kafka gives the record out again, and the next process would fare no better.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final, Protocol

from medkg_contracts.errors import ServiceCrashed
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .shared_guard import AWAY_S
from .work import Outcome, Work

#: So many processes may end while they have a record in work, until it counts as the reason. Most end for other
#: reasons, and after the first the record is worked on alone.
MOST: Final = 5

#: What nobody has taken off after so many seconds is forgotten: a week.
_KEPT_S: Final = 7 * 24 * 3600


class DeathCounts(Protocol):
    """Knows how many processes have ended while they had a record in work."""

    async def of(self, works: Sequence[Work]) -> list[int]:
        """The count of each."""
        ...

    async def begin(self, works: Sequence[Work]) -> None:
        """They are in work: if the process ends now, each has one more."""
        ...

    async def end(self, works: Sequence[Work]) -> None:
        """They are not in work any more, whatever became of them: each has none."""
        ...


class SharedDeathCounts:
    """The counts of all replicas of a service: a hash in Redis, a field a record.

    While Redis does not answer nothing is counted, and it is left alone for some seconds at a time.
    """

    def __init__(self, redis: Redis, service: str, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._key = f"{prefix}in-work:{service}"
        self._ask_after = float("-inf")

    async def of(self, works: Sequence[Work]) -> list[int]:
        """The count of each, in one round trip."""
        found = await self._ask(lambda: self._redis.hmget(self._key, [_place(each) for each in works]))
        return [0] * len(works) if found is None else [int(count or 0) for count in found]

    async def begin(self, works: Sequence[Work]) -> None:
        """Count one more for each, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for each in works:
            pipeline.hincrby(self._key, _place(each), 1)
        pipeline.expire(self._key, _KEPT_S)
        await self._ask(pipeline.execute)

    async def end(self, works: Sequence[Work]) -> None:
        """Forget them, in one round trip."""
        await self._ask(lambda: self._redis.hdel(self._key, *[_place(each) for each in works]))

    async def _ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what Redis answers
        if monotonic() < self._ask_after:
            return None
        try:
            return await ask()
        except (RedisError, OSError, TimeoutError):
            self._ask_after = monotonic() + AWAY_S
            return None


@asynccontextmanager
async def in_work(counts: DeathCounts, works: Sequence[Work]) -> AsyncIterator[None]:
    """While these are worked on."""
    await counts.begin(works)
    try:
        yield
    finally:
        await counts.end(works)


async def in_turn(counts: DeathCounts, works: Sequence[Work]) -> tuple[list[list[Work]], list[Outcome]]:
    """What is to be worked on together, in its order, and the outcomes of what is not to be worked on any more.

    Those that were in work when a process ended come after the others, each alone: one of them may be the reason, and
    its mates are done before it ends the next one.
    """
    found = list(zip(await counts.of(works), works, strict=True))
    fresh = [work for count, work in found if not count]
    suspects = sorted(((count, work) for count, work in found if 0 < count < MOST), key=lambda each: each[0])
    hopeless = [Outcome(work, error=_crashed(count)) for count, work in found if count >= MOST]
    return [group for group in (fresh, *([work] for _, work in suspects)) if group], hopeless


def _crashed(count: int) -> ServiceCrashed:
    return ServiceCrashed(
        f"{count} processes of the service ended while they worked on this, the last ones on nothing else"
    )


def _place(work: Work) -> str:
    return "" if work.record is None else str(work.record.place)
