"""Redis, keeping what it is told in an append-only file."""

import os
import shutil
import subprocess
from pathlib import Path

from medkg_contracts.errors import ConfigurationError, LedgerUnavailable, ResourceUnavailable

from .ports import HOST, require_free
from .probe import redis_pongs
from .process import Launch, Process
from .server import ServerStatus, remove, status_of

_COMMAND = "redis-server"
_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 15.0
_APT_TIMEOUT_S = 600.0
_APT_TAIL = 2_000


class Redis:
    """One Redis.

    Attributes:
        name: ``redis``.
        address: its URL.
    """

    name = "redis"

    def __init__(self, root: Path, port: int) -> None:
        self.address = f"redis://{HOST}:{port}/0"
        self._port = port
        self._data = root / "redis"
        self._process = Process(root, self.name, LedgerUnavailable)

    @property
    def prepared(self) -> bool:
        """Whether Redis is installed."""
        return shutil.which(_COMMAND) is not None

    def prepare(self) -> None:
        """Install Redis by apt if it is not there.

        Raises:
            ConfigurationError: it is not there, and we may not install it.
            ResourceUnavailable: apt failed.
        """
        if not self.prepared:
            _install()

    def start(self) -> None:
        """Start it on the data that it has.

        Raises:
            ConfigurationError: its port is taken.
            LedgerUnavailable: it ended or did not answer in time.
        """
        if self._process.running is None:
            require_free("Redis", self._port)
            self._data.mkdir(parents=True, exist_ok=True)
        options = {
            "--bind": HOST,
            "--port": str(self._port),
            "--dir": str(self._data),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--daemonize": "no",
        }
        argv = [_COMMAND, *(word for option in options.items() for word in option)]
        self._process.start(Launch(argv, ready=lambda: redis_pongs(self._port), timeout_s=_START_TIMEOUT_S))

    def stop(self) -> None:
        """Flush its file and end."""
        self._process.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """End it as a crash would; up to a second of writes may be lost."""
        self._process.kill()

    def wipe(self) -> None:
        """End it and delete its data."""
        self.kill()
        remove(self._data)

    def status(self) -> list[ServerStatus]:
        """Its line."""
        return [status_of(self._process, self.address)]


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ConfigurationError(
            f"{_COMMAND} is needed and is not installed", remedy="Install it: `sudo apt-get install redis-server`."
        )
    # RUNLEVEL=1 keeps the package from starting a Redis of its own on the port that ours wants.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "redis-server"]):
        try:
            subprocess.run(  # noqa: S603 - fixed arguments
                ["apt-get", *arguments],  # noqa: S607 - apt-get is where the machine has it
                env=env,
                capture_output=True,
                text=True,
                timeout=_APT_TIMEOUT_S,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise ResourceUnavailable(f"apt-get {arguments[0]} took over {_APT_TIMEOUT_S:g} s") from error
        except subprocess.CalledProcessError as error:
            tail = (error.stdout + error.stderr)[-_APT_TAIL:]
            raise ResourceUnavailable(f"apt-get {arguments[0]} failed; it said:\n{tail}") from error
