"""The product on three brokers, and the handles by which faults take hold of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from medkg_stack import KafkaNode, Services
from medkg_testing import LocalStack

from tests.shipped import REPOSITORY

from .disk import Disk
from .relay import Relay
from .waiting import until

#: Where the logs of faults are kept that left something wrong.
LOGS: Final = REPOSITORY / ".medkg" / "chaos" / "logs"

_SETTLE_S = 60.0


class Rig:
    """A running product that faults are injected into.

    Attributes:
        product: the product.
        studies: the ids of all recorded studies.
        disk: what its artifact store is on.
        neo4j: what kg reaches Neo4j through, where a fault has put it there.
    """

    neo4j: Relay

    def __init__(self, product: LocalStack, disk: Disk) -> None:
        self.product = product
        self.studies = product.recorded()
        self.disk = disk

    @property
    def services(self) -> Services:
        """The services, as their supervisor sees them."""
        return self.product.services

    def mend(self) -> None:
        """Start whatever does not run, so that every fault meets a whole product."""
        self.disk.free()
        self.product.start()

    def keep_logs(self, name: str) -> Path:
        """Copy what the services and the servers have logged to where the next fault does not rotate it away."""
        kept = LOGS / name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.services.root / "logs", kept)
        return kept

    def forget(self, jobs: Mapping[str, Sequence[str]]) -> None:
        """Delete what the store, whose disk is small, has of these tenants, and what was told of their jobs."""
        for tenant, of_tenant in jobs.items():
            shutil.rmtree(self.product.servers.root / "artifacts" / tenant)
            self.product.forget(of_tenant)

    def dressed(self, environment: Mapping[str, str]) -> Services:
        """The same services, started with more in their environment."""
        return Services(self.services.root, {**self.product.environment, **environment}, report=lambda _: None)

    def medkg(self, *words: str) -> None:
        """Run the command, which must succeed.

        Raises:
            AssertionError: it did not; what it said.
        """
        command = [str(Path(sys.executable).with_name("medkg")), *words]
        environment = {**self.product.environment, "MK_LOG_LEVEL": "WARNING"}
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"medkg {' '.join(words)}: {done.stderr}"

    async def leader(self, topic: str) -> KafkaNode:
        """The broker that leads the topic's first partition."""
        partitions = await self._partitions(topic)
        return self.product.servers.kafka.nodes[partitions[0]["leader"] - 1]

    async def replicated(self) -> None:
        """Wait until every copy of every partition is in sync again."""

        async def in_sync() -> bool:
            return all(len(each["isr"]) == len(each["replicas"]) for each in await self._partitions())

        await until(in_sync, _SETTLE_S)

    async def _partitions(self, *topics: str) -> list[dict[str, list[int]]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.product.kafka)
        await admin.start()
        try:
            described = await admin.describe_topics(list(topics) or None)
        finally:
            await admin.close()
        return [partition for topic in described for partition in topic["partitions"]]
