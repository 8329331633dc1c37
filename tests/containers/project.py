"""A compose project that runs, and what may happen to its containers."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
LOCAL_IMAGES: Final = "deploy/compose/local-images.yml"

_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_HEALTHY_S: Final = 240.0
_LOOK_S: Final = 0.2


def docker(*words: str, timeout_s: float = 300.0, **variables: str) -> str:
    """What `docker` answers; the test fails with what it said if it does not do as it is told."""
    done = subprocess.run(
        ["docker", *words],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def inspect(thing: str) -> Any:
    """All that Docker knows of a container or an image."""
    (known,) = json.loads(docker("inspect", thing))
    return known


@dataclass(frozen=True)
class Project:
    """The containers of a compose project.

    Attributes:
        name: the project's.
    """

    name: str

    @classmethod
    def publishing(cls, port: int) -> "Project":
        """The project that has published this port of the host."""
        return cls(docker("ps", "--filter", f"publish={port}", "--format", f'{{{{.Label "{_PROJECT}"}}}}').strip())

    def services(self) -> list[str]:
        """The services that run."""
        return sorted(set(self._ps(f'{{{{.Label "{_SERVICE}"}}}}')))

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self._ps("{{.ID}}", "--filter", f"label={_SERVICE}={service}")

    def restart(self, service: str) -> None:
        """Stop a service's containers in good order and start them again."""
        docker("restart", *self.containers(service))

    def healthy(self, service: str) -> None:
        """Wait until a service's containers are healthy."""
        deadline = monotonic() + _HEALTHY_S
        while states := {self._health(each) for each in self.containers(service)} - {"healthy"}:
            assert monotonic() < deadline, f"{service} is {states}: {self.log(service)}"
            sleep(_LOOK_S)

    def cut(self, service: str, network: str) -> None:
        """Take a service's containers off a network."""
        for container in self.containers(service):
            docker("network", "disconnect", f"{self.name}_{network}", container)

    def heal(self, service: str, network: str) -> None:
        """Put them on it again."""
        for container in self.containers(service):
            docker("network", "connect", f"{self.name}_{network}", container)

    def log(self, service: str) -> str:
        """The last lines that a service has logged."""
        return "\n".join(docker("logs", "--tail", "20", each) for each in self.containers(service))

    def _health(self, container: str) -> str:
        return str(inspect(container)["State"]["Health"]["Status"])

    def _ps(self, template: str, *filters: str) -> list[str]:
        words: Sequence[str] = ("ps", "--filter", f"label={_PROJECT}={self.name}", *filters, "--format", template)
        return docker(*words).split()
