"""The router of a test module: processes, servers and topologies."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_stack import Services
from redis import Redis

from .world import Names, World, create


@pytest.fixture(scope="module")
def names() -> Names:
    """Names that no other module's router knows."""
    return Names()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, names: Names) -> Path:
    """The topologies' folder, which tests may edit."""
    folder = tmp_path_factory.mktemp("topologies")
    names.write(folder)
    return folder


@pytest.fixture(scope="module")
def own_redis_url(redis_url: str) -> Iterator[str]:
    """A database of the session's Redis that nobody else uses."""
    url = f"{redis_url.rpartition('/')[0]}/7"
    client = Redis.from_url(url)
    client.flushdb()
    yield url
    client.flushdb()
    client.close()


def environment(root: Path, kafka_bootstrap: str, redis_url: str, folder: Path) -> dict[str, str]:
    """The settings of the tests' routers."""
    return {
        "MK_KAFKA": kafka_bootstrap,
        "MK_REDIS_URL": redis_url,
        "MK_ARTIFACTS_URL": f"file://{root / 'artifacts'}",
        "MK_TOPOLOGIES": str(folder),
        "MK_ROUTER_SWEEP_S": "0.2",
    }


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, own_redis_url: str, names: Names, folder: Path
) -> Iterator[Services]:
    """The router's replicas; none runs yet."""
    root = tmp_path_factory.mktemp("router")
    asyncio.run(create(kafka_bootstrap, names.topics))
    services = Services(root, environment(root, kafka_bootstrap, own_redis_url, folder), report=lambda _: None)
    yield services
    services.stop()


@pytest.fixture
def router(services: Services) -> Services:
    """One replica that runs."""
    services.scale("router", 1)
    return services


@pytest.fixture
async def world(services: Services, kafka_bootstrap: str, own_redis_url: str, names: Names) -> AsyncIterator[World]:
    """What the test does and sees."""
    store = ArtifactStore(services.root / "artifacts")
    async with World(kafka_bootstrap, own_redis_url, store, names) as world:
        yield world
