"""The fixtures for single servers: what they give answers."""

import http.client
import json
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from medkg_testing import Kafka, OpenSearch, Redis
from redis import Redis as RedisClient

pytestmark = [pytest.mark.integration, pytest.mark.everywhere, pytest.mark.timeout(600)]


async def test_kafka_takes_and_gives_records(kafka: Kafka) -> None:
    """A record that a client sends to the address is there for another client."""
    topic = f"test-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"hello")

    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.address, auto_offset_reset="earliest") as consumer:
        assert b"hello" == (await consumer.getone()).value


def test_redis_keeps_what_it_is_told(redis: Redis) -> None:
    """A value that a client sets at the URL is there."""
    with RedisClient.from_url(redis.url) as client:
        client.set("medkg-testing", "hello")

        assert b"hello" == client.get("medkg-testing")


def test_opensearch_makes_no_index_by_itself(opensearch: OpenSearch) -> None:
    """OpenSearch answers at the URL, and refuses to write to an index that nobody made."""
    client = http.client.HTTPConnection(opensearch.url.removeprefix("http://"), timeout=30)
    client.request("PUT", "/nobody-made-this/_doc/1", body="{}", headers={"content-type": "application/json"})

    assert "index_not_found_exception" == json.loads(client.getresponse().read())["error"]["type"]
    client.close()
