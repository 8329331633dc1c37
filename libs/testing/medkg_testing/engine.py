"""The Docker engine of this machine, if one answers."""

from typing import Final
from urllib.parse import urlsplit

import docker  # type: ignore[import-untyped]
from docker.errors import DockerException  # type: ignore[import-untyped]
from requests.exceptions import RequestException
from testcontainers.core.docker_client import get_docker_host

from .choice import Engine, NoEngine

_TIMEOUT_S: Final = 5
_LOCAL_HOSTS: Final = frozenset({None, "", "localhost", "127.0.0.1", "::1"})


def find_engine() -> Engine | NoEngine:
    """Ask the engine that Testcontainers would use (DOCKER_HOST, the current context, the usual socket)."""
    host = get_docker_host()
    if host is not None and urlsplit(host).hostname not in _LOCAL_HOSTS:
        return NoEngine(f"{host} is another machine, and ports are published on 127.0.0.1")
    try:
        client = docker.DockerClient(base_url=host, timeout=_TIMEOUT_S)
        try:
            names = frozenset(tag for image in client.images.list() for tag in image.tags)
            return Engine(client.version()["Version"], names)
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        return NoEngine(_reason(error))


def _reason(error: Exception) -> str:
    """The innermost cause: the library wraps "no such file" in four layers of words."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text.splitlines()[0] if text else type(cause).__name__
