"""The whole product as containers: its compose file, by Testcontainers."""

import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import yaml
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_operations.settings import StoreSettings
from medkg_stack.ports import Ports, free_port
from testcontainers.compose import ComposeContainer, DockerCompose

from .images import VARIABLES
from .running import MedkgStack
from .shipped import shipped
from .wire import connected

_COMPOSE_FILE: Final = "docker-compose.yml"
_TAIL_LINES: Final = 40
_FOR_TESTS: Final = {"MK_ACCELERATOR": "cpu", "MK_INDEX_REFRESH": "true"}


def overlay(compose: Mapping[str, Any]) -> dict[str, Any]:
    """What tests want otherwise than the compose file says.

    What ends is seen at once, instead of being started over and over; tests are not kept waiting for the next health
    check of a service of ours, or of OpenSearch, which takes longest; what is indexed is found at once; and models run
    on processors.
    """
    services: dict[str, Any] = {}
    for name, service in compose["services"].items():
        if "healthcheck" not in service:
            continue
        services[name] = {"restart": "no"}
        if "build" in service:
            services[name] |= {"healthcheck": {"interval": "3s"}, "environment": _FOR_TESTS}
    services["opensearch"]["healthcheck"] = {"interval": "1s"}
    return {"services": services}


def lasting(compose: Mapping[str, Any]) -> frozenset[str]:
    """The servers and services: what runs on, and does not end by itself."""
    return frozenset(name for name, service in compose["services"].items() if "healthcheck" in service)


def scalable(compose: Mapping[str, Any]) -> frozenset[str]:
    """The services of which there may be several: they run on, and none has a port of this machine."""
    services = compose["services"].items()
    return frozenset(name for name, service in services if "healthcheck" in service and "ports" not in service)


