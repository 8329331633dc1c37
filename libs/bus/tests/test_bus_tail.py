"""A tail of a real Kafka."""

from uuid import uuid4

import pytest
from medkg_bus.admin import Admin
from medkg_bus.clients import producer_client
from medkg_bus.tail import Tail

from .made import make_topics

pytestmark = pytest.mark.integration


async def test_a_tail_reads_its_partitions_and_says_where_it_is(kafka_bootstrap: str) -> None:
    """Of the partitions wanted the records come, no more at once than wanted, and what is left is known."""
    topic = f"tail-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    client = producer_client(kafka_bootstrap, "tests")
    await client.start()
    for number in range(12):
        await client.send_and_wait(topic, value=str(number).encode(), partition=number % 4)
    await client.stop()
    values, lags = [], []
    async with Tail(kafka_bootstrap, topic, {1: 1}, partitions=lambda number: number % 2 == 1, most=1) as tail:
        async for records in tail.polls():
            values += [record.value for record in records]
            if records:
                lags.append(await tail.lag())
            if len(values) == 5:
                break
        positions = await tail.positions()

    assert {b"3", b"5", b"7", b"9", b"11"} == set(values)
    assert {1: 3, 3: 3} == positions
    assert 0 == lags[-1]


async def test_a_setting_of_a_topic_is_told(kafka_bootstrap: str) -> None:
    """What a topic has as a setting is known, Kafka's default included; of a setting that is none nothing is."""
    topic = f"tail-{uuid4().hex[:8]}"
    await make_topics(kafka_bootstrap, [topic])
    async with Admin(kafka_bootstrap) as admin:
        found = [await admin.setting(topic, name) for name in ("delete.retention.ms", "no.such.setting")]

    assert ["86400000", None] == found
