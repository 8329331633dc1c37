"""What can be seen of a real Kafka."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from medkg_bus.clients import producer_client
from medkg_bus.cluster import Cluster
from medkg_stack import Stack

from .made import make_topics

pytestmark = pytest.mark.integration


async def test_records_of_a_key_are_found_from_a_time_on(kafka_bootstrap: str) -> None:
    """Of a key's records those since a time come, in their order; those of other keys do not."""
    topic = f"cluster-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    client = producer_client(kafka_bootstrap, "tests")
    await client.start()
    for key, time in [("a", 1_000), ("a", 2_000), ("b", 2_500), ("a", 3_000)]:
        await client.send_and_wait(topic, value=b"x", key=key.encode(), timestamp_ms=time)
    await client.stop()

    async with Cluster(kafka_bootstrap) as cluster:
        found = {
            since: [record.timestamp for record in await cluster.find(topic, "a", since)] for since in (0, 2_000, 9_000)
        }
        nowhere = await cluster.find("no-such-topic", "a")

    assert {0: [1_000, 2_000, 3_000], 2_000: [2_000, 3_000], 9_000: []} == found
    assert [] == nowhere


async def test_records_of_a_topic_are_read_from_a_time_on(kafka_bootstrap: str) -> None:
    """All records since a time come, whatever their keys; a topic that is not there has none."""
    topic = f"cluster-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    client = producer_client(kafka_bootstrap, "tests")
    await client.start()
    for key, time in [("a", 1_000), ("b", 2_000), ("c", 3_000)]:
        await client.send_and_wait(topic, value=b"x", key=key.encode(), timestamp_ms=time)
    await client.stop()

    async with Cluster(kafka_bootstrap) as cluster:
        found = {
            since: sorted([record.timestamp async for record in cluster.since(topic, since)])
            for since in (0, 2_000, 9_000)
        }
        nowhere = [record async for record in cluster.since("no-such-topic", 0)]

    assert {0: [1_000, 2_000, 3_000], 2_000: [2_000, 3_000], 9_000: []} == found
    assert [] == nowhere


async def test_of_transactions_what_is_committed_is_read(kafka_bootstrap: str) -> None:
    """Neither an open transaction nor an aborted one is waited for, nor an end that the partition does not have."""
    topic = f"cluster-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    place, beyond = TopicPartition(topic, 0), 1_000
    async with (
        asyncio.timeout(60),
        Cluster(kafka_bootstrap) as cluster,
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic) as client,
    ):
        for value, end in ((b"kept", client.commit_transaction), (b"dropped", client.abort_transaction)):
            await client.begin_transaction()
            await client.send_and_wait(topic, value=value, partition=0)
            await end()
        ended = [record.value async for record in cluster.records(await cluster.ends([place]))]
        await client.begin_transaction()
        await client.send_and_wait(topic, value=b"open", partition=0)
        still_open = [record.value async for record in cluster.records({place: beyond})]
        since = [record.value async for record in cluster.since(topic, 0)]
        await client.commit_transaction()
        await client.begin_transaction()
        await client.send_and_wait(topic, value=b"next", partition=0)  # Kafka takes it when the last one is complete
        committed = [record.value async for record in cluster.records(await cluster.ends([place]))]
        await client.abort_transaction()

    assert [b"kept"] == ended == still_open == since
    assert [b"kept", b"open"] == committed


async def test_what_an_open_transaction_holds_back_is_seen(kafka_bootstrap: str) -> None:
    """Records in and behind an open transaction come with the offset at which it begins, and those before it do not."""
    topic = f"cluster-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    place = TopicPartition(topic, 0)
    async with (
        asyncio.timeout(60),
        Cluster(kafka_bootstrap) as cluster,
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as plain,
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic) as client,
    ):
        await plain.send_and_wait(topic, value=b"before", partition=0)
        quiet = [record async for record, _ in cluster.held_back(topic)]
        await client.begin_transaction()
        await client.send_and_wait(topic, value=b"open", partition=0)
        await plain.send_and_wait(topic, value=b"behind", partition=0)
        held = [(record.value, since) async for record, since in cluster.held_back(topic)]
        offsets = await cluster.ends([place]), await cluster.written([place])
        await client.abort_transaction()

    assert ([], [(b"open", 1), (b"behind", 1)]) == (quiet, held)
    assert ({place: 1}, {place: 3}) == offsets


async def test_members_of_a_group_are_there_with_their_partitions(kafka_bootstrap: str) -> None:
    """A consumer of a group is a member of it, by its own name, while it runs."""
    topic, group = f"cluster-{uuid4().hex[:8]}", f"readers-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    client = AIOKafkaConsumer(topic, bootstrap_servers=kafka_bootstrap, group_id=group, client_id="reader")
    await client.start()
    async with Cluster(kafka_bootstrap) as cluster:
        (member,) = await cluster.members(group)
        partitions = await cluster.partitions(topic)
        await client.stop()

        assert [] == await cluster.members(group)
    assert ("reader", partitions) == (member.client_id, sorted(member.partitions))


async def test_a_group_that_never_was_has_neither_positions_nor_owners(kafka_bootstrap: str) -> None:
    """Kafka knows nothing of a group that nobody was in, even if it has just been started."""
    async with Cluster(kafka_bootstrap) as cluster:
        assert ({}, {}) == (await cluster.committed("nobody"), await cluster.owners("nobody"))


async def test_a_view_outlives_a_restart_of_kafka(stack: Stack) -> None:
    """A cluster that was away and is back answers the same connections again."""
    topic = f"cluster-{uuid4().hex[:8]}"
    stack.up(only=["kafka"])
    await make_topics(stack.kafka.address, [topic])
    async with Cluster(stack.kafka.address) as cluster:
        before = await cluster.find(topic, "a"), await cluster.owners("nobody")
        stack.kafka.stop()
        stack.kafka.start()
        after = await cluster.find(topic, "a"), await cluster.owners("nobody")

    assert ([], {}) == before == after
