"""A graph of its own for each test, in this session's Neo4j."""

from collections.abc import AsyncIterator

import pytest
from medkg_graph import GraphServer

from .facts import wipe


@pytest.fixture
async def server(neo4j_url: str) -> AsyncIterator[GraphServer]:
    """A Neo4j with nothing in it."""
    one = GraphServer(neo4j_url)
    await wipe(one)
    yield one
    await one.close()
