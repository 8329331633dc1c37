"""Asks the knowledge graph in Neo4j itself."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from medkg_graph import GraphServer
from medkg_graph.settings import GraphSettings

#: Seconds for which a question is asked again where Neo4j does not answer: somebody waits for it.
PATIENCE_S: Final = 3.0


@asynccontextmanager
async def graph_of(settings: GraphSettings) -> AsyncIterator[GraphServer]:
    """The Neo4j of these settings, for who waits for its answers, as long as the context lasts.

    Raises:
        ConfigurationError: the address is none of Neo4j's.
    """
    quiet_driver()
    server = settings.connect(PATIENCE_S)
    try:
        yield server
    finally:
        await server.close()


def quiet_driver() -> None:
    """Have the driver say nothing: of a Neo4j that is away our errors tell a person more."""
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
