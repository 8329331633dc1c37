"""The same with servers as containers; needs an engine and the images that `make images` builds."""

from pathlib import Path

import docker  # type: ignore[import-untyped]
import pytest
from medkg_contracts.errors import ResourceUnavailable
from medkg_testing.compose import containers_stack
from medkg_testing.images import LOCAL
from medkg_testing.shipped import shipped

from .test_testing_example import run_example

pytestmark = [pytest.mark.integration, pytest.mark.containers, pytest.mark.timeout(600)]


def left(folder: Path) -> list[str]:
    """The containers of compose projects that were started with a file below this folder."""
    client = docker.from_env()
    found = client.containers.list(all=True, filters={"label": "com.docker.compose.project.config_files"})
    client.close()
    return [one.name for one in found if str(folder) in one.labels["com.docker.compose.project.config_files"]]


def test_the_example_passes_on_containers(tmp_path: Path) -> None:
    """The example's tests pass with the product as containers, and none of them is left."""
    printed = run_example(tmp_path, "containers")

    assert any(line.startswith("medkg: servers as containers (Docker engine ") for line in printed)
    assert "3 passed" in printed[-1]
    assert [] == left(tmp_path)


def test_a_product_that_does_not_come_up_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    """A server that ends while starting is an error with its log, and all that was started is removed."""
    broken = {**LOCAL, "redis": LOCAL["kafka"]}  # which has no redis-server

    with (
        pytest.raises(ResourceUnavailable, match=r"did not come up; docker compose said:[^$]*redis-server"),
        containers_stack(tmp_path, shipped("topologies"), broken),
    ):
        pass

    assert [] == left(tmp_path)
