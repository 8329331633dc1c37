"""Servers of their own: other tests' topics have other numbers of partitions."""

import asyncio
from collections.abc import Iterator

import pytest
from medkg_contracts.settings import Settings
from medkg_operations.topics import provision_topics
from medkg_stack import Ports, Stack

from tests.e2e.spine import REPOSITORY

from .processes import Processes
from .scenario import TOPOLOGIES


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka and Redis, with the topics of the product and of the stage `slow`."""
    stack = Stack(tmp_path_factory.mktemp("scaling-servers"), Ports.free(), report=lambda _: None)
    try:
        stack.up(only=["kafka", "redis"])
        settings = Settings(kafka=stack.kafka.address, topologies=TOPOLOGIES)
        asyncio.run(provision_topics(settings, REPOSITORY / "asyncapi", print))
        yield stack
    finally:
        stack.wipe()


@pytest.fixture(scope="package")
def deployment(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """The router, and the stage's consumers as the tests scale them."""
    processes = Processes(servers, tmp_path_factory.mktemp("scaling"))
    try:
        processes.router.start(["router"])
        yield processes
    finally:
        processes.stop()
