"""The whole product as containers: its compose file, by Testcontainers."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack.ports import Ports, free_port
from testcontainers.compose import ComposeContainer, DockerCompose

from .images import VARIABLES
from .product import Product
from .shipped import shipped

_COMPOSE_FILE: Final = "docker-compose.yml"
_SINGLE: Final = frozenset({"kafka", "redis", "opensearch", "replay", "topics"})
_TAIL_LINES: Final = 40

#: What tests want otherwise: what ends is seen at once, instead of being started over and over; they are not kept
#: waiting for the next health check; and what is indexed is found at once.
_FOR_TESTS: Final = """\
services:
  kafka: {restart: "no"}
  redis: {restart: "no"}
  opensearch: {restart: "no", healthcheck: {interval: 1s}}
  replay: &service {restart: "no", healthcheck: {interval: 3s}}
  router: *service
  ingest: *service
  parse: *service
  validate: *service
  chunk: *service
  index: {<<: *service, environment: {MK_INDEX_REFRESH: "true"}}
"""


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
        overlay = folder / "for-tests.yml"
        overlay.write_text(_FOR_TESTS)
        self._compose = DockerCompose(shipped("."), [str(shipped(_COMPOSE_FILE)), str(overlay)])
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
        if replicas < 0 or (service in _SINGLE and replicas != 1):
            raise ConfigurationError(f"{service} cannot have {replicas} replicas")
        words = ["up", "--wait", "--no-deps", "--no-recreate", "--scale", f"{service}={replicas}", service]
        try:
            subprocess.run(  # noqa: S603 - docker, with words of ours and a service's name
                [*self._compose.docker_compose_command(), *words], check=True, capture_output=True
            )
        except subprocess.CalledProcessError as error:
            if b"no such service" in error.stderr:
                raise ConfigurationError(f"No service is called {service!r}") from error
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
