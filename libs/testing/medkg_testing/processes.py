"""Single servers as processes of this machine, by `medkg_stack`."""

import logging
from pathlib import Path

from medkg_stack import Ports, Stack

from .servers import Kafka, Neo4j, OpenSearch, Redis

logger = logging.getLogger(__name__)


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

    def neo4j(self) -> Neo4j:
        """Neo4j, started unless it runs."""
        self.stack.up(only=["neo4j"])
        return Neo4j(self.stack.neo4j.address)

    def close(self) -> None:
        """End them, and delete their data; their logs stay."""
        self.stack.wipe()
