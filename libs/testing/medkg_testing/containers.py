"""Single servers as containers, by Testcontainers.

Ports are chosen before the start and published on 127.0.0.1: Kafka tells its clients where it is, so it has to know.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from time import monotonic, sleep
from typing import Final

from docker.errors import DockerException  # type: ignore[import-untyped]
from medkg_bus.admin import Admin
from medkg_contracts.errors import (
    GraphUnavailable,
    IndexUnavailable,
    KafkaUnavailable,
    LedgerUnavailable,
    ResourceUnavailable,
)
from medkg_stack import neo4j_config
from medkg_stack.ports import free_port
from medkg_stack.probe import bolt_answers, http_ok, redis_pongs
from testcontainers.core.container import DockerContainer

from .loop import Loop
from .servers import Kafka, Neo4j, OpenSearch, Redis

_START_TIMEOUT_S: Final = 240.0
_POLL_S: Final = 0.2
_LOG_LINES: Final = 40

#: One broker that makes no topic by itself and starts quickly. It speaks to itself by a listener of its own.
_KAFKA: Final = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": "CLIENT://:9092,SELF://localhost:19092,CONTROLLER://localhost:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,SELF:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "SELF",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m",
}

#: Who may connect is decided by the published port, which is on 127.0.0.1.
_REDIS: Final = ["redis-server", "--appendonly", "yes", "--save", "", "--bind", "*", "--protected-mode", "no"]

_OPENSEARCH: Final = {
    "discovery.type": "single-node",
    "node.processors": "2",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    "action.auto_create_index": "false",
    "DISABLE_SECURITY_PLUGIN": "true",
    "DISABLE_INSTALL_DEMO_CONFIG": "true",
    "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}

_NEO4J: Final = {"NEO4J_AUTH": "none", **neo4j_config.environment(neo4j_config.SETTINGS)}


@dataclass(frozen=True)
class _Wanted:
    """A container to start.

    Attributes:
        inside: the port that the server listens on.
        outside: the port of this machine.
        error: what it is when it does not come up.
    """

    image: str
    inside: int
    outside: int
    error: type[ResourceUnavailable]
    environment: Mapping[str, str] = field(default_factory=dict)
    command: list[str] | None = None


class ServerContainers:
    """Servers from these images, each started when it is first asked for."""

    def __init__(self, images: Mapping[str, str]) -> None:
        self._images = images
        self._running = ExitStack()
        self._loop = Loop()
        self._running.callback(self._loop.close)

    def kafka(self) -> Kafka:
        """Kafka, started unless it runs."""
        return self._kafka

    def redis(self) -> Redis:
        """Redis, started unless it runs."""
        return self._redis

    def opensearch(self) -> OpenSearch:
        """OpenSearch, started unless it runs."""
        return self._opensearch

    def neo4j(self) -> Neo4j:
        """Neo4j, started unless it runs."""
        return self._neo4j

    def close(self) -> None:
        """Remove the containers and their volumes."""
        self._running.close()

    @cached_property
    def _kafka(self) -> Kafka:
        address = f"127.0.0.1:{(port := free_port())}"
        advertised = {"KAFKA_ADVERTISED_LISTENERS": f"CLIENT://{address},SELF://localhost:19092"}
        wanted = _Wanted(self._images["kafka"], 9092, port, KafkaUnavailable, {**_KAFKA, **advertised})
        self._start(wanted, lambda: self._loop.run(_kafka_answers(address)))
        return Kafka(address)

    @cached_property
    def _redis(self) -> Redis:
        port = free_port()
        wanted = _Wanted(self._images["redis"], 6379, port, LedgerUnavailable, command=_REDIS)
        self._start(wanted, partial(redis_pongs, port))
        return Redis(f"redis://127.0.0.1:{port}/0")

    @cached_property
    def _opensearch(self) -> OpenSearch:
        port = free_port()
        wanted = _Wanted(self._images["opensearch"], 9200, port, IndexUnavailable, _OPENSEARCH)
        self._start(wanted, partial(http_ok, port, "/_cluster/health?wait_for_status=yellow&timeout=1s"))
        return OpenSearch(f"http://127.0.0.1:{port}")

    @cached_property
    def _neo4j(self) -> Neo4j:
        port = free_port()
        self._start(_Wanted(self._images["neo4j"], 7687, port, GraphUnavailable, _NEO4J), partial(bolt_answers, port))
        return Neo4j(f"bolt://127.0.0.1:{port}")

    def _start(self, wanted: _Wanted, ready: Callable[[], bool]) -> None:
        """Start it, and wait until a client of it gets an answer."""
        container = DockerContainer(wanted.image).with_envs(**wanted.environment)
        if wanted.command is not None:
            container = container.with_command(wanted.command)
        # `with_bind_ports` knows no address, and the engine would publish on all of them.
        container.ports[str(wanted.inside)] = ("127.0.0.1", wanted.outside)  # type: ignore[assignment]
        self._running.callback(container.stop)
        try:
            container.start()
        except DockerException as error:
            raise wanted.error(
                f"{wanted.image} cannot be started: {error}",
                remedy="Where no image registry can be reached, build the images with `make images` in a checkout of "
                "medkg, and set TESTCONTAINERS_RYUK_DISABLED=true; or run with --medkg-servers=processes.",
            ) from error
        _wait(container, wanted, ready)


def _wait(container: DockerContainer, wanted: _Wanted, ready: Callable[[], bool]) -> None:
    deadline = monotonic() + _START_TIMEOUT_S
    while not ready():
        container.reload()
        if container.status == "exited":
            raise wanted.error(f"{wanted.image} ended while starting; {_tail(container)}")
        if monotonic() > deadline:
            raise wanted.error(f"{wanted.image} did not answer within {_START_TIMEOUT_S:g} s; {_tail(container)}")
        sleep(_POLL_S)


def _tail(container: DockerContainer) -> str:
    text = b"".join(container.get_logs()).decode(errors="replace")
    return "the end of its log:\n" + "\n".join(text.splitlines()[-_LOG_LINES:])


async def _kafka_answers(address: str) -> bool:
    """Whether a client that was told this address gets on with the address that Kafka then tells it."""
    try:
        async with Admin(address) as admin:
            return await admin.brokers() > 0
    except KafkaUnavailable:
        return False
