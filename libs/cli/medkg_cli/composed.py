"""The whole system as containers: `MK_STACK=compose` lets `medkg up`, `demo` and `down` use docker-compose.yml.

The rest of what one does with containers (lists, logs, restarts) is Docker Compose's own and stays there.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack import Ports

from .settings import CliSettings

FILE: Final = Path("docker-compose.yml")

#: How long all containers may take until they are healthy, in seconds; images that are missing are built before.
READY_S: Final = 300


def up(settings: CliSettings, only: Collection[str] | None, scale: Mapping[str, int]) -> None:
    """Start the containers, or these services, and wait until they are healthy; what runs as it should is left alone.

    Raises:
        ConfigurationError: Docker Compose or its file is missing, or the settings name servers of another machine.
        ResourceUnavailable: a container did not become healthy, or an image could not be had.
    """
    scaling = [word for name, count in scale.items() for word in ("--scale", f"{name}={count}")]
    names = sorted({*only, *scale}) if only is not None else []
    _compose(settings, "up", "--detach", "--wait", "--wait-timeout", str(READY_S), *scaling, *names)


def down(settings: CliSettings, only: Collection[str] | None, *, wipe: bool) -> None:
    """Stop the containers, or these services; the volumes stay unless they are to be wiped.

    Raises:
        ConfigurationError: Docker Compose or its file is missing.
        ResourceUnavailable: Docker did not do it.
    """
    if only is not None:
        _compose(settings, "stop", *sorted(only))
    else:
        _compose(settings, "down", "--remove-orphans", *(["--volumes"] if wipe else []))


def environment_of(settings: CliSettings) -> dict[str, str]:
    """The variables of docker-compose.yml that say what the settings say.

    Raises:
        ConfigurationError: the settings name servers of another machine.
    """
    variables = {
        **Ports.of(settings).variables(),
        "MK_REPLAY_PORT": str(settings.replay_port),
        "MK_SEARCH_PORT": str(settings.search_port),
        "MEDKG_TOPOLOGIES": str(settings.topologies.absolute()),
    }
    # In a container, this machine's replay server is the service of that name, which is the default.
    if settings.ctgov_url not in (None, settings.replay_url):
        variables["MEDKG_CTGOV_URL"] = str(settings.ctgov_url)
        variables["MEDKG_CTGOV_RATE"] = f"{settings.ctgov_rate or 1:g}"
    return variables


def _compose(settings: CliSettings, *arguments: str) -> None:
    """Run Docker Compose; what it says goes to standard error, as all progress does."""
    if "COMPOSE_FILE" not in os.environ and not FILE.is_file():
        raise ConfigurationError(
            f"there is no {FILE} in {Path.cwd()}", remedy="Run medkg in a checkout, or let COMPOSE_FILE name the file."
        )
    _require_compose()
    command = ["docker", "compose", *arguments]
    environment = {**os.environ, **environment_of(settings)}
    ended = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603 - the user's own docker
    if ended.returncode:
        raise ResourceUnavailable(
            f"`{' '.join(command)}` ended with {ended.returncode}",
            remedy="What it said stands above; `docker compose ps --all` and `docker compose logs SERVICE` tell more. "
            "Where no image registry is reached: `make images`, and COMPOSE_FILE as deploy/compose/README.md says.",
        )


def _require_compose() -> None:
    """Make sure that there is a Docker Compose; a docker without the plugin would answer with its own usage."""
    try:
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=True)  # noqa: S607 - as above
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            "`docker compose` does not work here",
            remedy="Install Docker with its compose plugin (`deploy/engine.sh start` does, on Debian; then "
            '`eval "$(deploy/engine.sh env)"`), or leave MK_STACK unset.',
        ) from error
