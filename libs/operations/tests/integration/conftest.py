"""Servers that only these tests use: they provision the product's own topics and list the whole ledger."""

from collections.abc import Iterator

import pytest
from medkg_stack import Ports, Stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers; nothing of it runs until a test asks for one."""
    stack = Stack(tmp_path_factory.mktemp("cli-servers"), Ports.free(), report=lambda _: None)
    yield stack
    stack.wipe()


@pytest.fixture(scope="package")
def kafka_bootstrap(stack: Stack) -> str:
    """The address of a real Kafka."""
    stack.up(only=["kafka"])
    return stack.kafka.address


@pytest.fixture(scope="package")
def redis_url(stack: Stack) -> str:
    """The address of a real Redis."""
    stack.up(only=["redis"])
    return stack.redis.address
