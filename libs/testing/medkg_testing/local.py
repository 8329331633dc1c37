"""The product as processes of this machine, by `medkg_stack`: the session's, or one of a test's own."""

import asyncio
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.services import installed
from medkg_operations.settings import StoreSettings
from medkg_operations.topics import provision_topics
from medkg_stack import SERVERS, SERVICES, Ports, Services, Stack
from medkg_stack.ports import free_port

from .running import MedkgStack
from .shipped import shipped
from .wire import Wire, connected

logger = logging.getLogger(__name__)

#: What makes a product quick where the source is ours and nobody shares the servers: ingest sends as fast as it can, a
#: test that searches need not wait for OpenSearch's own second, nor one that ends the router for its next sweep.
_FOR_TESTS: Final = {
    "MK_ACCELERATOR": "cpu",
    "MK_CTGOV_RATE": "1000",
    "MK_INDEX_REFRESH": "true",
    "MK_ROUTER_SWEEP_S": "1",
}


class ProductProcesses:
    """The product on servers of its own; it is a `Product`."""

    def __init__(
        self, servers: Stack, topologies: Path, parts: Collection[str], environment: Mapping[str, str]
    ) -> None:
        self._servers = [name for name in SERVERS if name in parts]
        self._services = [name for name in parts if name not in SERVERS]
        replay_port, search_port = free_port(), free_port()
        self.replay_url = f"http://127.0.0.1:{replay_port}"
        self.logs = f"the files in {servers.root / 'logs'}"
        self.servers = servers
        self.environment = {
            **servers.environment(),
            "MK_TOPOLOGIES": str(topologies),
            "MK_REPLAY_PORT": str(replay_port),
            "MK_SEARCH_PORT": str(search_port),
            "MK_SEARCH_URL": f"http://127.0.0.1:{search_port}",
            "MK_CTGOV_URL": self.replay_url,
            **_FOR_TESTS,
            **environment,
        }
        self.services = Services(servers.root, self.environment, report=logger.info)
        self.settings = StoreSettings(
            kafka=servers.kafka.address,
            redis_url=servers.redis.address,
            opensearch_url=servers.opensearch.address,
            neo4j_url=servers.neo4j.address,
            search_url=f"http://127.0.0.1:{search_port}",
            artifacts_url=self.environment["MK_ARTIFACTS_URL"],
            topologies=topologies,
        )

    def scale(self, service: str, replicas: int) -> None:
        """Start what is missing, stop what is over."""
        self.services.scale(service, replicas)

    def start(self, *names: str) -> None:
        """Servers first; what runs stays as it is."""
        servers, services = self._told(names or (*self._servers, *self._services))
        if servers:
            self.servers.up(servers)
        if services:
            self.services.start(services)

    def stop(self, *names: str) -> None:
        """Services first."""
        servers, services = self._told(names)
        if services:
            self.services.stop(services)
        if servers:
            self.servers.down(servers)

    def kill(self, name: str) -> None:
        """By SIGKILL."""
        if name in SERVERS:
            self.servers.servers[name].kill()
            return
        for number in self._running(name):
            self.services.kill(name, number)

    def suspend(self, service: str) -> None:
        """By SIGSTOP."""
        for number in self._running(service):
            self.services.suspend(service, number)

    def resume(self, service: str) -> None:
        """By SIGCONT."""
        for number in self._running(service):
            self.services.resume(service, number)

    def _running(self, service: str) -> list[int]:
        numbers = [replica.number for replica in self.services.replicas([service]) if replica.running]
        if not numbers:
            raise ConfigurationError(f"{service} does not run")
        return numbers

    @staticmethod
    def _told(names: Collection[str]) -> tuple[list[str], list[str]]:
        known = (*SERVERS, *installed())
        if unknown := [name for name in names if name not in known]:
            raise ConfigurationError(f"No server or service is called {unknown[0]!r}; there are {', '.join(known)}")
        return [name for name in names if name in SERVERS], [name for name in names if name not in SERVERS]


class LocalStack(MedkgStack):
    """A product whose servers and services are processes of this machine, with what only such a one can give.

    Attributes:
        servers: Kafka, with its ``nodes``, Redis and OpenSearch, each to be started, stopped, killed or wiped alone.
        services: the services' replicas, each to be started, stopped, killed or suspended alone.
        environment: what the services are told by their environment.
    """

    def __init__(self, product: ProductProcesses, wire: Wire) -> None:
        super().__init__(product, wire)
        self.servers = product.servers
        self.services = product.services
        self.environment = product.environment


@contextmanager
def local_stack(
    folder: Path,
    topologies: Path | None = None,
    *,
    parts: Collection[str] = (*SERVERS, *SERVICES),
    environment: Mapping[str, str] | None = None,
    brokers: int = 1,
) -> Iterator[LocalStack]:
    """A product of a test's own as processes, until the end of the context.

    Args:
        folder: an empty one, for data and logs.
        topologies: those that it runs, of which it gets a copy; None for those that medkg ships.
        parts: the servers and services that it has; ``kafka`` and ``redis`` are always needed.
        environment: further settings of the services, such as ``{"MK_LOG_LEVEL": "DEBUG"}``.
        brokers: of Kafka, 1 or 3.

    Raises:
        ConfigurationError: something that a server needs is missing, or the folder has no topology.
        ResourceUnavailable: a server or a service did not come up.
    """
    copy = shutil.copytree(topologies or shipped("topologies"), folder / "topologies")
    servers = Stack(folder, Ports.free(), kafka_nodes=brokers, report=logger.info)
    product = ProductProcesses(servers, copy, parts, environment or {})
    with ExitStack() as ends:
        ends.callback(servers.wipe)
        servers.up([name for name in SERVERS if name in parts])
        asyncio.run(provision_topics(product.settings, shipped("asyncapi"), logger.warning))
        ends.callback(product.services.stop)
        product.start()
        yield LocalStack(product, ends.enter_context(connected(product.settings, product.logs)))
