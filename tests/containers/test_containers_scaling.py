"""A stage is scaled by `docker compose up --scale`: as fast as there are consumers, and nothing is lost or repeated."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from uuid import uuid4

import pytest
from medkg_contracts.requests import JobRequest
from medkg_contracts.settings import Settings
from medkg_operations.requests import request_event
from medkg_stack import Ports
from medkg_stack.ports import free_port
from medkg_testing import Watch
from medkg_testing.wire import Wire, connected

from tests.scaling import scenario

from .project import LOCAL_IMAGES, docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]


class Compose:
    """A router, Kafka, Redis and the stage `slow` as containers. It is a `scenario.Deployment`."""

    def __init__(self) -> None:
        ports = Ports.free()
        self._ends = ExitStack()
        self.kafka = f"127.0.0.1:{ports.kafka}"
        self.redis_url = f"redis://127.0.0.1:{ports.redis}/0"
        self._variables = {
            "COMPOSE_PROJECT_NAME": f"medkg-scaling-{uuid4().hex[:8]}",
            "COMPOSE_FILE": os.pathsep.join(("docker-compose.yml", LOCAL_IMAGES, "tests/containers/slow.yml")),
            "MK_KAFKA_PORT": str(ports.kafka),
            "MK_REDIS_PORT": str(ports.redis),
            "MK_REPLAY_PORT": str(free_port()),
            "MEDKG_TOPOLOGIES": str(scenario.TOPOLOGIES),
        }

    def start(self) -> None:
        """Have the servers, the topics and the router."""
        self._compose("up", "--wait", "router")
        self._wire: Wire = self._ends.enter_context(connected(Settings(kafka=self.kafka), "`docker compose logs`"))

    def submit(self, request: Sequence[JobRequest], *, job: Sequence[str]) -> list[str]:
        """Ask for jobs; see `scenario.Deployment`."""
        pairs = zip(request, job, strict=True)
        self._wire.ask([request_event(each, source="/tests/scaling", job=name) for each, name in pairs])
        return list(job)

    def watch(self) -> AbstractContextManager[Watch]:
        """Every lifecycle event from now on; see `scenario.Deployment`."""
        return self._wire.story.watch()

    def scale(self, service: str, replicas: int) -> None:
        """Have so many containers; see `scenario.Deployment`."""
        self._compose("up", "--wait", "--no-recreate", "--scale", f"{service}={replicas}", service)

    def stop(self) -> None:
        """Remove all of it."""
        self._ends.close()
        self._compose("down", "--volumes")

    def _compose(self, *words: str) -> None:
        docker("compose", *words, **self._variables)


@pytest.fixture(scope="module")
def deployment() -> Iterator[Compose]:
    """The containers; they end with the tests of this module."""
    compose = Compose()
    try:
        compose.start()
        yield compose
    finally:
        compose.stop()


async def test_three_containers_are_as_fast_as_three(deployment: Compose) -> None:
    """Three containers of a stage of 50 ms do at least 2.7 times as many jobs a second as one."""
    await scenario.three_are_as_fast_as_three(deployment)


async def test_containers_come_and_go_under_load(deployment: Compose) -> None:
    """From one to three, to one, to two under load: one execution does each job, and the work of each is reported."""
    await scenario.scaling_under_load_repeats_nothing(deployment, [1, 3, 1, 2])
