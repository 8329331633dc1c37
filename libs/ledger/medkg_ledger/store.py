"""The ledger in Redis: every job's state, its indexes, timers and outbox, and what was asked for it.

Keys (all under one prefix):

* ``name`` which ledger this is, so that an emptied one is recognised;
* ``job:<id>`` hash of ``rev`` and ``body``; ``index:<entry>`` sorted set of job ids by creation time;
  ``moved`` sorted set of the running jobs by the time of their last change;
* ``timers`` sorted set of ``<job> <node>`` by due time; ``outbox`` hash of ``<job> <rev>`` to the records that the
  commit must still send, and of ``<job> <rev> <node>`` to those of an ask; ``plan:<digest>`` a compiled plan;
* credit and orders: see `admission`; figures of versions: see `rollouts`.

One commit touches keys of many jobs, so the ledger needs a single Redis primary, not Redis Cluster (ADR 0005).
"""

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import uuid4

from medkg_contracts.errors import LedgerUnavailable
from medkg_topology.plan import Plan
from pydantic_core import to_json
from redis.asyncio import Redis

from .admission import Admission, read_released, script
from .change import Change, Committed, Timer
from .connection import answering
from .reader import LedgerReader
from .rollouts import Rollouts


class Ledger(LedgerReader, Admission, Rollouts):
    """The ledger, to write it: the router's, and that of those who fill it in its place.

    Every method raises LedgerUnavailable when Redis does not answer.
    """

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        super().__init__(redis, prefix)
        self._commit = redis.register_script(script("commit.lua"))
        self._name: bytes | None = None

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

    async def commit(self, changes: Sequence[Change]) -> Committed:
        """Write the changes, all in one call, and release what they have made room for."""
        if not changes:
            return Committed([], [], [], [])
        contents = [content for change in changes for content in change.contents()]
        async with answering():
            flags, grants, raw = await self._commit(
                args=[self._prefix, to_json([change.facts() for change in changes]), *contents]
            )
        written = [flag == 1 for flag in flags]
        verdicts = iter(grants)
        granted = [
            [next(verdicts) == 1 if done else False for _ in change.asks]
            for change, done in zip(changes, written, strict=True)
        ]
        released = read_released(raw)
        entries = [
            entry
            for change, done, allowed in zip(changes, written, granted, strict=True)
            if done
            for entry in change.entries(allowed)
        ]
        return Committed(written, granted, released, entries + [each.entry for each in released])

    async def forget(self, entries: Sequence[str]) -> None:
        """Remove these entries of the outbox: Kafka has acknowledged their records."""
        if entries:
            async with answering():
                await self._redis.hdel(f"{self._prefix}outbox", *entries)

    async def due_timers(self, now: int, limit: int = 500) -> list[Timer]:
        """The timers that are due at `now`, earliest first."""
        async with answering():
            rows = await self._redis.zrangebyscore(
                f"{self._prefix}timers", "-inf", now, start=0, num=limit, withscores=True
            )
        return [_timer(member, score) for member, score in cast("list[tuple[bytes, float]]", rows)]

    async def next_timer(self) -> int | None:
        """When the earliest timer is due, or None when there is none."""
        async with answering():
            rows = await self._redis.zrange(f"{self._prefix}timers", 0, 0, withscores=True)
        return int(rows[0][1]) if rows else None

    async def drop_timers(self, timers: Iterable[Timer]) -> None:
        """Remove timers whose event has been sent."""
        members = [timer.member for timer in timers]
        if members:
            async with answering():
                await self._redis.zrem(f"{self._prefix}timers", *members)

    async def stalled(self, before: int, limit: int = 100) -> list[str]:
        """The running jobs that have not changed, nor been touched, since `before` (ms since 1970), oldest first."""
        async with answering():
            rows = await self._redis.zrange(
                f"{self._prefix}moved",
                "-inf",
                f"({before}",
                byscore=True,
                offset=0,
                num=limit,
            )
        return [job_id.decode() for job_id in cast("list[bytes]", rows)]

    async def touch(self, job_ids: Iterable[str], now: int) -> None:
        """Somebody has looked at these jobs at `now`: those that still run do not count as stalled before that."""
        times = dict.fromkeys(job_ids, now)
        if times:
            async with answering():
                await self._redis.zadd(f"{self._prefix}moved", times, xx=True, gt=True)

    async def save_plan(self, plan: Plan) -> None:
        """Keep a plan under its digest; a digest never changes its plan."""
        async with answering():
            await self._redis.set(self._key("plan", plan.digest), plan.canonical, nx=True)


def _timer(member: bytes, score: float) -> Timer:
    job_id, _, node = member.decode().partition(" ")
    return Timer(job_id, node, int(score))
