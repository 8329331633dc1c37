import socket
from dataclasses import dataclass

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_stack import Ports
from medkg_stack.ports import is_free, require_free


@dataclass
class Addresses:
    kafka: str = "127.0.0.1:9092"
    redis_url: str = "redis://127.0.0.1:6379/0"
    opensearch_url: str = "http://127.0.0.1:9200"
    neo4j_url: str = "bolt://127.0.0.1:7687"


def all_of(ports: Ports) -> list[int]:
    kafka = [port for node in (1, 2, 3) for port in (ports.kafka_client(node), ports.kafka_controller(node))]
    return [*kafka, ports.redis, ports.opensearch, ports.opensearch_transport, ports.neo4j]


def test_the_defaults_are_each_servers_own() -> None:
    """Without a word the servers are where everybody looks for them."""
    ports = Ports()

    assert (9092, 6379, 9200, 7687) == (ports.kafka, ports.redis, ports.opensearch, ports.neo4j)


def test_free_ports_are_free_and_differ() -> None:
    """Free ports serve three Kafka nodes, Redis, OpenSearch and Neo4j without one port twice."""
    ports = all_of(Ports.free())

    assert (len(ports), True) == (len(set(ports)), all(is_free(port) for port in ports))


def test_ports_follow_the_settings() -> None:
    """What the services are told to look for is what gets started."""
    settings = Addresses(
        kafka="127.0.0.1:19092,127.0.0.1:19102",
        redis_url="redis://localhost:16379/0",
        opensearch_url="http://127.0.0.1:19200",
        neo4j_url="bolt://localhost:17687",
    )

    assert Ports(19092, 16379, 19200, 17687) == Ports.of(settings)


def test_a_remote_server_is_not_started_here() -> None:
    """Settings that name another machine are refused, by the setting's name."""
    with pytest.raises(ConfigurationError, match=r"MK_KAFKA names 'kafka\.example:9092'"):
        Ports.of(Addresses(kafka="kafka.example:9092"))


def test_a_taken_port_is_named() -> None:
    """A port that somebody listens on is refused with its number and its owner-to-be."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=rf"Port {port}, which Redis needs, is taken"):
            require_free("Redis", port)
