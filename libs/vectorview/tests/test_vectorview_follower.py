"""A view that follows the topic of a real Kafka."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from medkg_artifacts import ArtifactStore
from medkg_bus.admin import Admin
from medkg_bus.clients import admin_client, partition_of, producer_client
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.changelog import LiveModel, VectorChange, write_change
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable
from medkg_contracts.vectors import EmbeddingModel
from medkg_stack import Stack
from medkg_stack.ports import free_port
from medkg_vectorview import Follower, Shard, Sizes
from medkg_vectorview.snapshots import Snapshots
from medkg_vectorview.snapshotting import Snapshotting

from .changelog import MODEL, TENANT, deleted, live, put, record_id, removed, visible

pytestmark = pytest.mark.integration

PARTITIONS = 4
PATIENCE_S = 30.0


@dataclass
class Topic:
    """A changelog that no other test has."""

    bootstrap: str
    producer: AIOKafkaProducer
    name: str = field(default_factory=lambda: f"vectors-{uuid4().hex[:8]}")

    async def make(self) -> None:
        """Create it, until the broker knows it: it hears of it after the controller has answered."""
        async with Admin(self.bootstrap) as admin:
            await admin.create([TopicSpec(self.name, PARTITIONS, 1, {"cleanup.policy": "compact"})])
            while self.name not in await admin.describe():  # noqa: ASYNC110 - Kafka tells nobody
                await asyncio.sleep(0.02)

    async def delete(self) -> None:
        """Delete it, until Kafka does not know it any more."""
        client = admin_client(self.bootstrap)
        await client.start()
        await client.delete_topics([self.name])
        async with asyncio.timeout(PATIENCE_S):
            while self.name in await client.list_topics():  # noqa: ASYNC110 - Kafka tells nobody
                await asyncio.sleep(0.02)
        await client.close()

    async def write(self, changes: Sequence[VectorChange]) -> None:
        """Write changes as an index does."""
        for change in changes:
            record = write_change(change, datetime.now(UTC), "/tests")
            places = range(PARTITIONS) if record.place is None else [partition_of(record.place.encode(), PARTITIONS)]
            for partition in places:
                await self.producer.send_and_wait(
                    self.name, record.value, key=record.key, headers=record.headers, partition=partition
                )

    def follow(self, shard: str = "0/1", folder: Path | None = None) -> Follower:
        """A view of it, with its snapshots in this folder."""
        part = Shard.parse(shard)
        snapshots = folder and Snapshotting(Snapshots(ArtifactStore(folder), part, Sizes(), self.name), 3600, 1000)
        return Follower(self.bootstrap, part, Sizes(), snapshots, self.name)


@asynccontextmanager
async def connected_topic(bootstrap: str, name: str | None = None) -> AsyncIterator[Topic]:
    """A topic that can be written to: a new one, or the one of this name."""
    producer = producer_client(bootstrap, "tests")
    await producer.start()
    yield Topic(bootstrap, producer, name) if name else Topic(bootstrap, producer)
    await producer.stop()


@pytest.fixture
async def topic(kafka_bootstrap: str) -> AsyncIterator[Topic]:
    async with connected_topic(kafka_bootstrap) as topic:
        await topic.make()
        yield topic


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, "it never came"
        await asyncio.sleep(0.02)


def seen(follower: Follower) -> list[str]:
    """The documents that are seen."""
    return sorted(document for _, document, _ in follower.view.visible_records(TENANT, MODEL))


async def test_changes_are_followed(topic: Topic) -> None:
    """What stands on the topic is read until it has caught up, and what comes afterwards is read too."""
    await topic.write([put("a", "1", 0), visible("a", "1", 1), put("b", "1", 0), visible("b", "1", 1), live(MODEL, 1)])
    async with topic.follow() as follower:
        await until(lambda: follower.caught_up)
        first = seen(follower)
        await topic.write([put("c", "1", 0), visible("c", "1", 1), removed("a"), deleted("a", "1", 0)])
        await until(lambda: seen(follower) == ["b", "c"])
        await until(lambda: follower.lag == 0)

    assert ["a", "b"] == first
    assert MODEL == follower.view.live(TENANT)
    assert None is follower.problem


async def test_another_live_model_is_used_with_all_its_vectors(topic: Topic) -> None:
    """Once the view has caught up, searches change to it as a whole; the one beside it is known."""
    other = EmbeddingModel(name="other", revision="e" * 64, dimension=MODEL.dimension)
    await topic.write([put("a", "1", 0), visible("a", "1", 1), live(MODEL, 1)])
    async with topic.follow() as follower:
        await until(lambda: follower.caught_up)
        switched = LiveModel(tenant=TENANT, model=other, order=2, beside=MODEL)
        await topic.write([put("a", "1", 0, model=other), switched])
        await until(lambda: follower.view.live(TENANT) == other)
        seen_by_it = follower.view.visible_records(TENANT, other)

    assert ["a"] == [document for _, document, _ in seen_by_it]
    assert (other, MODEL) == follower.view.models(TENANT)


async def test_shards_share_the_documents(topic: Topic) -> None:
    """Each node has its partitions' documents and no others, and knows the live model."""
    names = [f"document-{number}" for number in range(12)]
    await topic.write([live(MODEL, 1)])
    for name in names:
        await topic.write([put(name, "1", 0), visible(name, "1", 1)])
    async with topic.follow("0/2") as even, topic.follow("1/2") as odd:
        await until(lambda: even.caught_up and odd.caught_up)

    expected = [name for name in names if partition_of(f"{TENANT}/{name}".encode(), PARTITIONS) % 2]
    assert sorted(expected) == seen(odd)
    assert sorted(names) == sorted(seen(even) + seen(odd))
    assert MODEL == even.view.live(TENANT) == odd.view.live(TENANT)


