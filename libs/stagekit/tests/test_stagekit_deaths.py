"""A record that ends its service's process each time comes to an end itself."""

# ruff: noqa: D102 - the methods are those that all counts have

from collections.abc import Sequence
from typing import cast

import pytest
from medkg_artifacts import ArtifactStore
from medkg_bus.memory import MemoryProducer
from medkg_bus.producer import EventProducer
from medkg_contracts.deadletter import reason_headers
from medkg_contracts.stages import StageContext
from medkg_stagekit.consumer import StageConsumer
from medkg_stagekit.deaths import MOST, SharedDeathCounts
from medkg_stagekit.work import Work, read_work
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .fakes import Choir, asked, bound, record_of


class Counts:
    """Counts in this process.

    Attributes:
        deaths: by job.
        begun: which jobs were in work together, in order.
        in_work: those that are.
    """

    def __init__(self, **deaths: int) -> None:
        self.deaths = deaths
        self.begun: list[list[str]] = []
        self.in_work: set[str] = set()

    async def of(self, works: Sequence[Work]) -> list[int]:
        return [self.deaths.get(each.ctx.job_id, 0) for each in works]

    async def begin(self, works: Sequence[Work]) -> None:
        self.begun.append([each.ctx.job_id for each in works])
        self.in_work |= set(self.begun[-1])

    async def end(self, works: Sequence[Work]) -> None:
        self.in_work -= {each.ctx.job_id for each in works}


async def handled(counts: Counts, store: ArtifactStore, producer: MemoryProducer, stage: Choir, *jobs: str) -> None:
    """Have a consumer handle a batch of these jobs."""
    consumer = StageConsumer(bound(stage), store, EventProducer(producer, store), deaths=counts)
    await consumer.handle([record_of(asked(job, job), number) for number, job in enumerate(jobs)])


def told(producer: MemoryProducer, job: str) -> list[str]:
    """The job's story."""
    events = [record for record in producer.sent if record.topic == "orchestration.events.v1"]
    return [record.what[1] for record in events if record.key == job.encode()]


async def test_who_was_there_when_a_process_ended_is_worked_on_alone(
    store: ArtifactStore, producer: MemoryProducer
) -> None:
    """After the others, who were in work least often first; whatever becomes of it, it is in work no more."""
    counts = Counts(b=2, c=1)
    await handled(counts, store, producer, Choir(), "a", "b", "c", "d")

    assert [["a", "d"], ["c"], ["b"]] == counts.begun
    assert set() == counts.in_work
    assert ["stage.started", "stage.completed"] == told(producer, "b")


async def test_who_was_there_each_time_is_not_begun_any_more(store: ArtifactStore, producer: MemoryProducer) -> None:
    """It fails by name and is kept in the DLQ; its mates are worked on."""
    counts = Counts(b=MOST)
    await handled(counts, store, producer, Choir(), "a", "b")

    assert [["a"]] == counts.begun
    assert ["stage.started", "stage.failed"] == told(producer, "b")
    (letter,) = [record for record in producer.sent if record.topic == "shout.dlq.v1"]
    assert "service_crashed" in reason_headers(letter.headers or []).values()
    assert ["stage.started", "stage.completed"] == told(producer, "a")


async def test_what_a_stage_raises_is_no_death(store: ArtifactStore, producer: MemoryProducer) -> None:
    """A job that fails is in work no more."""

    def fail(_: StageContext, word: str) -> str:
        raise ZeroDivisionError(word)

    counts = Counts()
    await handled(counts, store, producer, Choir(fail), "a")

    assert set() == counts.in_work


@pytest.mark.integration
async def test_replicas_share_the_counts(redis_url: str) -> None:
    """A process that ends with a record in work leaves a count, which ends with its work elsewhere."""
    works = [read_work(asked(job, job), record_of(asked(job, job), number)) for number, job in enumerate("ab")]
    async with Redis.from_url(redis_url) as redis:
        dead, alive = (SharedDeathCounts(redis, "echo", "deaths-test:") for _ in range(2))
        await dead.begin(works[:1])
        found = await alive.of(works)
        await alive.begin(works)
        await alive.end(works)

        assert ([1, 0], [0, 0]) == (found, await alive.of(works))


class Away:
    """A Redis that does not answer.

    Attributes:
        asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.asked = 0

    async def hmget(self, *_: object) -> None:
        self.asked += 1
        raise RedisError("away")

    async def hdel(self, *_: object) -> None:
        self.asked += 1
        raise RedisError("away")


async def test_without_redis_nothing_is_counted() -> None:
    """A Redis that is away keeps nobody from working, and is not waited for again and again."""
    works = [read_work(asked(), record_of(asked()))]
    redis = Away()
    counts = SharedDeathCounts(cast("Redis", redis), "echo")
    found = await counts.of(works)
    await counts.end(works)

    assert ([0], 1) == (found, redis.asked)
