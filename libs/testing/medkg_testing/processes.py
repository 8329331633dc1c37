"""Servers and services as processes of this machine, by `medkg_stack`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medkg_contracts.settings import Settings
from medkg_operations.topics import provision_topics
from medkg_stack import Ports, Services, Stack
from medkg_stack.ports import free_port

from .loop import Loop
from .product import Product
from .servers import Kafka, OpenSearch, Redis
from .shipped import shipped

logger = logging.getLogger(__name__)

#: Requests a second that ingest sends to the replay server, which is ours and needs no politeness.
_REPLAY_RATE = "1000"


class ServerProcesses:
    """Servers in a folder, on ports that nobody uses.

    Attributes:
        stack: the same servers, for tests that end one and start it again.
    """

    def __init__(self, folder: Path) -> None:
        self.stack = Stack(folder, Ports.free(), report=logger.info)

    def kafka(self) -> Kafka:
        """Kafka, started unless it runs."""
        self.stack.up(only=["kafka"])
        return Kafka(self.stack.kafka.address)

    def redis(self) -> Redis:
        """Redis, started unless it runs."""
        self.stack.up(only=["redis"])
        return Redis(self.stack.redis.address)

    def opensearch(self) -> OpenSearch:
        """OpenSearch, started unless it runs."""
        self.stack.up(only=["opensearch"])
        return OpenSearch(self.stack.opensearch.address)

    def close(self) -> None:
        """End them, and delete their data; their logs stay."""
        self.stack.wipe()


class ProductProcesses:
    """The product on a stack that runs."""

    def __init__(self, stack: Stack, topologies: Path) -> None:
        replay_port = free_port()
        self.kafka = stack.kafka.address
        self.redis_url = stack.redis.address
        self.opensearch_url = stack.opensearch.address
        self.replay_url = f"http://127.0.0.1:{replay_port}"
        self.logs = f"the files in {stack.root / 'logs'}"
        environment = {
            **stack.environment(),
            "MK_TOPOLOGIES": str(topologies),
            "MK_REPLAY_PORT": str(replay_port),
            "MK_CTGOV_URL": self.replay_url,
            "MK_CTGOV_RATE": _REPLAY_RATE,
            "MK_INDEX_REFRESH": "true",  # a test that searches must not have to wait for OpenSearch's own second
        }
        self.services = Services(stack.root, environment, report=logger.info)

    def scale(self, service: str, replicas: int) -> None:
        """Start what is missing, stop what is over."""
        self.services.scale(service, replicas)


@contextmanager
def product_processes(folder: Path, topologies: Path, loop: Loop) -> Iterator[Product]:
    """The product as processes, until the end of the context.

    Raises:
        ConfigurationError: something that a server needs is missing, or the folder has no topology.
        ResourceUnavailable: a server or a service did not come up.
    """
    stack = Stack(folder, Ports.free(), report=logger.info)
    try:
        stack.up()
        settings = Settings(kafka=stack.kafka.address, topologies=topologies)
        loop.run(provision_topics(settings, shipped("asyncapi"), logger.warning))
        product = ProductProcesses(stack, topologies)
        try:
            product.services.start()
            yield product
        finally:
            product.services.stop()
    finally:
        stack.wipe()
