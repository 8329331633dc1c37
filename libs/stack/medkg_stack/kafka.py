"""Kafka: one node or three, each a process that can be stopped, killed and started by itself."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medkg_contracts.errors import ConfigurationError, KafkaUnavailable

from .kafka_config import CLUSTER_ID, initial_controllers, server_properties
from .kafka_distribution import KafkaDistribution
from .ports import HOST, MAX_KAFKA_NODES, Ports, require_free
from .probe import accepts
from .process import Launch, Process
from .server import ServerStatus, remove, status_of
from .together import together

Profile = Literal["dev", "bench"]

_HEAP: dict[Profile, str] = {"dev": "256m", "bench": "1g"}
_START_TIMEOUT_S = 90.0
_FORMAT_TIMEOUT_S = 60.0
_STOP_GRACE_S = 20.0
_STARTED = b"Kafka Server started"


@dataclass(frozen=True)
class Cluster:
    """What the nodes of one cluster share.

    Attributes:
        root: the stack's folder.
        ports: where the nodes listen.
        nodes: how many there are.
        profile: ``dev`` starts fast in little memory, ``bench`` runs fast.
    """

    root: Path
    ports: Ports
    nodes: int
    profile: Profile


class KafkaNode:
    """One node, a broker and controller in one.

    Attributes:
        number: from 1.
        address: where its clients connect.
    """

    def __init__(self, cluster: Cluster, number: int, distribution: KafkaDistribution) -> None:
        self.number = number
        self.address = f"{HOST}:{cluster.ports.kafka_client(number)}"
        self._cluster = cluster
        self._distribution = distribution
        self._process = Process(cluster.root, f"kafka-{number}", KafkaUnavailable)
        self._folder = cluster.root / "kafka" / f"node{number}"

    def start(self, flags: list[str] | None = None) -> None:
        """Start it on the data that it has, formatting it the first time; ready means registered and serving.

        Raises:
            ConfigurationError: one of its ports is taken.
            KafkaUnavailable: it ended or was not ready in time.
        """
        cluster = self._cluster
        client, controller = (cluster.ports.kafka_client(self.number), cluster.ports.kafka_controller(self.number))
        if self._process.running is None:
            require_free(f"Kafka node {self.number}", client, controller)
            self._configure()
        own = self._distribution.flags(_HEAP[cluster.profile], optimised=cluster.profile == "bench")
        argv = self._distribution.argv(flags or own, "kafka.Kafka", str(self._properties))
        self._process.start(
            Launch(
                argv,
                # The port opens before the controller lets the broker serve; only its log tells when it does.
                ready=lambda: accepts(client) and _STARTED in self._process.log.read_bytes(),
                timeout_s=_START_TIMEOUT_S,
            )
        )

    def stop(self) -> None:
        """Hand over its partitions and end."""
        self._process.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """End it as a crash would: nothing flushed, nothing handed over."""
        self._process.kill()

    def status(self) -> ServerStatus:
        """Whether it runs, and where."""
        return status_of(self._process, self.address)

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _configure(self) -> None:
        data = self._folder / "log"
        data.mkdir(parents=True, exist_ok=True)
        cluster = self._cluster
        self._properties.write_text(server_properties(self.number, cluster.nodes, cluster.ports, data))
        if not (data / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        cluster = self._cluster
        controllers = initial_controllers(cluster.nodes, cluster.ports)
        arguments = ["format", "-t", CLUSTER_ID, "-c", str(self._properties), "--initial-controllers", controllers]
        argv = self._distribution.argv(
            ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool", *arguments
        )
        try:
            subprocess.run(argv, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=True)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise KafkaUnavailable(f"Formatting {self._folder} took over {_FORMAT_TIMEOUT_S:g} s") from error
        except subprocess.CalledProcessError as error:
            raise KafkaUnavailable(f"Formatting {self._folder} failed: {error.stdout}{error.stderr}") from error


class Kafka:
    """A cluster of one node or three.

    Attributes:
        name: ``kafka``.
        nodes: its nodes; number 1 is ``nodes[0]``.
    """

    name = "kafka"

    def __init__(self, cluster: Cluster, distribution: KafkaDistribution) -> None:
        if cluster.nodes not in {1, MAX_KAFKA_NODES}:
            raise ConfigurationError(f"Kafka runs with 1 or {MAX_KAFKA_NODES} nodes, not {cluster.nodes}")
        self._cluster = cluster
        self._distribution = distribution
        self.nodes = tuple(KafkaNode(cluster, number, distribution) for number in range(1, cluster.nodes + 1))

    @property
    def address(self) -> str:
        """The bootstrap servers."""
        return ",".join(node.address for node in self.nodes)

    @property
    def prepared(self) -> bool:
        """Whether a start has nothing to fetch."""
        return self._distribution.prepared

    def prepare(self) -> None:
        """Fetch its jars and make its class-data archive, where that was not done.

        Raises:
            ConfigurationError: Java or Maven is missing.
            ResourceUnavailable: the jars could not be fetched.
        """
        self._distribution.prepare(lambda flags: _train(self._distribution, flags))

    def start(self) -> None:
        """Start every node that does not run; ready when all are.

        Raises:
            ConfigurationError: a port is taken, or the data is of a cluster of another size.
            KafkaUnavailable: a node ended or was not ready in time.
        """
        self._refuse_other_size()
        together(self.nodes, KafkaNode.start)

    def stop(self) -> None:
        """End all nodes. The first one leaves while the rest can still take over, then the rest together."""
        self.nodes[0].stop()
        together(self.nodes[1:], KafkaNode.stop)

    def kill(self) -> None:
        """End all nodes as a power cut would."""
        together(self.nodes, KafkaNode.kill)

    def wipe(self) -> None:
        """End all nodes, also those of a cluster of another size, and delete their data."""
        root = self._cluster.root
        together([Process(root, file.stem) for file in root.glob("run/kafka-*.pid")], Process.kill)
        remove(root / "kafka")

    def status(self) -> list[ServerStatus]:
        """One line a node."""
        return [node.status() for node in self.nodes]

    def _refuse_other_size(self) -> None:
        formatted = len(list(self._cluster.root.glob("kafka/node*/log/meta.properties")))
        wanted = self._cluster.nodes
        if formatted not in {0, wanted}:
            raise ConfigurationError(
                f"{self._cluster.root / 'kafka'} holds a cluster of {formatted}, and {wanted} were asked for",
                remedy="Start it with the number that it has, or wipe it.",
            )


def _train(distribution: KafkaDistribution, flags: list[str]) -> None:
    """Run a node in a scratch folder once, so that its JVM notes which classes a start loads."""
    with tempfile.TemporaryDirectory(prefix="medkg-kafka-") as scratch:
        node = KafkaNode(Cluster(Path(scratch), Ports.free(), nodes=1, profile="dev"), 1, distribution)
        node.start(flags)
        node.stop()
