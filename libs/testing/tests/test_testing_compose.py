"""What tests want otherwise than the compose file says."""

from typing import Any

import yaml
from medkg_stack.stack import SERVERS
from medkg_testing.compose import lasting, overlay, scalable
from medkg_testing.shipped import shipped

COMPOSE = yaml.safe_load(shipped("docker-compose.yml").read_text())


def ours() -> dict[str, Any]:
    """What the overlay says of our own services."""
    return {name: service for name, service in overlay(COMPOSE)["services"].items() if name not in SERVERS}


def test_nothing_that_runs_on_is_started_again() -> None:
    """All that runs on is told to stay ended, and what ends by itself, or is not started, is left alone."""
    found = overlay(COMPOSE)["services"]

    assert {"no"} == {service["restart"] for service in found.values()}
    assert {"topics", "medkg"} == COMPOSE["services"].keys() - found.keys()


def test_what_ends_by_itself_is_neither_started_nor_killed() -> None:
    """Servers and services can be started and killed; what provisions topics, and the command, cannot."""
    assert ours().keys() | set(SERVERS) == lasting(COMPOSE)


def test_services_of_ours_are_asked_more_often() -> None:
    """The services of ours and OpenSearch are looked at sooner than in operation, and no other server."""
    found = overlay(COMPOSE)["services"]

    assert {"3s"} == {service["healthcheck"]["interval"] for service in ours().values()}
    assert ({"interval": "1s"}, False) == (found["opensearch"]["healthcheck"], "healthcheck" in found["kafka"])


def test_what_has_a_port_of_the_machine_is_there_once() -> None:
    """There may be several of each service but those that publish a port, and of no server."""
    assert ours().keys() - {"replay", "search"} == scalable(COMPOSE)
