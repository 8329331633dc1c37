"""The consumer with a real Kafka: what becomes of its membership and its records while a batch takes long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NotCoordinatorForGroupError
from medkg_bus import handover
from medkg_bus.consumer import BatchConsumer
from medkg_bus.shutdown import HandedBack, ShutdownSignal
from medkg_contracts.errors import LedgerUnavailable
from medkg_contracts.records import Record

pytestmark = pytest.mark.integration

PARTITIONS = 4
INTERVAL_S = 1.0
PATIENCE_S = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, "it never came"
        await asyncio.sleep(0.02)


@dataclass
class Topic:
    """A topic that no other test has."""

    bootstrap: str
    producer: AIOKafkaProducer
    name: str = field(default_factory=lambda: f"consumer-{uuid4().hex[:8]}")

    async def put(self, values: Sequence[int]) -> None:
        """A record for each number, spread over all partitions."""
        for value in values:
            await self.producer.send_and_wait(self.name, str(value).encode(), partition=value % PARTITIONS)

    @asynccontextmanager
    async def read(
        self, reader: "Reader", *, longest_batch_s: float = 60.0, hold_s: float | None = None
    ) -> AsyncIterator[BatchConsumer]:
        """A member of the group, as a service has it, with a short poll interval."""
        consumer = BatchConsumer(
            self.bootstrap, [self.name], f"medkg.{self.name}", reader.handle, max_records=100,
            longest_batch_s=longest_batch_s, shutdown=reader.shutdown, poll_interval_s=INTERVAL_S,
            hold_s=hold_s,
        )  # fmt: skip
        await consumer.start()
        try:
            yield consumer
        finally:
            reader.go.set()
            await consumer.stop()


@dataclass
class Reader:
    """Notes what it has read; `meanwhile` is done within its first batch."""

    meanwhile: Callable[["Reader"], object]
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    shutdown: ShutdownSignal = field(default_factory=ShutdownSignal)
    values: list[int] = field(default_factory=list)

    async def handle(self, records: Sequence[Record]) -> None:
        """Handle a batch."""
        if not self.began.is_set():
            self.began.set()
            await self.meanwhile(self)
        self.values += [int(record.value or b"") for record in records]


@dataclass
class Unlucky(Reader):
    """Handles nothing, and counts how often it was asked to."""

    tries: int = 0

    async def handle(self, records: Sequence[Record]) -> None:  # noqa: ARG002 - it does not come to them
        """Fail in a way that may pass."""
        self.tries += 1
        await self.meanwhile(self)


@dataclass
class Patient(Reader):
    """Has each batch wait, and notes what it has begun."""

    begun: list[int] = field(default_factory=list)

    async def handle(self, records: Sequence[Record]) -> None:
        """Handle a batch."""
        self.begun += [int(record.value or b"") for record in records]
        await self.meanwhile(self)
        self.values += [int(record.value or b"") for record in records]


class Leaver(Reader):
    """Handles the first two records of each partition, and leaves what follows them."""

    async def handle(self, records: Sequence[Record]) -> None:
        """Handle some of a batch."""
        self.shutdown.leave()
        done = [record for record in records if record.offset < 2]
        await super().handle(done)
        raise HandedBack([record for record in records if record not in done])


Trouble = Callable[[], Awaitable[None]]


async def refused() -> None:
    """Fail as a client of Kafka does."""
    raise NotCoordinatorForGroupError


async def for_ever() -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


async def polled(consumer: BatchConsumer, count: int) -> None:
    """Wait until so many records have been polled."""
    positions = [await consumer.consumer.position(partition) for partition in consumer.consumer.assignment()]
    if sum(positions) < count:
        await asyncio.sleep(0.02)
        await polled(consumer, count)


async def committed_when(consumer: BatchConsumer, condition: Callable[[list[int | None]], bool]) -> list[int | None]:
    """What the consumer has committed of each partition, once that fulfils the condition."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            places = sorted(consumer.consumer.assignment())
            if condition(offsets := [await consumer.consumer.committed(place) for place in places]):
                return offsets


async def intervals(reader: Reader) -> None:
    """Wait on purpose, for several poll intervals."""
    await reader.shutdown.wait(4 * INTERVAL_S)


async def told(reader: Reader) -> None:
    """Wait on purpose, until the test says so."""
    while not reader.go.is_set():
        await reader.shutdown.linger(0.1)


async def stuck(reader: Reader) -> None:
    """Hang."""
    await reader.go.wait()


async def nothing(_: Reader) -> None:
    """Go on at once."""


