"""The graph in a container of the compose file: what it asks for, what it refuses, and what stays when it goes."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_graph import GraphServer
from medkg_stack.ports import free_port

from .project import LOCAL_IMAGES, docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

USER, PASSWORD = "neo4j", "open-sesame"


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    """A project of its own, whose graph has a password; its containers and volumes end with the test."""
    own = {
        "COMPOSE_PROJECT_NAME": f"medkg-graph-{uuid4().hex[:8]}",
        "COMPOSE_FILE": os.pathsep.join(("docker-compose.yml", LOCAL_IMAGES)),
        "MK_NEO4J_PORT": str(free_port()),
        "MK_NEO4J_USER": USER,
        "MK_NEO4J_PASSWORD": PASSWORD,
    }
    yield own
    docker("compose", "down", "--volumes", **own)


async def rows(
    variables: dict[str, str], statement: str, password: str = PASSWORD, *, write: bool = False
) -> list[object]:
    """What a statement that returns one value answers."""
    url = f"bolt://127.0.0.1:{variables['MK_NEO4J_PORT']}"
    server = GraphServer(url, user=USER, password=password, timeout_s=10)
    try:
        found = await (server.write if write else server.read)(lambda transaction: transaction.run(statement))
    finally:
        await server.close()
    return [value for row in found for value in row.values()]


async def test_the_graph_outlives_its_container(variables: dict[str, str]) -> None:
    """After `down` and `up` the graph is there, asks for its password, and has the settings of the compose file."""
    start = ("compose", "up", "--wait", "neo4j")
    docker(*start, **variables)
    await rows(variables, "CREATE (n:Kept {id: 1}) RETURN n.id", write=True)
    docker("compose", "down", **variables)
    docker(*start, **variables)
    with pytest.raises(ConfigurationError, match="unauthorized"):
        await rows(variables, "RETURN 1", password="close-sesame")

    assert [1] == await rows(variables, "MATCH (n:Kept) RETURN n.id")
    assert ["5m"] == await rows(variables, "SHOW SETTINGS 'db.transaction.timeout' YIELD value")
    assert ["false"] == await rows(variables, "SHOW SETTINGS 'server.http.enabled' YIELD value")
