"""The ledger in Redis: every job's state, its indexes, timers and outbox.

Keys (all under one prefix): ``job:<id>`` hash of ``rev`` and ``body``; ``index:<entry>`` sorted set of job ids by
creation time; ``timers`` sorted set of ``<job id> <node>`` by due time; ``outbox`` hash of ``<job id> <rev>`` to the
records that the commit must still send; ``plan:<digest>`` a compiled plan.

One commit touches keys of many jobs, so the ledger needs a single Redis primary, not Redis Cluster (ADR 0005).
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import cast

from medkg_contracts.errors import InvalidRequest, LedgerUnavailable
from medkg_topology.plan import Plan, load_plan
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .state import JobState

_COMMIT = files(__package__).joinpath("commit.lua").read_text()


@dataclass(frozen=True, slots=True)
class Versioned:
    """A job's state and the revision under which it was read; revision 0 is a job that is not there."""

    state: JobState | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """The router's durable timer for a node of a job.

    Attributes:
        due: milliseconds since 1970-01-01 UTC.
    """

    job_id: str
    node: str
    due: int

    @property
    def member(self) -> str:
        """How the timer is named in Redis."""
        return f"{self.job_id} {self.node}"


@dataclass(frozen=True, slots=True)
class Change:
    """One job's new state, to be written if the job is still as `before`.

    Attributes:
        set_timers: timers to start.
        drop_timers: nodes whose timers are over.
        outbox: the records that must be sent once this is written; opaque to the ledger.
    """

    before: Versioned
    after: JobState
    set_timers: Sequence[Timer] = ()
    drop_timers: Sequence[str] = ()
    outbox: bytes = b""

    @property
    def outbox_entry(self) -> str:
        """Under which name the outbox keeps the records."""
        return f"{self.after.job_id} {self.before.revision + 1}"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing.

    Attributes:
        cursor: what to pass for the next page; None on the last.
    """

    jobs: list[JobState] = field(default_factory=list)
    cursor: str | None = None


class Ledger:
    """The ledger's store. Every method raises LedgerUnavailable when Redis does not answer."""

    def __init__(self, redis: Redis, prefix: str = "medkg:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._commit = redis.register_script(_COMMIT)

    @classmethod
    def from_url(cls, url: str, prefix: str = "medkg:") -> "Ledger":
        """The ledger in the Redis at this URL."""
        # from_url gives the client no retries, and none may be added: a commit sent again would look stale to itself
        redis = Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=30)
        return cls(redis, prefix)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raise LedgerUnavailable unless Redis answers."""
        async with _unavailable():
            await self._redis.ping()

    async def load(self, job_ids: Sequence[str]) -> dict[str, Versioned]:
        """The states of these jobs, in one round trip."""
        if not job_ids:
            return {}
        pipeline = self._redis.pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.hmget(self._key("job", job_id), ["rev", "body"])
        async with _unavailable():
            rows = await pipeline.execute()
        return {
            job_id: Versioned() if body is None else Versioned(JobState.model_validate_json(body), int(revision))
            for job_id, (revision, body) in zip(job_ids, rows, strict=True)
        }

    async def get(self, job_id: str) -> JobState | None:
        """The state of one job, or None."""
        return (await self.load([job_id]))[job_id].state

    async def commit(self, changes: Sequence[Change]) -> list[bool]:
        """Write the changes, all in one call; False for each whose job somebody else has changed meanwhile."""
        if not changes:
            return []
        arguments: list[str | bytes | int] = [self._prefix]
        for change in changes:
            arguments += _arguments(change)
        async with _unavailable():
            written = await self._commit(args=arguments)
        return [flag == 1 for flag in written]

    async def sent(self, changes: Iterable[Change]) -> None:
        """Empty the outbox of changes whose records Kafka has acknowledged."""
        await self.forget([change.outbox_entry for change in changes if change.outbox])

    async def forget(self, entries: Sequence[str]) -> None:
        """Remove these entries of the outbox."""
        if entries:
            async with _unavailable():
                await self._redis.hdel(f"{self._prefix}outbox", *entries)

    async def outbox(self) -> dict[str, bytes]:
        """What was committed and has not been marked as sent, by entry; the entries of one job are in order."""
        async with _unavailable():
            raw = cast("dict[bytes, bytes]", await self._redis.hgetall(f"{self._prefix}outbox"))
        entries = {name.decode(): records for name, records in raw.items()}
        return dict(sorted(entries.items(), key=lambda entry: _entry_order(entry[0])))

    async def due_timers(self, now: int, limit: int = 500) -> list[Timer]:
        """The timers that are due at `now`, earliest first."""
        async with _unavailable():
            rows = await self._redis.zrangebyscore(
                f"{self._prefix}timers", "-inf", now, start=0, num=limit, withscores=True
            )
        return [_timer(member, score) for member, score in cast("list[tuple[bytes, float]]", rows)]

    async def next_timer(self) -> int | None:
        """When the earliest timer is due, or None when there is none."""
        async with _unavailable():
            rows = await self._redis.zrange(f"{self._prefix}timers", 0, 0, withscores=True)
        return int(rows[0][1]) if rows else None

    async def drop_timers(self, timers: Iterable[Timer]) -> None:
        """Remove timers whose event has been sent."""
        members = [timer.member for timer in timers]
        if members:
            async with _unavailable():
                await self._redis.zrem(f"{self._prefix}timers", *members)

    async def save_plan(self, plan: Plan) -> None:
        """Keep a plan under its digest; a digest never changes its plan."""
        async with _unavailable():
            await self._redis.set(self._key("plan", plan.digest), plan.canonical, nx=True)

    async def plan(self, digest: str) -> Plan | None:
        """The plan with this digest, or None."""
        async with _unavailable():
            canonical = await self._redis.get(self._key("plan", digest))
        return None if canonical is None else load_plan(cast("bytes", canonical))

    async def plans(self) -> dict[str, Plan]:
        """All plans that jobs are or were pinned to, by digest."""
        start = self._key("plan", "")
        async with _unavailable():
            keys = [cast("bytes", key) async for key in self._redis.scan_iter(match=f"{_literally(start)}*")]
        digests = [key.decode()[len(start) :] for key in keys]
        plans = {digest: await self.plan(digest) for digest in digests}
        return {digest: plan for digest, plan in plans.items() if plan is not None}

    async def counts(self, entries: Sequence[str]) -> dict[str, int]:
        """How many jobs each index entry (such as ``state:running``) lists."""
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            pipeline.zcard(self._key("index", entry))
        async with _unavailable():
            sizes = await pipeline.execute()
        return dict(zip(entries, sizes, strict=True))

    async def jobs(self, filters: Mapping[str, str], *, limit: int = 50, cursor: str | None = None) -> Page:
        """The jobs that all filters (state, stage, tenant, pipeline, batch) fit, newest first.

        Args:
            filters: values by index name; none lists all jobs.
            limit: jobs on a page.
            cursor: the previous page's; the listing then goes on behind it, even if jobs were added meanwhile.
        """
        entries = [f"{name}:{value}" for name, value in filters.items()] or ["all"]
        smallest = min((await self.counts(entries)).items(), key=lambda item: item[1])[0]
        jobs: list[JobState] = []
        while len(jobs) < limit:
            rows, following = await self._index_page(smallest, cursor, limit)
            states = await self.load([job_id for job_id, _ in rows])
            for job_id, score in rows:
                state = states[job_id].state
                if state is not None and set(entries) <= set(state.index_entries()):
                    jobs.append(state)
                    if len(jobs) == limit:
                        return Page(jobs, f"{score}:{job_id}")
            if following is None:
                return Page(jobs)
            cursor = following
        return Page(jobs)

    async def _index_page(self, entry: str, cursor: str | None, limit: int) -> tuple[list[tuple[str, int]], str | None]:
        """Up to `limit` ids behind the cursor, and the next cursor. Ids of one score are in descending order."""
        key = self._key("index", entry)
        behind = None if cursor is None else _position(cursor)
        highest = "+inf" if behind is None else behind[0]
        size = limit
        while True:
            # Each read begins anew: an offset would skip jobs when others have left the index since the last one.
            async with _unavailable():
                rows = await self._redis.zrevrangebyscore(key, highest, "-inf", start=0, num=size, withscores=True)
            found = [(member.decode(), int(score)) for member, score in cast("list[tuple[bytes, float]]", rows)]
            page = [row for row in found if behind is None or (row[1], row[0]) < behind]
            if len(found) < size:
                return page, None
            if len(page) >= limit:
                last_id, last_score = page[limit - 1]
                return page[:limit], f"{last_score}:{last_id}"
            size *= 2

    async def wipe(self) -> int:
        """Delete everything under the ledger's prefix; the number of keys deleted."""
        deleted = 0
        async with _unavailable():
            async for key in self._redis.scan_iter(match=f"{_literally(self._prefix)}*", count=1000):
                deleted += await self._redis.delete(key)
        return deleted

    async def is_empty(self) -> bool:
        """Whether the ledger knows no job."""
        return (await self.counts(["all"]))["all"] == 0

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}:{name}"


