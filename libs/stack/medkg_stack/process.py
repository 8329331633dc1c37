"""A process that outlives its starter: its pid file, its log, its start and its end.

A pid alone may meanwhile belong to somebody else's process. The pid file therefore also keeps when the process
started and in which boot of the machine, and nothing is signalled unless all three still agree.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from medkg_contracts.errors import ConfigurationError, ResourceUnavailable

Facts = Mapping[str, int | str]

_POLL_S = 0.05
_KILL_TIMEOUT_S = 10.0
_TAIL_BYTES = 8_000
_TAIL_LINES = 25
_DEAD_STATES = frozenset("ZX")


@dataclass(frozen=True)
class Launch:
    """How to start a process and when it counts as started.

    Attributes:
        argv: the command.
        ready: says whether it answers; asked again and again.
        timeout_s: how long it may take to answer.
        env: its whole environment; None hands on ours.
        cwd: its working folder; None hands on ours.
        facts: what is kept in the pid file with it, such as its port.
    """

    argv: Sequence[str]
    ready: Callable[[], bool]
    timeout_s: float
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """What the pid file says of a process."""

    pid: int
    start_ticks: int
    boot: str
    facts: Facts


class Process:
    """A named process of a stack folder: ``run/<name>.pid`` and ``logs/<name>.log``.

    Attributes:
        name: unique in the folder.
        log: its standard output and error since its last start; those of the start before are in ``<name>.log.1``.
    """

    def __init__(self, root: Path, name: str, failure: type[ResourceUnavailable] = ResourceUnavailable) -> None:
        self.name = name
        self.log = root / "logs" / f"{name}.log"
        self._pid_file = root / "run" / f"{name}.pid"
        self._failure = failure
        self._exit: int | None = None

    @property
    def running(self) -> Running | None:
        """The process, if it is alive and is the one that was started here."""
        record = self._read()
        if record is None:
            return None
        self._reap(record.pid)
        alive = _start_ticks(record.pid) == record.start_ticks and _boot() == record.boot
        return record if alive else None

    def start(self, launch: Launch) -> None:
        """Start it unless it runs, and wait until it is ready.

        Raises:
            ResourceUnavailable: it ended or was not ready in time; the message has the log's tail. A server has its
                own class of this error.
            ConfigurationError: its command does not exist.
        """
        if self.running is None:
            self._spawn(launch)
        deadline = time.monotonic() + launch.timeout_s
        while not launch.ready():
            if self.running is None:
                self._pid_file.unlink(missing_ok=True)
                raise self._failure(f"{self.name} ended while starting{self._how()}; {self._tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure(f"{self.name} did not answer within {launch.timeout_s:g} s; {self._tail()}")
            time.sleep(_POLL_S)

    def stop(self, grace_s: float) -> None:
        """Ask it to end (SIGTERM), and end it (SIGKILL) if it has not after the grace. Fine if it does not run."""
        record = self.running
        if record is not None:
            _signal(record.pid, signal.SIGTERM)
            if not self._ended_within(grace_s):
                self.kill()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once (SIGKILL). Fine if it does not run.

        Raises:
            ResourceUnavailable: it is alive even so (the kernel waits for its disk, say).
        """
        record = self.running
        if record is not None:
            _signal(record.pid, signal.SIGKILL)
            if not self._ended_within(_KILL_TIMEOUT_S):
                raise self._failure(f"{self.name} (pid {record.pid}) survives SIGKILL")
        self._pid_file.unlink(missing_ok=True)

    def suspend(self) -> None:
        """Stop its clock (SIGSTOP): it is alive and does nothing, until it is resumed."""
        self._tell(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it was suspended (SIGCONT)."""
        self._tell(signal.SIGCONT)

    def _tell(self, number: signal.Signals) -> None:
        record = self.running
        if record is None:
            raise self._failure(f"{self.name} does not run")
        _signal(record.pid, number)

    def _spawn(self, launch: Launch) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        argv = [*(["env", f"--chdir={launch.cwd}"] if launch.cwd else []), *launch.argv]
        env = dict(os.environ if launch.env is None else launch.env)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawnp(
                argv[0],
                argv,
                env,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self.log), flags, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,  # a Ctrl-C in the starter's terminal is not for it
                setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ],
            )
        except FileNotFoundError as error:
            raise ConfigurationError(f"{self.name} cannot start: there is no command {argv[0]!r}") from error
        self._exit = None
        self._write(Running(pid, _start_ticks(pid) or 0, _boot(), launch.facts))

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _reap(self, pid: int) -> None:
        """Collect it if it is our child and has ended, so that no zombie stays."""
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
        if ended:
            self._exit = os.waitstatus_to_exitcode(status)

    def _how(self) -> str:
        return "" if self._exit is None else f" (exit code {self._exit})"

    def _tail(self) -> str:
        if not self.log.exists():
            return f"there is no log at {self.log}"
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return f"the end of {self.log}:\n" + "\n".join(lines)

    def _read(self) -> Running | None:
        try:
            return Running(**json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{self._pid_file} is not a pid file of medkg: {error}",
                remedy="See by hand whether that process runs, end it, and delete the file.",
            ) from error

    def _write(self, record: Running) -> None:
        unfinished = self._pid_file.with_suffix(".pid.new")
        unfinished.write_text(json.dumps({**asdict(record), "facts": dict(record.facts)}))
        unfinished.replace(self._pid_file)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself between the look and the signal


def _start_ticks(pid: int) -> int | None:
    """When the process started, in ticks since boot; None if it is no more, or is only not yet collected.

    A killed process whose first thread is gone and whose others are still ending holds its ports: it is not dead.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    state, threads, start = fields[0], int(fields[17]), int(fields[19])
    return None if state in _DEAD_STATES and threads <= 1 else start


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
