"""What stagekit leans on inside FastStream and aiokafka: when one of these fails, an upgrade has changed it."""

import inspect
import socket
from types import SimpleNamespace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka.parser import AioKafkaBatchParser
from faststream.kafka.subscriber.usecase import BatchSubscriber, LogicSubscriber
from medkg_stagekit.kafka import _NOBODYS, Inlet

from .processes import Bus, EchoProcess


async def _nothing(_: object) -> None:
    """Handles nothing."""


@pytest.fixture
def inlet() -> Inlet:
    return Inlet("127.0.0.1:1", ["a.queue.v1"], "medkg.a", _nothing, max_records=7, longest_batch_s=60)


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


def test_a_batch_subscriber_is_what_faststream_makes(inlet):
    """`Inlet` types its subscriber as a BatchSubscriber, whose ``consumer`` is the aiokafka client."""
    assert isinstance(inlet._subscriber, BatchSubscriber)
    assert "consumer" in LogicSubscriber.__slots__
    assert inlet._subscriber.consumer is None


async def test_a_poll_is_getmany_with_two_keywords(inlet):
    """`Inlet` puts its own ``getmany`` on the consumer; FastStream calls it on the instance, with these keywords."""
    asked = []

    async def getmany(**keywords):
        asked.append(keywords)
        return {TopicPartition("a.queue.v1", 0): [raw_record(())]}

    batch = await inlet._subscriber.get_msg(SimpleNamespace(getmany=getmany))

    assert ([{"timeout_ms": 1, "max_records": 7}], 1) == (asked, len(batch))


def test_getmany_takes_partitions_and_these_keywords():
    """`Inlet` asks for the records of some partitions first."""
    parameters = inspect.signature(AIOKafkaConsumer.getmany).parameters

    assert inspect.Parameter.VAR_POSITIONAL is parameters["partitions"].kind
    assert {"timeout_ms", "max_records"} <= set(parameters)


@pytest.mark.integration
async def test_a_poll_of_nobodys_partition_takes_no_record(kafka_bootstrap):
    """`Inlet` stays in its group by such polls: they count as polls, and leave what is fetched to the next real one."""
    name = f"canary-{uuid4().hex[:8]}"
    async with (
        Bus(kafka_bootstrap, name) as bus,
        AIOKafkaConsumer(
            bus.queue, bootstrap_servers=kafka_bootstrap, group_id=name, auto_offset_reset="earliest"
        ) as consumer,
    ):
        await bus.ask(["one"])
        before = consumer._subscription._last_fetch_ended
        empty = [await consumer.getmany(_NOBODYS, timeout_ms=100) for _ in range(5)]
        batches = await consumer.getmany(timeout_ms=30_000)

        assert [{}] * 5 == empty
        assert before < consumer._subscription._last_fetch_ended
        assert [f"{name}-one".encode()] == [record.key for records in batches.values() for record in records]


@pytest.mark.parametrize("headers", [(("x", None),), (("x", b"\xff"),)])
async def test_our_parser_stands_in_for_faststreams(headers, inlet):
    """FastStream's own parser fails on such headers before any handler sees the record; ours hands the batch over."""
    batch = (raw_record(headers),)
    own = AioKafkaBatchParser(msg_class=SimpleNamespace, regex=None)

    with pytest.raises((AttributeError, UnicodeDecodeError)):
        await own.parse_batch(batch)
    parse, decode = inlet._subscriber._get_parser_and_decoder()
    assert batch == await decode(await parse(batch))


def test_a_record_without_key_and_value_needs_the_batch_interface():
    """Aiokafka's ``send`` refuses a record with neither key nor value, which `Outlet` sends as a batch."""
    assert "Need at least one: key or value" in inspect.getsource(AIOKafkaProducer.send)
    assert {"topic", "partition"} <= set(inspect.signature(AIOKafkaProducer.send_batch).parameters)


@pytest.mark.integration
async def test_groups_are_described_one_a_call(kafka_bootstrap, tmp_path):
    """The shape of aiokafka's answer about one group, from which `medkg_explain.cluster` reads who owns a partition."""
    async with Bus(kafka_bootstrap, f"canary-{tmp_path.name[-6:].strip('_')}") as bus:
        service = await EchoProcess(bus.name, tmp_path, kafka_bootstrap).ready()
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        try:
            (response,) = await admin.describe_consumer_groups([f"medkg.{bus.name}"])
        finally:
            await admin.close()
            service.end()

    ((error, group, state, _, _, members),) = response.groups
    ((_, client_id, host, _, assignment),) = members

    pid = service.process.pid
    assert (0, f"medkg.{bus.name}", "Stable") == (error, group, state)
    assert f"medkg.{bus.name}.{socket.gethostname()}:{pid}" == client_id
    assert host.startswith("/")
    assert assignment
