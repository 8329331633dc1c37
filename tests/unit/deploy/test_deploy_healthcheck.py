"""The health check that the images of services run."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_servicekit.health import HealthServer

_SCRIPT = Path(__file__).parents[3] / "deploy" / "images" / "healthcheck.py"


def _check(port: int, *paths: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-IS", _SCRIPT, str(port), *paths], capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout.strip()


@pytest.fixture
def stuck() -> Iterator[HealthServer]:
    server = HealthServer("127.0.0.1", 0, alive=lambda: "no progress for 40 s", ready=lambda: None)
    yield server
    server.close()


def test_healthcheck_passes_when_every_path_answers_200(stuck: HealthServer) -> None:
    """Exit code 0 when all that was asked for is well."""
    assert (0, "ok") == _check(stuck.port, "/readyz")


def test_healthcheck_fails_with_the_reason_when_one_path_answers_otherwise(stuck: HealthServer) -> None:
    """Exit code 1 when one of the paths is not well, with what it says, for `docker inspect`."""
    assert (1, '/livez: {"ok":false,"problem":"no progress for 40 s"}') == _check(stuck.port, "/readyz", "/livez")


def test_healthcheck_fails_when_nobody_listens() -> None:
    """Exit code 1 when the port is closed."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert (1, "/livez: [Errno 111] Connection refused") == _check(port, "/livez")
