"""The servers together: Kafka, Redis, OpenSearch and Neo4j, as processes of this machine."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Final

from medkg_contracts.errors import ConfigurationError

from .cache import Cache
from .kafka import Cluster, Kafka, Profile
from .kafka_distribution import KafkaDistribution
from .lock import locked
from .neo4j import Neo4j
from .opensearch import OpenSearch
from .ports import Ports
from .redis import Redis
from .report import Report, one_at_a_time
from .server import Server, ServerStatus
from .together import together

_LOCK_TIMEOUT_S = 300.0


#: The servers, by name.
SERVERS: Final = ("kafka", "redis", "opensearch", "neo4j")


class Stack:
    """The servers of one folder. Their data stays in it until it is wiped.

    Attributes:
        root: the folder.
        ports: where they listen, on 127.0.0.1.
        kafka: Kafka, with ``nodes``.
        redis: Redis.
        opensearch: OpenSearch.
        neo4j: Neo4j.
    """

    def __init__(
        self,
        root: Path,
        ports: Ports | None = None,
        *,
        kafka_nodes: int = 1,
        profile: Profile = "dev",
        cache: Cache | None = None,
        report: Report = print,
    ) -> None:
        """Describe the stack; nothing starts yet.

        Args:
            root: its folder, ``.medkg`` by custom.
            ports: the default ones if not given; ``Ports.free()`` for tests.
            kafka_nodes: 1, or 3 with replication 3.
            profile: ``dev``, or ``bench`` for servers that compile fully, and a Kafka with 1 GB.
            cache: where fetched servers are kept; ``Cache.default()`` if not given.
            report: takes a line on each step.
        """
        self.root = root.absolute()
        self.ports = ports or Ports()
        cache = cache or Cache.default()
        cluster = Cluster(self.root, self.ports, kafka_nodes, profile)
        self.kafka = Kafka(cluster, KafkaDistribution(cache))
        self.redis = Redis(self.root, self.ports.redis)
        self.opensearch = OpenSearch(self.root, self.ports, cache, profile)
        self.neo4j = Neo4j(self.root, self.ports.neo4j, cache, profile)
        self._report = one_at_a_time(report)

    @property
    def servers(self) -> dict[str, Server]:
        """Every server by its name."""
        servers: tuple[Server, ...] = (self.kafka, self.redis, self.opensearch, self.neo4j)
        return {server.name: server for server in servers}

    def environment(self) -> dict[str, str]:
        """The settings that make our services use these servers."""
        return {
            "MK_KAFKA": self.kafka.address,
            "MK_REDIS_URL": self.redis.address,
            "MK_OPENSEARCH_URL": self.opensearch.address,
            "MK_NEO4J_URL": self.neo4j.address,
            "MK_ARTIFACTS_URL": f"file://{self.root / 'artifacts'}",
        }

    def prepare(self, only: Collection[str] | None = None) -> None:
        """Fetch and build what the servers need, where that was not done.

        Raises:
            ConfigurationError: Java, Maven or Redis is missing and cannot be installed.
            ResourceUnavailable: something could not be fetched.
        """
        for server in self._chosen(only):
            if not server.prepared:
                self._step(f"{server.name}: fetching (once)", f"{server.name}: fetched", server.prepare)

    def up(self, only: Collection[str] | None = None) -> None:
        """Start the servers, all at once, and wait until they serve; those that run stay as they are.

        Raises:
            ConfigurationError: something is missing, or a port is taken.
            ResourceUnavailable: a server ended or did not answer in time. The others are left running.
        """
        with self._locked():
            self.prepare(only)
            together(
                self._chosen(only),
                lambda server: self._step(
                    f"{server.name}: starting", f"{server.name}: up at {server.address}", server.start
                ),
            )

    def down(self, only: Collection[str] | None = None) -> None:
        """End the servers in good order; their data stays."""
        with self._locked():
            running = [s for s in self._chosen(only) if any(line.running for line in s.status())]
            together(
                running,
                lambda server: self._step(f"{server.name}: stopping", f"{server.name}: stopped", server.stop),
            )

    def wipe(self, only: Collection[str] | None = None) -> None:
        """End the servers and delete their data. What was fetched stays in the cache."""
        with self._locked():
            for server in self._chosen(only):
                server.wipe()
                self._report(f"{server.name}: wiped")

    def status(self) -> list[ServerStatus]:
        """One line a process."""
        return [line for server in self.servers.values() for line in server.status()]

    def _chosen(self, only: Collection[str] | None) -> list[Server]:
        unknown = sorted(set(only or ()) - self.servers.keys())
        if unknown:
            raise ConfigurationError(f"No server is called {unknown[0]!r}; there are {', '.join(self.servers)}")
        return [server for name, server in self.servers.items() if only is None or name in only]

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.root / "run" / "lock", _LOCK_TIMEOUT_S)

    def _step(self, before: str, after: str, act: Callable[[], None]) -> None:
        self._report(before)
        began = monotonic()
        act()
        self._report(f"{after} ({monotonic() - began:.1f} s)")
