"""The real servers: what is shared is this session's, what is counted or clashes is a test's own, on free ports."""

import http.client
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from medkg_contracts.errors import ConfigurationError
from medkg_stack import Ports, Stack

pytestmark = pytest.mark.integration


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def own_stack(tmp_path: Path, lines: list[str]) -> Iterator[Stack]:
    stack = Stack(tmp_path / ".medkg", Ports.free(), report=lines.append)
    yield stack
    stack.wipe()


@pytest.fixture
def name() -> str:
    """A topic or index that no other test has."""
    return f"kept-{uuid4().hex[:8]}"


@asynccontextmanager
async def admin(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topic(address: str, name: str, replicas: int = 1) -> None:
    async with admin(address) as client:
        await client.create_topics([NewTopic(name, num_partitions=1, replication_factor=replicas)])


async def topics(address: str) -> list[str]:
    async with admin(address) as client:
        return sorted(await client.list_topics())


async def write(address: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all", request_timeout_ms=30_000)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read(address: str, topic: str) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes | None] = []
        while len(values) < end:
            values.append((await consumer.getone()).value)
        return values
    finally:
        await consumer.stop()


def redis(stack: Stack, *words: str) -> str:
    with socket.create_connection(("127.0.0.1", stack.ports.redis), timeout=10) as connection:
        connection.sendall(" ".join(words).encode() + b"\r\n")
        return connection.recv(1024).decode()


def opensearch(stack: Stack, method: str, path: str, body: object = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.opensearch, timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


async def test_kafka_keeps_records_over_a_restart(stack: Stack, name: str) -> None:
    """Kafka stopped and started again has what was written."""
    stack.up(["kafka"])
    await create_topic(stack.kafka.address, name)
    await write(stack.kafka.address, name, b"a", b"b")
    stack.down(["kafka"])
    stack.up(["kafka"])

    assert [b"a", b"b"] == await read(stack.kafka.address, name)


async def test_kafka_keeps_records_over_a_kill(stack: Stack, name: str) -> None:
    """Kafka killed with -9 and started again has what it acknowledged."""
    stack.up(["kafka"])
    await create_topic(stack.kafka.address, name)
    await write(stack.kafka.address, name, b"a", b"b")
    stack.kafka.kill()
    stack.kafka.start()

    assert [b"a", b"b"] == await read(stack.kafka.address, name)


async def test_a_topic_is_not_created_by_naming_it(stack: Stack, name: str) -> None:
    """Asking for a topic that nobody provisioned does not create it."""
    stack.up(["kafka"])
    async with admin(stack.kafka.address) as client:
        await client.describe_topics([name])

    assert name not in await topics(stack.kafka.address)


async def test_three_nodes_survive_the_loss_of_one(tmp_path: Path, lines: list[str]) -> None:
    """With three nodes, one killed, writing goes on, and the killed one comes back."""
    stack = Stack(tmp_path / ".medkg", Ports.free(), kafka_nodes=3, profile="bench", report=lines.append)
    try:
        stack.up(["kafka"])
        await create_topic(stack.kafka.address, "kept", replicas=3)
        await write(stack.kafka.address, "kept", b"a")
        stack.kafka.nodes[2].kill()
        await write(stack.kafka.address, "kept", b"b")
        stack.kafka.nodes[2].start()

        assert ([b"a", b"b"], 3) == (
            await read(stack.kafka.address, "kept"),
            sum(line.running for line in stack.kafka.status()),
        )
    finally:
        stack.wipe(["kafka"])


def test_redis_keeps_values_over_a_restart(own_stack: Stack) -> None:
    """Redis stopped and started again has what it was told."""
    own_stack.up(["redis"])
    redis(own_stack, "SET", "name", "value")
    own_stack.down(["redis"])
    own_stack.up(["redis"])

    assert "$5\r\nvalue\r\n" == redis(own_stack, "GET", "name")


def test_opensearch_is_the_wanted_version(stack: Stack, name: str) -> None:
    """OpenSearch answers with its version, and keeps documents over a restart, started by root or not."""
    stack.up(["opensearch"])
    opensearch(stack, "PUT", f"/{name}")
    opensearch(stack, "PUT", f"/{name}/_doc/1?refresh=true", {"title": "a"})
    version = opensearch(stack, "GET", "/")["version"]["number"]
    stack.down(["opensearch"])
    stack.up(["opensearch"])

    assert ("3.6.0", {"title": "a"}) == (version, opensearch(stack, "GET", f"/{name}/_doc/1")["_source"])


def test_a_second_stack_on_the_same_ports_is_refused(own_stack: Stack, tmp_path: Path) -> None:
    """A port that another stack's server has is named, and that server goes on."""
    own_stack.up(["redis"])
    other = Stack(tmp_path / "other", own_stack.ports, report=lambda _: None)

    with pytest.raises(ConfigurationError, match=f"Port {own_stack.ports.redis}, which Redis needs, is taken"):
        other.up(["redis"])

    assert "+PONG\r\n" == redis(own_stack, "PING")


def test_every_step_is_reported(own_stack: Stack, lines: list[str]) -> None:
    """Up and down say what they do, with the time that it took."""
    own_stack.up(["redis"])
    own_stack.down(["redis"])

    assert ["redis: starting", "redis: up at", "redis: stopping", "redis: stopped"] == [
        line.partition(" redis://")[0].partition(" (")[0] for line in lines
    ]


def test_an_unknown_server_is_refused(own_stack: Stack) -> None:
    """A name that is none of the servers' is refused with those that are."""
    with pytest.raises(ConfigurationError, match="No server is called 'mongo'; there are kafka, redis, opensearch"):
        own_stack.up(["mongo"])
