"""What the bus leans on inside FastStream and aiokafka: when one of these fails, an upgrade has changed it."""

import inspect
from types import SimpleNamespace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from faststream.kafka.parser import AioKafkaBatchParser
from faststream.kafka.subscriber.usecase import BatchSubscriber, LogicSubscriber
from medkg_bus.clients import admin_client
from medkg_bus.consumer import _NOBODYS, BatchConsumer

from .made import make_topics


async def _nothing(_: object) -> None:
    """Handles nothing."""


@pytest.fixture
def consumer() -> BatchConsumer:
    return BatchConsumer("127.0.0.1:1", ["a.queue.v1"], "medkg.a", _nothing, max_records=7, longest_batch_s=60)


def raw_record(headers) -> ConsumerRecord:
    return ConsumerRecord(
        topic="a.queue.v1",
        partition=0,
        offset=3,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=b"{}",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=2,
        headers=headers,
    )


def test_a_batch_subscriber_is_what_faststream_makes(consumer):
    """`BatchConsumer` types its subscriber as a BatchSubscriber, whose ``consumer`` is the aiokafka client."""
    assert isinstance(consumer._subscriber, BatchSubscriber)
    assert "consumer" in LogicSubscriber.__slots__
    assert consumer._subscriber.consumer is None


async def test_a_poll_is_getmany_with_two_keywords(consumer):
    """`BatchConsumer` puts its own ``getmany`` on the client; FastStream calls it there, with these keywords."""
    asked = []

    async def getmany(**keywords):
        asked.append(keywords)
        return {TopicPartition("a.queue.v1", 0): [raw_record(())]}

    batch = await consumer._subscriber.get_msg(SimpleNamespace(getmany=getmany))

    assert ([{"timeout_ms": 1, "max_records": 7}], 1) == (asked, len(batch))


def test_getmany_takes_partitions_and_these_keywords():
    """`BatchConsumer` asks for the records of some partitions first."""
    parameters = inspect.signature(AIOKafkaConsumer.getmany).parameters

    assert inspect.Parameter.VAR_POSITIONAL is parameters["partitions"].kind
    assert {"timeout_ms", "max_records"} <= set(parameters)


@pytest.mark.integration
async def test_a_poll_of_nobodys_partition_takes_no_record(kafka_bootstrap):
    """`BatchConsumer` stays in its group by such polls: they count, and leave what is fetched to the next real one."""
    topic = f"canary-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer,
        AIOKafkaConsumer(
            topic, bootstrap_servers=kafka_bootstrap, group_id=topic, auto_offset_reset="earliest"
        ) as consumer,
    ):
        await producer.send_and_wait(topic, b"one")
        before = consumer._subscription._last_fetch_ended
        empty = [await consumer.getmany(_NOBODYS, timeout_ms=100) for _ in range(5)]
        batches = await consumer.getmany(timeout_ms=30_000)

        assert [{}] * 5 == empty
        assert before < consumer._subscription._last_fetch_ended
        assert [b"one"] == [record.value for records in batches.values() for record in records]


@pytest.mark.parametrize("headers", [(("x", None),), (("x", b"\xff"),)])
async def test_our_parser_stands_in_for_faststreams(headers, consumer):
    """FastStream's own parser fails on such headers before any handler sees the record; ours hands the batch over."""
    batch = (raw_record(headers),)
    own = AioKafkaBatchParser(msg_class=SimpleNamespace, regex=None)

    with pytest.raises((AttributeError, UnicodeDecodeError)):
        await own.parse_batch(batch)
    parse, decode = consumer._subscriber._get_parser_and_decoder()
    assert batch == await decode(await parse(batch))


def test_a_record_without_key_and_value_needs_the_batch_interface():
    """Aiokafka's ``send`` refuses a record with neither key nor value, which `EventProducer` sends as a batch."""
    assert "Need at least one: key or value" in inspect.getsource(AIOKafkaProducer.send)
    assert {"topic", "partition"} <= set(inspect.signature(AIOKafkaProducer.send_batch).parameters)


@pytest.mark.integration
async def test_groups_are_described_one_a_call(kafka_bootstrap):
    """The shape of aiokafka's answer about one group, from which `Cluster` reads who owns a partition."""
    topic = f"canary-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    admin = admin_client(kafka_bootstrap)
    await admin.start()
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, group_id=topic, client_id="canary.1", auto_offset_reset="earliest"
    ) as consumer:
        await consumer.getmany(timeout_ms=100)
        (response,) = await admin.describe_consumer_groups([topic])
    await admin.close()

    ((error, group, state, _, _, members),) = response.groups
    ((_, client_id, host, _, assignment),) = members

    assert (0, topic, "Stable", "canary.1") == (error, group, state, client_id)
    assert host.startswith("/")
    assert assignment