@asynccontextmanager
async def empty(bootstrap: str) -> AsyncIterator[Topic]:
    """A new topic."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        topic = Topic(bootstrap, producer)
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic.name, PARTITIONS, 1)])
        await admin.close()
        yield topic


@pytest.fixture
async def topic(kafka_bootstrap: str) -> AsyncIterator[Topic]:
    """An empty topic."""
    async with empty(kafka_bootstrap) as topic:
        yield topic


@pytest.fixture
async def other(kafka_bootstrap: str) -> AsyncIterator[Topic]:
    """Another one."""
    async with empty(kafka_bootstrap) as topic:
        yield topic


async def test_what_cannot_be_handled_is_left_when_the_service_ends(topic: Topic) -> None:
    """A batch that waits for a server that is away holds up no end: it is left uncommitted, and another reads it."""

    async def server_is_away(_: Reader) -> None:
        raise LedgerUnavailable("nobody answers")

    await topic.put(range(20))
    reader = Unlucky(server_is_away)
    async with asyncio.timeout(PATIENCE_S), topic.read(reader, longest_batch_s=600):  # so long it would be waited for
        await until(lambda: reader.tries >= 2)
    heir = Reader(nothing)
    async with topic.read(heir):
        await until(lambda: len(heir.values) >= 20)

    assert list(range(20)) == sorted(heir.values)


async def test_a_wait_of_several_intervals_keeps_everything(topic: Topic) -> None:
    """However long a batch waits, the group's generation stays, and every record is read exactly once."""
    await topic.put(range(20))
    reader = Reader(intervals)
    async with topic.read(reader) as consumer:
        await asyncio.wait_for(reader.began.wait(), PATIENCE_S)
        before = consumer.consumer._coordinator.generation
        await topic.put(range(20, 60))
        await until(lambda: len(reader.values) >= 60)

        assert (before, 0.0) == (consumer.consumer._coordinator.generation, consumer.progress.stuck_for)
    assert list(range(60)) == sorted(reader.values)


async def test_partitions_that_come_during_a_wait_lose_nothing(topic: Topic) -> None:
    """A member that waits takes part in rebalances: its batch is whoever's the partitions are then."""
    reader, other = Reader(told), Reader(nothing)
    async with topic.read(reader) as consumer:
        await topic.put(range(8))
        await asyncio.wait_for(reader.began.wait(), PATIENCE_S)
        async with topic.read(other) as second:
            await until(lambda: len(second.consumer.assignment()) == len(consumer.consumer.assignment()) == 2)
            await topic.put(range(8, 40))
            await until(lambda: len([value for value in other.values if value >= 8]) == 16)
        await until(lambda: len(consumer.consumer.assignment()) == PARTITIONS)
        await topic.put(range(40, 60))
        reader.go.set()
        await until(lambda: set(range(60)) <= {*reader.values, *other.values})

    again = [value for value in [*reader.values, *other.values] if value >= 8]
    assert list(range(8, 60)) == sorted(again)


async def test_a_stuck_member_gives_its_partitions_up(topic: Topic) -> None:
    """A batch that hangs keeps nothing: its member stops polling, and the records go to another."""
    hanging, other = Reader(stuck), Reader(nothing)
    await topic.put(range(8))
    async with topic.read(hanging, longest_batch_s=0.2) as consumer:
        await asyncio.wait_for(hanging.began.wait(), PATIENCE_S)
        await until(lambda: consumer.progress.stuck_for > 0)
        async with topic.read(other):
            await until(lambda: list(range(8)) == sorted(other.values))


async def test_what_is_done_of_a_batch_that_is_left_is_not_read_again(topic: Topic) -> None:
    """Each partition is committed up to the first record that was left of it; the next member reads on from there."""
    leaving, following = Leaver(nothing), Reader(nothing)
    await topic.put(range(4 * PARTITIONS))
    async with topic.read(leaving):
        await until(lambda: leaving.values)
    async with topic.read(following):
        await until(lambda: len(leaving.values + following.values) >= 4 * PARTITIONS)

    assert list(range(4 * PARTITIONS)) == sorted(leaving.values + following.values)


async def test_partitions_move_when_what_is_begun_is_done(topic: Topic) -> None:
    """While a batch is worked on a new member waits; then it has its partitions, and nothing is read twice."""
    reader, other, over = Reader(stuck), Reader(nothing), asyncio.Event()

    async def join() -> None:
        async with topic.read(other):
            await over.wait()

    await topic.put(range(8))
    async with topic.read(reader) as consumer:
        await asyncio.wait_for(reader.began.wait(), PATIENCE_S)
        joining = asyncio.ensure_future(join())
        await until(lambda: reader.shutdown.leaving)
        before = len(consumer.consumer.assignment()), consumer.progress.stuck_for
        reader.go.set()
        await until(lambda: len(consumer.consumer.assignment()) == PARTITIONS / 2)
        await topic.put(range(8, 16))
        await until(lambda: len(reader.values + other.values) >= 16)
        over.set()
        await joining

    assert (PARTITIONS, 0.0) == before
    assert list(range(16)) == sorted(reader.values + other.values)


