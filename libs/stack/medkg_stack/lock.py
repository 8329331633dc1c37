"""A lock that processes share, held through a file."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medkg_contracts.errors import ResourceUnavailable

_POLL_S = 0.05


@contextmanager
def locked(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock at this path; the kernel releases it when its holder dies.

    Raises:
        ResourceUnavailable: another process held it for the whole time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        _acquire(handle.fileno(), path, time.monotonic() + timeout_s)
        yield


def _acquire(fd: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise ResourceUnavailable(f"Another process holds {path}; it is still at work") from error
            time.sleep(_POLL_S)
        else:
            return
