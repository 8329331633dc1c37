"""Asks the knowledge graph in Neo4j itself."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from medkg_graph import GraphReader
from medkg_graph.settings import GraphSettings
from medkg_graph.views import NodeView

#: Seconds for which a question is asked again where Neo4j does not answer: somebody waits for it.
PATIENCE_S: Final = 3.0


@asynccontextmanager
async def reader_of(settings: GraphSettings) -> AsyncIterator[GraphReader]:
    """Who reads the graph of these settings, as long as the context lasts.

    Raises:
        ConfigurationError: the address is none of Neo4j's.
    """
    # What the driver says of a Neo4j that is away, our errors say better to a person.
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
    server = settings.connect(PATIENCE_S)
    try:
        yield GraphReader(server)
    finally:
        await server.close()


async def entities(settings: GraphSettings, tenant: str, text: str, limit: int) -> list[NodeView]:
    """The entities of this id, or else those whose names have these words, the best first.

    Raises:
        GraphUnavailable: Neo4j does not answer.
    """
    async with reader_of(settings) as graph:
        return await graph.find(tenant, text, limit)
