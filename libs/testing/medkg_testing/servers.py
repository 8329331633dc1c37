"""What a test gets of a server, and whoever starts the servers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running Kafka with one broker, whose topics nobody makes but the test.

    Attributes:
        address: bootstrap server, ``127.0.0.1:port``.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Redis:
    """A running Redis.

    Attributes:
        url: ``redis://127.0.0.1:port/0``.
    """

    url: str


@dataclass(frozen=True, slots=True)
class OpenSearch:
    """A running OpenSearch with one node and without security.

    Attributes:
        url: ``http://127.0.0.1:port``.
    """

    url: str


@dataclass(frozen=True, slots=True)
class Neo4j:
    """A running Neo4j that asks for no credentials.

    Attributes:
        url: ``bolt://127.0.0.1:port``.
    """

    url: str


class Servers(Protocol):
    """Starts each server when it is first asked for, and ends them all together."""

    def kafka(self) -> Kafka:
        """Kafka, once it serves.

        Raises:
            ConfigurationError: something that it needs is missing.
            ResourceUnavailable: it did not come up.
        """
        ...

    def redis(self) -> Redis:
        """Redis, once it serves; it raises what `kafka` does."""
        ...

    def opensearch(self) -> OpenSearch:
        """OpenSearch, once it serves; it raises what `kafka` does."""
        ...

    def neo4j(self) -> Neo4j:
        """Neo4j, once it serves; it raises what `kafka` does."""
        ...

    def close(self) -> None:
        """End what was started, and delete its data."""
        ...
