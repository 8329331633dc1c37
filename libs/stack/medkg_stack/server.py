"""What the stack asks of a server, whichever it is."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .process import Process


@dataclass(frozen=True)
class ServerStatus:
    """One process of the stack.

    Attributes:
        name: such as ``kafka-1`` or ``router-1``.
        pid: None if it does not run.
        address: where it listens, or would.
        log: its log file.
    """

    name: str
    pid: int | None
    address: str
    log: Path

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.pid is not None


class Server(Protocol):
    """A server of the stack."""

    @property
    def name(self) -> str:
        """What ``only`` calls it."""
        ...

    @property
    def address(self) -> str:
        """Where clients connect, in the form that the settings want."""
        ...

    @property
    def prepared(self) -> bool:
        """Whether a start has nothing to fetch."""
        ...

    def prepare(self) -> None:
        """Fetch and build what a start needs; nothing to do the second time."""
        ...

    def start(self) -> None:
        """Start it, or leave it running, and wait until it serves."""
        ...

    def stop(self) -> None:
        """End it in good order."""
        ...

    def kill(self) -> None:
        """End it as a crash would."""
        ...

    def wipe(self) -> None:
        """End it and delete its data."""
        ...

    def status(self) -> list[ServerStatus]:
        """One line a process."""
        ...


def status_of(process: Process, address: str) -> ServerStatus:
    """The line of this process."""
    record = process.running
    return ServerStatus(process.name, record.pid if record else None, address, process.log)


def remove(folder: Path) -> None:
    """Delete a folder and all in it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
