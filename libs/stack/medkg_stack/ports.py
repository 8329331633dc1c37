"""The ports of the local servers, all on 127.0.0.1."""

import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol
from urllib.parse import urlsplit

from medkg_contracts.errors import ConfigurationError

HOST = "127.0.0.1"
MAX_KAFKA_NODES = 3

_LOCAL = frozenset({"127.0.0.1", "localhost"})
_NODE_STEP = 10
_TRANSPORT_OFFSET = 100
# Below the kernel's ephemeral range: a port found free is not taken by somebody's outgoing connection meanwhile.
_FREE_FROM, _FREE_TO = 20_000, 32_000
_TRIES = 500


class ServerAddresses(Protocol):
    """Settings that name the servers."""

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""

    @property
    def redis_url(self) -> str:
        """Redis's address."""

    @property
    def opensearch_url(self) -> str:
        """OpenSearch's address."""

    @property
    def neo4j_url(self) -> str:
        """Neo4j's address."""


@dataclass(frozen=True)
class Ports:
    """Where each server listens.

    Attributes:
        kafka: of the first node; the further ones are 10 apart, and each has its controller one above.
        redis: of Redis.
        opensearch: of OpenSearch's HTTP; its transport is 100 above.
        neo4j: of Neo4j's Bolt.
    """

    kafka: int = 9092
    redis: int = 6379
    opensearch: int = 9200
    neo4j: int = 7687

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on, for up to three Kafka nodes."""
        offsets = [o for node in range(MAX_KAFKA_NODES) for o in (node * _NODE_STEP, node * _NODE_STEP + 1)]
        kafka = _search(lambda base: all(is_free(base + o) for o in offsets))
        redis = free_port(avoid=kafka)
        opensearch = _search(
            lambda base: (
                is_free(base)
                and is_free(base + _TRANSPORT_OFFSET)
                and base != redis
                and all(abs(base + extra - kafka) > _TRANSPORT_OFFSET for extra in (0, _TRANSPORT_OFFSET))
            )
        )
        neo4j = _search(lambda port: is_free(port) and port not in {redis, *_near(kafka), *_near(opensearch)})
        return cls(kafka=kafka, redis=redis, opensearch=opensearch, neo4j=neo4j)

    def variables(self) -> dict[str, str]:
        """The variables by which `docker-compose.yml` publishes the servers at these ports."""
        return {f"MK_{name.upper()}_PORT": str(port) for name, port in asdict(self).items()}

    @classmethod
    def of(cls, settings: ServerAddresses) -> "Ports":
        """The ports that the settings name, so that what is started is what the services then look for.

        Raises:
            ConfigurationError: a setting names another machine, or no port.
        """
        return cls(
            kafka=_local_port("MK_KAFKA", f"kafka://{settings.kafka.split(',')[0].strip()}"),
            redis=_local_port("MK_REDIS_URL", settings.redis_url),
            opensearch=_local_port("MK_OPENSEARCH_URL", settings.opensearch_url),
            neo4j=_local_port("MK_NEO4J_URL", settings.neo4j_url),
        )

    def kafka_client(self, node: int) -> int:
        """Where the node (from 1) takes clients."""
        return self.kafka + _NODE_STEP * (node - 1)

    def kafka_controller(self, node: int) -> int:
        """Where the node (from 1) takes the other controllers."""
        return self.kafka_client(node) + 1

    @property
    def opensearch_transport(self) -> int:
        """OpenSearch's node-to-node port, which has no other node to talk to."""
        return self.opensearch + _TRANSPORT_OFFSET


def free_port(avoid: int = 0) -> int:
    """A port that nobody listens on, at least 100 away from ``avoid``."""
    return _search(lambda port: abs(port - avoid) > _TRANSPORT_OFFSET and is_free(port))


def is_free(port: int) -> bool:
    """Whether one could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(owner: str, *ports: int) -> None:
    """Refuse to start a server where another one listens.

    Raises:
        ConfigurationError: one of the ports is taken.
    """
    for port in ports:
        if not is_free(port):
            raise ConfigurationError(
                f"Port {port}, which {owner} needs, is taken by a process that medkg did not start",
                remedy=f"Stop that process (`ss -ltnp 'sport = :{port}'` names it) or set another port in .env.",
            )


def _near(port: int) -> range:
    """The ports that a server of several may have, if this is its first."""
    return range(port, port + _TRANSPORT_OFFSET + 1)


def _search(suits: Callable[[int], bool]) -> int:
    for _ in range(_TRIES):
        port = _FREE_FROM + secrets.randbelow(_FREE_TO - _FREE_FROM)
        if suits(port):
            return port
    raise ConfigurationError(f"No free port between {_FREE_FROM} and {_FREE_TO}")


def _local_port(setting: str, url: str) -> int:
    parts = urlsplit(url)
    if parts.hostname not in _LOCAL or parts.port is None:
        raise ConfigurationError(
            f"{setting} names {parts.netloc!r}: the local servers listen on 127.0.0.1 and need a port",
            remedy=f"Set {setting} to an address on 127.0.0.1, or run only the services, against the servers it names.",
        )
    return parts.port
