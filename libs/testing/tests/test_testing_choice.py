"""What servers are, and which images they are started from."""

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_testing.choice import Choice, Engine, NoEngine, choose, forced

ENGINE = Engine("20.10.24", frozenset({"medkg/kafka:4.3.1"}))
NONE = NoEngine("No such file or directory")


def unasked() -> Engine:
    """An engine that nobody may ask."""
    raise AssertionError("the engine was asked although processes are wanted")


def test_an_engine_that_answers_makes_containers() -> None:
    """Where an engine answers, servers are containers, and the line names the engine and the images built here."""
    choice = choose(None, lambda: ENGINE, {})

    expected = "medkg: servers as containers (Docker engine 20.10.24); images built here: medkg/kafka:4.3.1"
    assert expected == choice.line


def test_without_an_engine_there_are_processes() -> None:
    """Where none answers, servers are processes, and the line says why."""
    choice = choose(None, lambda: NONE, {})

    expected = "medkg: servers as local processes (no Docker engine answers: No such file or directory)"
    assert expected == choice.line


def test_processes_on_demand_ask_no_engine() -> None:
    """Where processes are asked for, the engine is left alone."""
    assert Choice("processes", "asked for", {}) == choose("processes", unasked, {})


def test_containers_on_demand_need_an_engine() -> None:
    """Where containers are asked for and no engine answers, that is refused, with the reason and the way out."""
    with pytest.raises(ConfigurationError, match="no Docker engine answers: No such file") as refused:
        choose("containers", lambda: NONE, {})

    assert "--medkg-servers=processes" in refused.value.info.remedy


def test_a_variable_names_the_image() -> None:
    """A server's variable wins over the image built here, and that over the public one."""
    environment = {"MK_REDIS_IMAGE": "registry.example.org/redis:7"}

    images = choose(None, lambda: ENGINE, environment).images

    expected = {
        "kafka": "medkg/kafka:4.3.1",
        "redis": "registry.example.org/redis:7",
        "opensearch": "opensearchproject/opensearch:3.6.0",
        "neo4j": "neo4j:2026.08.1-community",
    }
    assert expected == images


@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [
        (None, {}, None),
        (None, {"MEDKG_SERVERS": ""}, None),
        (None, {"MEDKG_SERVERS": "containers"}, "containers"),
        ("processes", {"MEDKG_SERVERS": "containers"}, "processes"),
    ],
)
def test_the_option_goes_before_the_variable(
    option: str | None, variable: dict[str, str], expected: str | None
) -> None:
    """The option is asked first, then the variable, and an empty one says nothing."""
    assert expected == forced(option, variable)


def test_another_word_is_refused() -> None:
    """A backend that does not exist is refused."""
    with pytest.raises(ConfigurationError, match="MEDKG_SERVERS is 'podman'"):
        forced(None, {"MEDKG_SERVERS": "podman"})