def _arguments(change: Change) -> list[str | bytes | int]:
    leave, join = _index_moves(change.before.state, change.after)
    timers = [text for timer in change.set_timers for text in (timer.due, timer.member)]
    drop = [f"{change.after.job_id} {node}" for node in change.drop_timers]
    body = change.after.__pydantic_serializer__.to_json(change.after, exclude_defaults=True)
    return [
        change.after.job_id, change.before.revision, body, change.after.created_at,
        len(leave), *leave, len(join), *join, len(timers), *timers, len(drop), *drop, change.outbox,
    ]  # fmt: skip


def _index_moves(before: JobState | None, after: JobState) -> tuple[list[str], list[str]]:
    """The index entries to leave and to join. Only the status and the stage of a job ever change."""
    if before is None:
        return [], list(after.index_entries())
    if before.status is after.status and before.current_stage == after.current_stage:
        return [], []
    old, new = set(before.index_entries()), set(after.index_entries())
    return sorted(old - new), sorted(new - old)


def _timer(member: bytes, score: float) -> Timer:
    job_id, _, node = member.decode().partition(" ")
    return Timer(job_id, node, int(score))


def _position(cursor: str) -> tuple[int, str]:
    """The creation time and the id at which the page before ended."""
    score, _, job_id = cursor.partition(":")
    try:
        return int(score), job_id
    except ValueError as error:
        raise InvalidRequest(f"cursor: {cursor[:200]!r} is none that a listing has given") from error


def _literally(text: str) -> str:
    """The pattern that matches this text alone."""
    return re.sub(r"[\\*?\[\]]", r"\\\g<0>", text)


def _entry_order(entry: str) -> tuple[str, int]:
    job_id, _, revision = entry.rpartition(" ")
    return job_id, int(revision)


@asynccontextmanager
async def _unavailable() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise LedgerUnavailable(f"Redis: {str(error) or type(error).__name__}") from error
