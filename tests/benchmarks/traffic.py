"""The load: job requests in, and Kafka's own account of what came of them.

While the clock runs, nothing is read but the end of the events topic, so that the generator takes next to no
processor time from what it measures. What happened is read afterwards, and the clock's stop is the timestamp of the
last job's completion.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any, Final, TypeAlias
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from medkg_bus.clients import producer_client
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest

#: With no new event for so long, the jobs that are missing will not come.
STALLED_S: Final = 30.0
_LOOK_S: Final = 0.1

Raw: TypeAlias = Any  # aiokafka's ConsumerRecord; its types are not published
Ends: TypeAlias = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Request:
    """A record that asks for a job."""

    job_id: str
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a number of jobs.

    Attributes:
        seconds: from the first request until the last job's completion.
        events: all lifecycle records of the time.
    """

    seconds: float
    events: list[Raw]


def request(topology: str) -> Request:
    """A new job request."""
    job_id = f"b-{uuid4().hex[:24]}"
    event = make_event(
        Kind.JOB_REQUESTED,
        id=job_id,
        source="/medkg/bench",
        time=datetime.now(UTC),
        data=JobRequest(source=topology, id=job_id, topology=topology),
        job_id=job_id,
    )
    return Request(job_id, event.data, to_headers(event))


class Traffic:
    """Sends to one topic and looks at others; all have the same number of partitions."""

    def __init__(self, bootstrap: str, partitions: int, requests: str, events: str) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._requests = requests
        self._events = events
        self._producer = producer_client(bootstrap, "bench")

    async def send_all(self, requests: Sequence[Request]) -> None:
        """Send them as fast as Kafka takes them."""
        futures = [await self._send(each) for each in requests]
        await asyncio.gather(*futures)

    async def throughput(self, requests: Sequence[Request], events: int, ended: Callable[[Raw], bool]) -> Run:
        """Send all at once and wait for all of their events.

        Args:
            requests: the jobs.
            events: how many lifecycle events they lead to.
            ended: says whether an event is a job's last.

        Raises:
            TimeoutError: some did not come.
        """
        async with _reader(self._bootstrap) as reader:
            before = await self._ends(reader, [self._events])
            began = time()
            await self.send_all(requests)
            after = await self._grown(reader, before, events)
            records = await _between(reader, before, after)
        return Run(max(record.timestamp for record in records if ended(record)) / 1000 - began, records)

    async def paced(
        self, make: Callable[[], Request], jobs: int, per_s: float, watched: Sequence[str], ended: Callable[[Raw], bool]
    ) -> tuple[dict[str, float], list[Raw]]:
        """Send jobs at a steady rate, and watch them as a client would.

        Returns:
            By job, the seconds from its sending until its last event was here; and all records of the watched topics.

        Raises:
            TimeoutError: some did not come.
        """
        async with _reader(self._bootstrap) as reader:
            before = await self._ends(reader, [self._events, *watched])
            sent: dict[str, float] = {}
            done: dict[str, float] = {}
            async with _reader(self._bootstrap) as watcher:
                watcher.assign([partition for partition in before if partition.topic == self._events])
                await watcher.seek_to_end()
                sending = asyncio.create_task(self._pace(make, jobs, per_s, sent))
                heard = monotonic()
                while len(done) < jobs:
                    batches = await watcher.getmany(timeout_ms=500)
                    now = monotonic()
                    heard = now if batches else heard
                    done |= {raw.key.decode(): now for raw in _flat(batches) if ended(raw)}
                    if now - heard > STALLED_S:
                        raise TimeoutError(f"{jobs - len(done)} of {jobs} jobs did not end")
                await sending
            records = await _between(reader, before, await self._ends(reader, [self._events, *watched]))
        return {job_id: done[job_id] - at for job_id, at in sent.items()}, records

    async def records_of(self, job_id: str, topics: Sequence[str]) -> list[Raw]:
        """All records of these topics with the job's key, in the order of their timestamps."""
        async with _reader(self._bootstrap) as reader:
            ends = await self._ends(reader, topics)
            records = await _between(reader, dict.fromkeys(ends, 0), ends)
        mine = [record for record in records if record.key == job_id.encode()]
        return sorted(mine, key=lambda record: record.timestamp)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def _send(self, each: Request) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._producer.send(
            self._requests, value=each.value, key=each.job_id.encode(), headers=each.headers
        )
        return future

    async def _pace(self, make: Callable[[], Request], jobs: int, per_s: float, sent: dict[str, float]) -> None:
        began = monotonic()
        for number in range(jobs):
            await asyncio.sleep(max(0.0, began + number / per_s - monotonic()))
            each = make()
            sent[each.job_id] = monotonic()
            await self._send(each)

    async def _ends(self, reader: AIOKafkaConsumer, topics: Sequence[str]) -> Ends:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(self._partitions)]
        return dict(await reader.end_offsets(partitions))

    async def _grown(self, reader: AIOKafkaConsumer, before: Ends, events: int) -> Ends:
        """The ends of the events topic once it has grown by so many records, and by none in the second after."""
        wanted = sum(before.values()) + events
        last, changed = 0, monotonic()
        while True:
            ends = await self._ends(reader, [self._events])
            total = sum(ends.values())
            now = monotonic()
            if total != last:
                last, changed = total, now
            if total >= wanted and now - changed > 1:
                return ends
            if now - changed > STALLED_S:
                raise TimeoutError(f"{wanted - total} of {events} events did not come")
            await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def traffic(bootstrap: str, partitions: int, requests: str, events: str) -> AsyncIterator[Traffic]:
    """Connected traffic."""
    opened = Traffic(bootstrap, partitions, requests, events)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50)
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def _between(reader: AIOKafkaConsumer, starts: Ends, ends: Ends) -> list[Raw]:
    wanted = {partition for partition, end in ends.items() if starts[partition] < end}
    records: list[Raw] = []
    reader.assign(list(wanted))
    for partition in wanted:
        reader.seek(partition, starts[partition])
    while wanted:
        batches = await reader.getmany(timeout_ms=500)
        records += [raw for raw in _flat(batches) if raw.offset < ends[TopicPartition(raw.topic, raw.partition)]]
        wanted = {partition for partition in wanted if await reader.position(partition) < ends[partition]}
    return records


def _flat(batches: Mapping[TopicPartition, list[Raw]]) -> list[Raw]:
    return [raw for batch in batches.values() for raw in batch]
