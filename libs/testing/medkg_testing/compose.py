"""The whole product as containers: its compose file, by Testcontainers."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import yaml
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack.ports import Ports, free_port
from testcontainers.compose import ComposeContainer, DockerCompose

from .images import VARIABLES
from .product import Product
from .shipped import shipped

_COMPOSE_FILE: Final = "docker-compose.yml"
_TAIL_LINES: Final = 40


def overlay(compose: Mapping[str, Any]) -> dict[str, Any]:
    """What tests want otherwise than the compose file says.

    What ends is seen at once, instead of being started over and over; tests are not kept waiting for the next health
    check of a service of ours, or of OpenSearch, which takes longest; and what is indexed is found at once.
    """
    services: dict[str, Any] = {}
    for name, service in compose["services"].items():
        if "healthcheck" not in service:
            continue
        services[name] = {"restart": "no"}
        if "build" in service:
            services[name] |= {"healthcheck": {"interval": "3s"}, "environment": {"MK_INDEX_REFRESH": "true"}}
    services["opensearch"]["healthcheck"] = {"interval": "1s"}
    return {"services": services}


def scalable(compose: Mapping[str, Any]) -> frozenset[str]:
    """The services of which there may be several: they run on, and none has a port of this machine."""
    services = compose["services"].items()
    return frozenset(name for name, service in services if "healthcheck" in service and "ports" not in service)


class ProductContainers:
    """The product as a compose project of its own name, on ports that nobody uses."""

    def __init__(self, folder: Path, topologies: Path, images: Mapping[str, str]) -> None:
        ports, replay_port = Ports.free(), free_port()
        self.kafka = f"127.0.0.1:{ports.kafka}"
        self.redis_url = f"redis://127.0.0.1:{ports.redis}/0"
        self.opensearch_url = f"http://127.0.0.1:{ports.opensearch}"
        self.replay_url = f"http://127.0.0.1:{replay_port}"
        self._project = f"medkg-test-{uuid4().hex[:8]}"
        self.logs = f"`docker compose -p {self._project} logs SERVICE`, while the tests run"
        compose = yaml.safe_load(shipped(_COMPOSE_FILE).read_text())
        self._services = frozenset(compose["services"])
        self._scalable = scalable(compose)
        for_tests = folder / "for-tests.yml"
        for_tests.write_text(yaml.safe_dump(overlay(compose)))
        self._compose = DockerCompose(shipped("."), [str(shipped(_COMPOSE_FILE)), str(for_tests)])
        variables = {
            "COMPOSE_PROJECT_NAME": self._project,
            "MK_KAFKA_PORT": ports.kafka,
            "MK_REDIS_PORT": ports.redis,
            "MK_OPENSEARCH_PORT": ports.opensearch,
            "MK_REPLAY_PORT": replay_port,
            "MEDKG_TOPOLOGIES": topologies.absolute(),
            **{VARIABLES[server]: image for server, image in images.items()},
        }
        # By `env`, since what the shell exports would win against the --env-file that Testcontainers offers.
        words = [f"{name}={value}" for name, value in variables.items()]
        self._compose.compose_command_property = ["env", *words, *self._compose.docker_compose_command()]

    def start(self) -> None:
        """Start it, and wait until every service is healthy.

        Raises:
            ResourceUnavailable: one of them is not; its message has the end of that service's log.
        """
        try:
            self._compose.start()
        except subprocess.CalledProcessError as error:
            raise self._failure("the product did not come up", error) from error

    def stop(self) -> None:
        """Remove its containers, networks and volumes; fine if it never came up."""
        self._compose.stop()

    def scale(self, service: str, replicas: int) -> None:
        """Start what is missing, stop what is over."""
        if service not in self._services:
            raise ConfigurationError(f"No service is called {service!r}")
        if replicas < 0 or (service not in self._scalable and replicas != 1):
            raise ConfigurationError(f"{service} cannot have {replicas} replicas")
        words = ["up", "--wait", "--no-deps", "--no-recreate", "--scale", f"{service}={replicas}", service]
        try:
            subprocess.run(  # noqa: S603 - docker, with words of ours and a service's name
                [*self._compose.docker_compose_command(), *words], check=True, capture_output=True
            )
        except subprocess.CalledProcessError as error:
            raise self._failure(f"{service} did not come to {replicas} replicas", error) from error

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
def product_containers(folder: Path, topologies: Path, images: Mapping[str, str]) -> Iterator[Product]:
    """The product as containers, until the end of the context.

    Raises:
        ResourceUnavailable: a service did not become healthy.
    """
    product = ProductContainers(folder, topologies, images)
    try:
        product.start()
        yield product
    finally:
        product.stop()


def _is_well(container: ComposeContainer) -> bool:
    if container.State == "exited":
        return container.ExitCode == 0
    return container.State == "running" and container.Health in {"healthy", "", None}


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