async def test_what_is_left_is_read_again(topic: Topic) -> None:
    """A batch that is left when a service ends, and all behind it, are the next member's."""

    async def leave(reader: Reader) -> None:
        await topic.put(range(8, 16))
        reader.shutdown.leave()
        raise HandedBack

    leaving, following = Reader(leave), Reader(nothing)
    await topic.put(range(8))
    async with topic.read(leaving) as consumer:
        await asyncio.wait_for(leaving.began.wait(), PATIENCE_S)
        await asyncio.wait_for(polled(consumer, 16), PATIENCE_S)
    async with topic.read(following):
        await until(lambda: len(following.values) >= 16)

    assert ([], list(range(16))) == (leaving.values, sorted(following.values))


async def test_what_takes_long_holds_up_nothing_else(topic: Topic) -> None:
    """Beside a batch that takes long others are handled and committed, but nothing behind it in its own partition."""
    reader, following = Reader(stuck), Reader(nothing)
    await topic.put([0])
    async with topic.read(reader, hold_s=0.1) as consumer:
        await asyncio.wait_for(reader.began.wait(), PATIENCE_S)
        await topic.put(range(1, 40))
        await until(lambda: len(reader.values) == 39)
        committed = await committed_when(consumer, lambda offsets: sum(each or 0 for each in offsets) == 30)
        reader.go.set()
        await until(lambda: len(reader.values) == 40)
    async with topic.read(following):
        await topic.put([40])
        await until(lambda: following.values)

    assert [None, 10, 10, 10] == committed
    assert [40] == following.values


async def test_what_never_ends_is_read_by_the_next(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that others went on beside is cancelled if it outlasts its member: the next member reads it."""
    monkeypatch.setattr(handover, "HAND_BACK_S", 0.5)
    cancelled = asyncio.Event()

    async def endless(_: Reader) -> None:
        try:
            await for_ever()
        finally:
            cancelled.set()

    reader, following = Reader(endless), Reader(nothing)
    await topic.put([0])
    async with topic.read(reader, hold_s=0.1):
        await asyncio.wait_for(reader.began.wait(), PATIENCE_S)
        await topic.put(range(1, 8))
        await until(lambda: len(reader.values) == 7)
    async with topic.read(following):
        await until(lambda: 0 in following.values)

    assert cancelled.is_set()
    assert {0, 4} == set(following.values)


async def test_only_so_much_goes_on_beside_others(topic: Topic) -> None:
    """While half as many records as a batch has at most are in work, nothing more is taken."""
    reader = Patient(stuck)
    await topic.put(range(60))
    async with topic.read(reader, hold_s=0.1):
        await until(lambda: len(reader.begun) == 60)
        await topic.put(range(60, 64))
        await intervals(reader)
        before = len(reader.begun)
        reader.go.set()
        await until(lambda: len(reader.values) == 64)

    assert 60 == before


async def test_only_what_is_committed_is_handled(topic: Topic) -> None:
    """What a transaction has sent is handled once it is committed, and never when it is aborted; the rest as ever."""
    reader = Reader(nothing)
    async with (
        AIOKafkaProducer(bootstrap_servers=topic.bootstrap, transactional_id=topic.name) as producer,
        topic.read(reader),
    ):
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"0", partition=0)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"4", partition=0)
        await topic.put([8, 1])
        await until(lambda: reader.values)
        before = list(reader.values)
        await producer.commit_transaction()
        await until(lambda: len(reader.values) >= 3)

    assert ([1], [1, 4, 8]) == (before, reader.values)


@pytest.mark.parametrize("trouble", [refused, for_ever], ids=["it fails", "it does not come"])
async def test_begun_work_is_not_lost_for_trouble_with_new_work(topic: Topic, other: Topic, trouble: Trouble) -> None:
    """What is taken of begun work is handled, though new work cannot be polled beside it; that comes later."""
    reader = Reader(told)
    consumer = BatchConsumer(
        topic.bootstrap, [topic.name, other.name], f"medkg.{topic.name}", reader.handle, max_records=100,
        longest_batch_s=60.0, new_work=[other.name], poll_interval_s=INTERVAL_S,
    )  # fmt: skip
    await consumer._broker.start()
    getmany, well = consumer.consumer.getmany, asyncio.Event()

    async def troubled(*partitions: TopicPartition, **words: int) -> object:
        if partitions and {each.topic for each in partitions} == {other.name} and not well.is_set():
            await trouble()
        return await getmany(*partitions, **words)

    consumer.consumer.getmany = troubled
    consumer._watch_polls()
    try:
        await topic.put([0])
        await reader.began.wait()
        await topic.put(range(1, 20))
        reader.go.set()
        await until(lambda: len(reader.values) == 20)
        well.set()
        await other.put([100])
        await until(lambda: 100 in reader.values)
    finally:
        await consumer.stop()

    assert [*range(20), 100] == sorted(reader.values)
