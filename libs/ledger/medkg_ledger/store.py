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

from medkg_topology.plan import Plan, load_plan
from pydantic_core import to_json
from redis.asyncio import Redis

from .admission import Admission, read_released, script
from .change import Change, Committed, Timer
from .connection import answering, literally
from .listing import Listing
from .rollouts import Rollouts


class Ledger(Listing, Admission, Rollouts):
    """The ledger's store. Every method raises LedgerUnavailable when Redis does not answer."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        super().__init__(redis, prefix)
        self._commit = redis.register_script(script("commit.lua"))

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

    async def outbox(self) -> dict[str, bytes]:
        """What was committed and has not been marked as sent, by entry; the entries of one job are in order."""
        async with answering():
            raw = cast("dict[bytes, bytes]", await self._redis.hgetall(f"{self._prefix}outbox"))
        entries = {name.decode(): records for name, records in raw.items()}
        return dict(sorted(entries.items(), key=lambda entry: _entry_order(entry[0])))

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

    async def plan(self, digest: str) -> Plan | None:
        """The plan with this digest, or None."""
        async with answering():
            canonical = await self._redis.get(self._key("plan", digest))
        return None if canonical is None else load_plan(cast("bytes", canonical))

    async def plans(self) -> dict[str, Plan]:
        """All plans that jobs are or were pinned to, by digest."""
        start = self._key("plan", "")
        async with answering():
            keys = [cast("bytes", key) async for key in self._redis.scan_iter(match=f"{literally(start)}*")]
        digests = [key.decode()[len(start) :] for key in keys]
        plans = {digest: await self.plan(digest) for digest in digests}
        return {digest: plan for digest, plan in plans.items() if plan is not None}


def _timer(member: bytes, score: float) -> Timer:
    job_id, _, node = member.decode().partition(" ")
    return Timer(job_id, node, int(score))


def _entry_order(entry: str) -> tuple[str, int, str]:
    """A job's entries follow its revisions; a commit's own records stand before those of its asks."""
    job_id, revision, *node = entry.split(" ")
    return job_id, int(revision), "".join(node)
