"""Wakes up those who wait for jobs: one reading of the events for all of them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TypeVar

from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import PoisonRecord, Unfinished
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of

T = TypeVar("T")

#: Events after which whoever waits looks again.
_NEWS = JOB_ENDS | {Kind.JOB_ACCEPTED, Kind.RECORD_REFUSED}


class Ends:
    """Follows the lifecycle events while somebody waits for a job or a batch."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._refused: dict[str, CloudEvent] = {}
        self._following: asyncio.Task[None] | None = None
        self._begun = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        """Follow no more; whoever waits is told so."""
        self._closed = True
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._following
            self._following = None

    def refusal(self, request: str) -> CloudEvent | None:
        """The event that says that a request, by its event's id, became no job."""
        return self._refused.get(request)

    async def until(
        self, about: str, look: Callable[[], Awaitable[T | None]], timeout_s: float, pause_s: float = 0.0
    ) -> T:
        """What `look` finds: it is asked at once, and again whenever there is news about the job or batch.

        Args:
            about: the job or batch.
            look: finds something, or None.
            timeout_s: how long it may take until it does.
            pause_s: between two looks, for those that cost much.

        Raises:
            Unfinished: it found nothing in time.
            KafkaUnavailable: Kafka does not answer.
        """
        deadline = monotonic() + timeout_s
        async with self._news(about) as news:
            while True:
                news.clear()
                found = await look()
                if found is not None:
                    return found
                try:
                    async with asyncio.timeout(deadline - monotonic()):
                        await news.wait()
                        await asyncio.sleep(pause_s)
                except TimeoutError as error:
                    raise Unfinished(f"{about} did not end within {timeout_s:g} s") from error
                if self._closed:
                    raise Unfinished(f"{about} has not ended, and the connection was closed meanwhile")
                if self._following is not None and self._following.done():
                    self._following.result()

    @asynccontextmanager
    async def _news(self, about: str) -> AsyncIterator[asyncio.Event]:
        """Is set whenever there is news about the job or batch; from before the first look on."""
        news = asyncio.Event()
        self._waiting[about].add(news)
        try:
            await self._follow()
            yield news
        finally:
            self._waiting[about].discard(news)
            if not self._waiting[about]:
                del self._waiting[about]

    async def _follow(self) -> None:
        async with self._begun:
            if self._following is None or self._following.done():
                tail = await Tail(self._kafka, topics.EVENTS).__aenter__()
                self._following = asyncio.create_task(self._hear_all(tail))

    async def _hear_all(self, tail: Tail) -> None:
        try:
            async for records in tail.polls():
                for record in records:
                    with suppress(PoisonRecord):  # somebody's record that is no event ends nobody's job
                        self._hear(from_record(record.headers, record.value))
        finally:
            await tail.__aexit__()
            for news in [each for group in self._waiting.values() for each in group]:
                news.set()

    def _hear(self, event: CloudEvent) -> None:
        kind, given = kind_of(event), event.extensions
        if kind not in _NEWS:
            return
        if kind is Kind.RECORD_REFUSED and "causationid" in given and given.get("jobid") in self._waiting:
            self._refused[given["causationid"]] = event
        for about in {given.get("jobid", ""), given.get("correlationid", "")} & self._waiting.keys():
            for news in self._waiting[about]:
                news.set()
