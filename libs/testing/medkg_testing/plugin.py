"""The pytest plugin: fixtures, the option that chooses what servers are, and the line that says what was chosen.

Every run of pytest loads this module, also one that needs no server: whatever takes long to import is imported when a
test asks for it.
"""
# ruff: noqa: PLC0415 - see above

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .choice import Choice
    from .running import MedkgStack
    from .servers import Kafka, Neo4j, OpenSearch, Redis, Servers

_FIXTURES = frozenset({"kafka", "redis", "opensearch", "neo4j", "medkg_stack"})
_CHOICE = pytest.StashKey["Choice"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting."""
    parser.getgroup("medkg").addoption(
        "--medkg-servers",
        choices=("containers", "processes"),
        help="What servers are; the default is MEDKG_SERVERS, else containers where a Docker engine answers.",
    )
    parser.addini("medkg_topologies", "The folder with the topologies that medkg_stack runs.", type="paths", default=[])


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Say what servers are, when a test needs one."""
    if any(_FIXTURES & set(getattr(item, "fixturenames", ())) for item in items):
        return [_choice(config).line]
    return []


@pytest.fixture(scope="session")
def medkg_servers(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Servers"]:
    """Whoever starts single servers; nothing runs until a test asks for one of them."""
    choice = _choice(pytestconfig)
    servers: Servers
    if choice.backend == "containers":
        from .containers import ServerContainers

        servers = ServerContainers(choice.images)
    else:
        from .processes import ServerProcesses

        servers = ServerProcesses(tmp_path_factory.mktemp("medkg-servers"))
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def kafka(medkg_servers: "Servers") -> "Kafka":
    """A real Kafka, shared by the tests of this session."""
    with _explained():
        return medkg_servers.kafka()


@pytest.fixture(scope="session")
def redis(medkg_servers: "Servers") -> "Redis":
    """A real Redis, shared by the tests of this session."""
    with _explained():
        return medkg_servers.redis()


@pytest.fixture(scope="session")
def opensearch(medkg_servers: "Servers") -> "OpenSearch":
    """A real OpenSearch, shared by the tests of this session."""
    with _explained():
        return medkg_servers.opensearch()


@pytest.fixture(scope="session")
def neo4j(medkg_servers: "Servers") -> "Neo4j":
    """A real Neo4j, shared by the tests of this session."""
    with _explained():
        return medkg_servers.neo4j()


@pytest.fixture(scope="session")
def medkg_stack(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator["MedkgStack"]:
    """The whole product with servers of its own, shared by the tests of this session."""
    choice = _choice(pytestconfig)
    folder, topologies = tmp_path_factory.mktemp("medkg-stack"), _topologies(pytestconfig)
    with ExitStack() as ends:
        with _explained():
            stack: MedkgStack
            if choice.backend == "containers":
                from .compose import containers_stack

                stack = ends.enter_context(containers_stack(folder, topologies, choice.images))
            else:
                from .local import local_stack

                stack = ends.enter_context(local_stack(folder, topologies))
        yield stack


def _choice(config: pytest.Config) -> "Choice":
    """What servers are in this run; decided once."""
    if _CHOICE not in config.stash:
        from medkg_contracts.errors import ConfigurationError

        from .choice import choose, forced
        from .engine import find_engine

        try:
            asked = forced(config.getoption("medkg_servers"), os.environ)
            config.stash[_CHOICE] = choose(asked, find_engine, os.environ)
        except ConfigurationError as error:
            raise pytest.UsageError(f"{error}. {error.info.remedy}") from error
    return config.stash[_CHOICE]


def _topologies(config: pytest.Config) -> Path:
    """The project's own topologies, or the product's."""
    from .shipped import shipped

    folders: list[Path] = config.getini("medkg_topologies")
    if len(folders) > 1:
        raise pytest.UsageError(f"medkg_topologies names {len(folders)} folders; a stack has one")
    if folders and not (folders[0] / "pipelines").is_dir():
        raise pytest.UsageError(f"medkg_topologies: {folders[0]} has no folder pipelines/")
    return folders[0] if folders else shipped("topologies")


@contextmanager
def _explained() -> Iterator[None]:
    """Let a failed start say its remedy, which pytest does not print by itself."""
    from medkg_contracts.errors import MedkgError

    try:
        yield
    except MedkgError as error:
        error.add_note(f"Remedy: {error.info.remedy}")
        raise
