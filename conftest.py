"""Real servers for integration tests: started once a session, on free ports, when the first test asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_stack import Ports, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers of this session; nothing of it runs until a test asks for one."""
    folder: Path = tmp_path_factory.mktemp("stack")
    stack = Stack(folder, Ports.free(), report=lambda _: None)
    yield stack
    stack.wipe()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Stack) -> str:
    """The address of a real Kafka."""
    stack.up(only=["kafka"])
    return stack.kafka.address


@pytest.fixture(scope="session")
def redis_url(stack: Stack) -> str:
    """The address of a real Redis."""
    stack.up(only=["redis"])
    return stack.redis.address


@pytest.fixture(scope="session")
def opensearch_url(stack: Stack) -> str:
    """The address of a real OpenSearch."""
    stack.up(only=["opensearch"])
    return stack.opensearch.address
