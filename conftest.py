"""Real servers for integration tests, by our own plugin: each is started when the first test asks for it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from medkg_stack import Ports, Stack
from medkg_testing.processes import ServerProcesses
from medkg_testing.servers import Servers

# Drawing is slow, not what is tested: in a fresh clone the first text that a process draws takes seconds, because
# Hypothesis has to build its tables of Unicode. And how long an example takes on a busy machine says nothing either.
settings.register_profile("medkg", suppress_health_check=[HealthCheck.too_slow], deadline=None)
# CI tries properties on fewer examples, and, as Hypothesis has it there, always on the same. What is dear takes its
# number of examples from the profile; what costs little states its own.
settings.register_profile("ci", settings.get_profile("medkg"), max_examples=30)
settings.load_profile("ci" if os.environ.get("CI") else "medkg")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks for the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the whole product come last, those of single servers before: both run to the end of the session."""
    items.sort(key=_weight)
    for item in items:
        if _weight(item) == 2:
            item.add_marker("product")


def _weight(item: pytest.Item) -> int:
    fixtures = set(getattr(item, "fixturenames", ()))
    return 2 if fixtures & {"medkg_stack", "product"} else 1 if fixtures & {"kafka", "opensearch"} else 0


@pytest.fixture(scope="session")
def kafka_bootstrap(medkg_servers: Servers) -> str:
    """The address of a real Kafka."""
    return medkg_servers.kafka().address


@pytest.fixture(scope="session")
def redis_url(medkg_servers: Servers) -> str:
    """The address of a real Redis.

    Not by the plugin's fixture `redis`: some tests have a fixture of that name themselves.
    """
    return medkg_servers.redis().url


@pytest.fixture(scope="session")
def opensearch_url(medkg_servers: Servers) -> str:
    """The address of a real OpenSearch."""
    return medkg_servers.opensearch().url


@pytest.fixture(scope="session")
def neo4j_url(medkg_servers: Servers) -> str:
    """The address of a real Neo4j."""
    return medkg_servers.neo4j().url


@pytest.fixture(scope="session")
def stack(medkg_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers of this session as processes, which a test may end and start; others, where those are containers."""
    if isinstance(medkg_servers, ServerProcesses):
        yield medkg_servers.stack
        return
    stack = Stack(tmp_path_factory.mktemp("stack"), Ports.free(), report=lambda _: None)
    yield stack
    stack.wipe()
