"""Ledgers in a real Redis."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from medkg_ledger.wiping import WipeableLedger
from medkg_stack.ports import free_port
from medkg_stack.redis import Redis as RedisServer
from redis.asyncio import Redis


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis that the test may end and start."""
    server = RedisServer(tmp_path, free_port())
    server.start()
    yield server
    server.wipe()


@pytest.fixture
def closed_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


@pytest.fixture
def prefix() -> str:
    """A key prefix that no other test has."""
    return f"test-{uuid4().hex}:"


@pytest.fixture
async def ledger(redis_url: str, prefix: str) -> AsyncIterator[WipeableLedger]:
    """An empty ledger."""
    ledger = WipeableLedger.from_url(redis_url, prefix)
    yield ledger
    await ledger.wipe()
    await ledger.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the Redis itself."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()