async def test_restart_goes_on_from_a_snapshot(topic: Topic, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A node that ends writes what it has, and one that starts reads only what was written since."""
    caplog.set_level(logging.INFO)
    await topic.write([put("a", "1", 0), visible("a", "1", 1), put("b", "1", 0), visible("b", "1", 1)])
    async with topic.follow(folder=tmp_path) as first:
        await until(lambda: first.caught_up)
    await topic.write([removed("a"), deleted("a", "1", 0), put("c", "1", 0), visible("c", "1", 1)])
    async with topic.follow(folder=tmp_path) as second:
        await until(lambda: second.caught_up)

    assert ["a", "b"] == seen(first)
    assert ["b", "c"] == seen(second)
    assert "a snapshot of the vectors' view was read" in caplog.text


async def test_topic_that_was_made_anew_is_noticed(
    topic: Topic, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the topic is shorter than the snapshot says, the view is made of the topic alone."""
    await topic.write([put("a", "1", 0), visible("a", "1", 1)])
    async with topic.follow(folder=tmp_path) as first:
        await until(lambda: first.caught_up)
    shorter = Topic(topic.bootstrap, topic.producer)
    await shorter.make()
    await shorter.write([live(MODEL, 1)])
    snapshots = Snapshots(ArtifactStore(tmp_path), Shard(), Sizes(), topic.name)
    snapshotting = Snapshotting(snapshots, seconds=3600, records=1000)
    async with Follower(topic.bootstrap, Shard(), Sizes(), snapshotting, shorter.name) as second:
        await until(lambda: second.caught_up)

    assert [] == seen(second)
    assert MODEL == second.view.live(TENANT)
    assert "the topic was made anew" in caplog.text


async def test_topic_that_is_made_anew_meanwhile_is_noticed(topic: Topic) -> None:
    """A node whose topic is deleted and made again has what is on the new one alone."""
    for number in range(8):
        await topic.write([put(f"old-{number}", "1", 0), visible(f"old-{number}", "1", 1)])
    async with topic.follow() as follower:
        await until(lambda: follower.caught_up)
        await topic.delete()
        await topic.make()
        await topic.write([put("new", "1", 0), visible("new", "1", 1)])
        await until(lambda: seen(follower) == ["new"] and follower.caught_up)

    assert None is follower.problem


async def test_poison_is_left_out(topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    """What no search could use is counted and logged with its place, and the rest is read."""
    caplog.set_level(logging.ERROR)
    await topic.producer.send_and_wait(topic.name, b"no event", key=b"junk", partition=0)
    await topic.write([put("a", "1", 0), put("a", "1", 1, (1, 2)), visible("a", "1", 1)])
    async with topic.follow() as follower:
        await until(lambda: follower.caught_up)

    assert 2 == follower.poison
    assert [record_id("a", "1", 0)] == [record for record, _, _ in follower.view.visible_records(TENANT, MODEL)]
    assert f"{topic.name}/0@0 is left out" in caplog.text
    assert "a vector of 2 numbers" in caplog.text


async def test_kafka_may_be_away(stack: Stack) -> None:
    """Nobody begins without Kafka; whoever follows keeps what it has while it is away, says so, and catches up."""
    nowhere = f"127.0.0.1:{free_port()}"
    with pytest.raises(KafkaUnavailable, match=nowhere):
        await Follower(nowhere, Shard(), Sizes()).__aenter__()
    stack.up(only=["kafka"])
    async with connected_topic(stack.kafka.address) as topic:
        await topic.make()
        await topic.write([put("a", "1", 0), visible("a", "1", 1)])
    async with topic.follow() as follower:
        await until(lambda: follower.caught_up)
        await asyncio.to_thread(stack.kafka.kill)
        await until(lambda: follower.problem)
        away, kept = follower.problem, seen(follower)
        await asyncio.to_thread(stack.kafka.start)
        async with connected_topic(stack.kafka.address, topic.name) as again:
            await again.write([put("b", "1", 0), visible("b", "1", 1)])
        await until(lambda: seen(follower) == ["a", "b"] and follower.lag == 0)

        assert None is follower.problem
    assert ["a"] == kept
    assert stack.kafka.address in (away or "")


async def test_missing_topic_is_named(kafka_bootstrap: str) -> None:
    """A topic that is not there is an error that says how to create it; a shard without a partition says so."""
    with pytest.raises(ConfigurationError, match="has no topic nowhere") as missing:
        await Follower(kafka_bootstrap, Shard(), Sizes(), topic="nowhere").__aenter__()

    assert "medkg topics provision" in missing.value.info.remedy


async def test_shard_without_partitions_is_refused(topic: Topic) -> None:
    """A node that no partition is left for says so."""
    with pytest.raises(ConfigurationError, match=r"4/5: .* has only 4 partitions"):
        await topic.follow("4/5").__aenter__()
