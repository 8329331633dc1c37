"""Reading jobs: by id, or page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from medkg_contracts.errors import InvalidRequest

from .change import Versioned
from .connection import Connection, answering
from .state import JobState

#: Jobs that are read at once where all are wanted.
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing.

    Attributes:
        cursor: what to pass for the next page; None on the last.
    """

    jobs: list[JobState] = field(default_factory=list)
    cursor: str | None = None


class Listing(Connection):
    """The part of the ledger that reads jobs."""

    async def load(self, job_ids: Sequence[str]) -> dict[str, Versioned]:
        """The states of these jobs, in one round trip."""
        if not job_ids:
            return {}
        pipeline = self._redis.pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.hmget(self._key("job", job_id), ["rev", "body"])
        async with answering():
            rows = await pipeline.execute()
        return {
            job_id: Versioned() if body is None else Versioned(JobState.model_validate_json(body), int(revision))
            for job_id, (revision, body) in zip(job_ids, rows, strict=True)
        }

    async def get(self, job_id: str) -> JobState | None:
        """The state of one job, or None."""
        return (await self.load([job_id]))[job_id].state

    async def counts(self, entries: Sequence[str]) -> dict[str, int]:
        """How many jobs each index entry (such as ``state:running``) lists."""
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            pipeline.zcard(self._key("index", entry))
        async with answering():
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

    async def each_job(self, filters: Mapping[str, str]) -> AsyncIterator[JobState]:
        """All jobs that all filters fit, newest first; as `jobs` lists them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.jobs(filters, limit=PAGE, cursor=cursor)
            for job in page.jobs:
                yield job
            cursor = page.cursor
            if cursor is None:
                return

    async def _index_page(self, entry: str, cursor: str | None, limit: int) -> tuple[list[tuple[str, int]], str | None]:
        """Up to `limit` ids behind the cursor, and the next cursor. Ids of one score are in descending order."""
        key = self._key("index", entry)
        behind = None if cursor is None else _position(cursor)
        highest = "+inf" if behind is None else behind[0]
        size = limit
        while True:
            # Each read begins anew: an offset would skip jobs when others have left the index since the last one.
            async with answering():
                rows = await self._redis.zrevrangebyscore(key, highest, "-inf", start=0, num=size, withscores=True)
            found = [(member.decode(), int(score)) for member, score in cast("list[tuple[bytes, float]]", rows)]
            page = [row for row in found if behind is None or (row[1], row[0]) < behind]
            if len(found) < size:
                return page, None
            if len(page) >= limit:
                last_id, last_score = page[limit - 1]
                return page[:limit], f"{last_score}:{last_id}"
            size *= 2

    async def is_empty(self) -> bool:
        """Whether the ledger knows no job."""
        return (await self.counts(["all"]))["all"] == 0


def _position(cursor: str) -> tuple[int, str]:
    """The creation time and the id at which the page before ended."""
    score, _, job_id = cursor.partition(":")
    try:
        return int(score), job_id
    except ValueError as error:
        raise InvalidRequest(f"cursor: {cursor[:200]!r} is none that a listing has given") from error