class ProductContainers:
    """The product as a compose project of its own name, on ports that nobody uses."""

    def __init__(self, folder: Path, topologies: Path, images: Mapping[str, str]) -> None:
        ports, replay_port, search_port = Ports.free(), free_port(), free_port()
        self.settings = StoreSettings(
            kafka=f"127.0.0.1:{ports.kafka}",
            redis_url=f"redis://127.0.0.1:{ports.redis}/0",
            opensearch_url=f"http://127.0.0.1:{ports.opensearch}",
            neo4j_url=f"bolt://127.0.0.1:{ports.neo4j}",
            search_url=f"http://127.0.0.1:{search_port}",
            artifacts_url=f"file://{folder.absolute() / 'artifacts'}",  # not the services' own, which is a volume
            topologies=topologies.absolute(),
        )
        self.replay_url = f"http://127.0.0.1:{replay_port}"
        self._project = f"medkg-test-{uuid4().hex[:8]}"
        self.logs = f"`docker compose -p {self._project} logs SERVICE`, while the tests run"
        compose = yaml.safe_load(shipped(_COMPOSE_FILE).read_text())
        self._lasting = lasting(compose)
        self._scalable = scalable(compose)
        for_tests = folder / "for-tests.yml"
        for_tests.write_text(yaml.safe_dump(overlay(compose)))
        self._compose = DockerCompose(shipped("."), [str(shipped(_COMPOSE_FILE)), str(for_tests)])
        variables = {
            "COMPOSE_PROJECT_NAME": self._project,
            "MK_KAFKA_PORT": ports.kafka,
            "MK_REDIS_PORT": ports.redis,
            "MK_OPENSEARCH_PORT": ports.opensearch,
            "MK_NEO4J_PORT": ports.neo4j,
            "MK_REPLAY_PORT": replay_port,
            "MK_SEARCH_PORT": search_port,
            "MEDKG_TOPOLOGIES": self.settings.topologies,
            **{VARIABLES[server]: image for server, image in images.items()},
        }
        # By `env`, since what the shell exports would win against the --env-file that Testcontainers offers.
        words = [f"{name}={value}" for name, value in variables.items()]
        self._compose.compose_command_property = ["env", *words, *self._compose.docker_compose_command()]

    def begin(self) -> None:
        """Start it, and wait until every service is healthy.

        Raises:
            ResourceUnavailable: one of them is not; its message has the end of that service's log.
        """
        try:
            self._compose.start()
        except subprocess.CalledProcessError as error:
            raise self._failure("the product did not come up", error) from error

    def end(self) -> None:
        """Remove its containers, networks and volumes; fine if it never came up."""
        self._compose.stop()

    def start(self, *names: str) -> None:
        """All that runs on, unless some are named."""
        self._check(names)
        words = ["up", "--wait", "--no-deps", "--no-recreate", *(names or sorted(self._lasting))]
        self._do(words, f"{', '.join(names) or 'the product'} did not come up")

    def stop(self, *names: str) -> None:
        """By SIGTERM."""
        self._check(names)
        self._do(["stop", *names], f"{', '.join(names)} did not end")

    def kill(self, name: str) -> None:
        """By SIGKILL."""
        self._check([name])
        self._do(["kill", name], f"{name} was not killed")

    def suspend(self, service: str) -> None:
        """By the engine's freezer."""
        self._check([service])
        self._do(["pause", service], f"{service} was not suspended")

    def resume(self, service: str) -> None:
        """By the engine's freezer."""
        self._check([service])
        self._do(["unpause", service], f"{service} was not resumed")

    def scale(self, service: str, replicas: int) -> None:
        """Start what is missing, stop what is over."""
        self._check([service])
        if replicas < 0 or (service not in self._scalable and replicas != 1):
            raise ConfigurationError(f"{service} cannot have {replicas} replicas")
        words = ["up", "--wait", "--no-deps", "--no-recreate", "--scale", f"{service}={replicas}", service]
        self._do(words, f"{service} did not come to {replicas} replicas")

    def _check(self, names: Collection[str]) -> None:
        if unknown := sorted(set(names) - self._lasting):
            raise ConfigurationError(f"No service is called {unknown[0]!r}")

    def _do(self, words: Sequence[str], otherwise: str) -> None:
        try:
            subprocess.run(  # noqa: S603 - docker, with words of ours and services' names
                [*self._compose.docker_compose_command(), *words], check=True, capture_output=True
            )
        except subprocess.CalledProcessError as error:
            raise self._failure(otherwise, error) from error

    def _failure(self, what: str, error: subprocess.CalledProcessError) -> ResourceUnavailable:
        """What compose said, and what the services said that are not well."""
        said = _tail(error.stderr.decode(errors="replace"))
        ill = sorted({container.Service or "" for container in self._compose.get_containers(include_all=True)
                      if not _is_well(container)})  # fmt: skip
        logs = "".join(f"\nThe end of the log of {name}:\n{_tail(self._compose.get_logs(name)[0])}" for name in ill)
        return ResourceUnavailable(
            f"{what}; docker compose said:\n{said}{logs}",
            remedy="Images that are missing are built by `make images` in a checkout of medkg, or named by MK_*_IMAGE "
            "and MEDKG_IMAGES; --medkg-servers=processes needs none.",
        )


@contextmanager
def containers_stack(folder: Path, topologies: Path, images: Mapping[str, str]) -> Iterator[MedkgStack]:
    """The product as containers, with a copy of these topologies, until the end of the context.

    Raises:
        ResourceUnavailable: a service did not become healthy.
    """
    product = ProductContainers(folder, shutil.copytree(topologies, folder / "topologies"), images)
    try:
        product.begin()
        with connected(product.settings, product.logs) as wire:
            yield MedkgStack(product, wire)
    finally:
        product.end()


def _is_well(container: ComposeContainer) -> bool:
    if container.State == "exited":
        return container.ExitCode == 0
    return container.State == "running" and container.Health in {"healthy", "", None}


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
