"""Our own services as processes: any number of replicas of each, started, stopped, killed, scaled."""

import json
import os
import socket
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Final

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.services import Service, installed, load

from .lock import locked
from .ports import HOST, free_port, require_free
from .probe import http_ok
from .process import Launch, Process
from .report import Report, one_at_a_time
from .server import ServerStatus
from .together import together

#: The services of this environment.
SERVICES: Final = tuple(installed())

# Importing a stage's libraries takes seconds each, and all services start at once on as few as two cores.
_START_TIMEOUT_S = 180.0
_STOP_GRACE_S = 30.0
_LOCK_TIMEOUT_S = 300.0
_READY_PATH = "/readyz"


class Replica:
    """One process of a service.

    Attributes:
        service: such as ``router``.
        number: from 1.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], service: str, number: int) -> None:
        self.service = service
        self.number = number
        self._environment = environment
        self._process = Process(root, f"{service}-{number}")

    @property
    def instance(self) -> str:
        """What it calls itself in events and in its consumer group, such as ``chunk-2@host``."""
        return f"{self._process.name}@{socket.gethostname()}"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.running is not None

    @property
    def metrics_port(self) -> int | None:
        """Where it answers ``/metrics``, ``/livez`` and ``/readyz``; None if it does not run."""
        record = self._process.running
        return int(record.facts["metrics_port"]) if record else None

    def start(self) -> None:
        """Start it, or leave it running, and wait until it says that it is ready.

        Raises:
            ConfigurationError: the port that it answers at is taken.
            ResourceUnavailable: it ended or was not ready in time.
        """
        if self.metrics_port is None and (own := own_port(self.service, self._environment)) is not None:
            require_free(self.service, own)
        port = self.metrics_port or free_port()
        self._process.start(
            Launch(
                [sys.executable, "-m", installed()[self.service].module],
                ready=lambda: http_ok(port, _READY_PATH),
                timeout_s=_START_TIMEOUT_S,
                env={**os.environ, **self._environment, "MK_METRICS_PORT": str(port), "MK_INSTANCE": self.instance},
                facts={"metrics_port": port},
            )
        )

    def stop(self) -> None:
        """Let it finish what is in flight, and end."""
        self._process.stop(_STOP_GRACE_S)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()

    def suspend(self) -> None:
        """Let it hang: alive, and doing nothing."""
        self._process.suspend()

    def resume(self) -> None:
        """Let it go on where it was suspended."""
        self._process.resume()

    def status(self) -> ServerStatus:
        """Whether it runs, and where it answers for its health."""
        port = self.metrics_port
        record = self._process.running
        address = f"http://{HOST}:{port}" if port else ""
        return ServerStatus(self._process.name, record.pid if record else None, address, self._process.log)


class Services:
    """The services of one folder.

    Attributes:
        root: the folder, the same as the stack's.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], report: Report = print) -> None:
        """Describe the services; nothing starts yet.

        Args:
            root: the stack's folder.
            environment: settings for all of them, over what our own environment has: ``Stack.environment()`` and more.
            report: takes a line on each step.
        """
        self.root = root.absolute()
        self._environment = dict(environment)
        self._report = one_at_a_time(report)

    def start(self, only: Collection[str] | None = None, scale: Mapping[str, int] | None = None) -> None:
        """Start one replica of each service, or as many as were asked for; those that run stay as they are.

        Args:
            only: these services; None starts all.
            scale: so many of a service; without a word on it, what was last said holds until it is stopped.

        Raises:
            ConfigurationError: there is no such service, or the port of one that answers HTTP is taken.
            ResourceUnavailable: a process ended or was not ready in time. The others are left running.
        """
        chosen = self._chosen(only)
        self._chosen(scale)
        with self._locked():
            said = self._remember(scale or {})
            counts = {name: said.get(name, 1) for name in chosen}
            for name in chosen:
                if counts[name] != 1 and name not in (scale or {}):
                    self._report(f"{name}: {counts[name]} replicas, as it was last scaled to")
            for names in _called_first(chosen):
                self._start(self._replica(name, i) for name in names for i in _numbers(name, counts[name]))

    def scale(self, name: str, replicas: int) -> None:
        """Have exactly this many replicas of a service: start what is missing, stop what is over.

        Raises:
            ConfigurationError: there is no such service, or it cannot have that many.
            ResourceUnavailable: a process ended or was not ready in time.
        """
        self._chosen([name])
        wanted = _numbers(name, replicas)
        with self._locked():
            self._remember({name: replicas})
            self._stop(replica for replica in self.replicas([name]) if replica.number not in wanted)
            self._start(self._replica(name, number) for number in wanted)

    def stop(self, only: Collection[str] | None = None) -> None:
        """Stop the services, those that others may still be asking last. How they were scaled is forgotten."""
        with self._locked():
            self._remember(dict.fromkeys(self._chosen(only), 1))
            running = [replica for replica in self.replicas(only) if replica.running]
            for names in reversed(_called_first({replica.service for replica in running})):
                self._stop(replica for replica in running if replica.service in names)

    def restart(self, name: str) -> None:
        """Stop a service's replicas and start as many again.

        Raises:
            ConfigurationError: there is no such service.
            ResourceUnavailable: a process ended or was not ready in time.
        """
        running = sum(replica.running for replica in self.replicas([name]))
        self.stop([name])
        self.start([name], {name: max(running, 1)})

    def kill(self, name: str, replica: int = 1) -> None:
        """End one replica as a crash would.

        Raises:
            ConfigurationError: there is no such service, or that replica does not run.
        """
        self._victim(name, replica).kill()
        self._report(f"{name}-{replica}: killed")

    def suspend(self, name: str, replica: int = 1) -> None:
        """Let one replica hang: alive, and doing nothing, until it is resumed.

        Raises:
            ConfigurationError: there is no such service, or that replica does not run.
        """
        self._victim(name, replica).suspend()
        self._report(f"{name}-{replica}: suspended")

    def resume(self, name: str, replica: int = 1) -> None:
        """Let a suspended replica go on.

        Raises:
            ConfigurationError: there is no such service, or that replica does not run.
        """
        self._victim(name, replica).resume()
        self._report(f"{name}-{replica}: resumed")

    def replicas(self, only: Collection[str] | None = None) -> list[Replica]:
        """Every replica that was started and not stopped, whether or not it still runs."""
        return [
            self._replica(name, number)
            for name in self._chosen(only)
            for number in sorted(int(path.stem.rpartition("-")[2]) for path in self._pid_files(name))
        ]

    def status(self) -> list[ServerStatus]:
        """One line a replica."""
        return [replica.status() for replica in self.replicas()]

    def _remember(self, scale: Mapping[str, int]) -> dict[str, int]:
        """Add to what was said about numbers of replicas; all that holds now, where it is not 1."""
        file = self.root / "run" / "scale.json"
        said: dict[str, int] = (json.loads(file.read_text()) if file.exists() else {}) | dict(scale)
        said = {name: count for name, count in said.items() if count != 1}
        if scale:
            file.write_text(json.dumps(said))
        return said

    def _victim(self, name: str, number: int) -> Replica:
        self._chosen([name])
        replica = self._replica(name, number)
        if not replica.running:
            raise ConfigurationError(f"There is no running {name}-{number}")
        return replica

    def _pid_files(self, name: str) -> Iterable[Path]:
        return (self.root / "run").glob(f"{name}-*.pid")

    def _replica(self, name: str, number: int) -> Replica:
        return Replica(self.root, self._environment, name, number)

    def _start(self, replicas: Iterable[Replica]) -> None:
        def start(replica: Replica) -> None:
            replica.start()
            self._report(f"{replica.service}-{replica.number}: ready at {replica.status().address}")

        missing = [replica for replica in replicas if not replica.running]
        if missing:
            self._report("services: starting " + ", ".join(f"{r.service}-{r.number}" for r in missing))
        together(missing, start)

    def _stop(self, replicas: Iterable[Replica]) -> None:
        def stop(replica: Replica) -> None:
            replica.stop()
            self._report(f"{replica.service}-{replica.number}: stopped")

        together(replicas, stop)

    def _chosen(self, only: Iterable[str] | None) -> list[str]:
        known = installed()
        wanted = set(known if only is None else only)
        if unknown := sorted(wanted - known.keys()):
            raise ConfigurationError(f"No service is called {unknown[0]!r}; there are {', '.join(known)}")
        return [name for name in known if name in wanted]

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.root / "run" / "lock", _LOCK_TIMEOUT_S)


@cache
def declared(name: str) -> Service:
    """What the service's package says of it.

    Raises:
        ConfigurationError: the package cannot be loaded.
    """
    return load(installed()[name])


def own_port(name: str, environment: Mapping[str, str]) -> int | None:
    """The port at which a service answers others, by these settings or our own environment; None for most."""
    service = declared(name)
    if service.port is None:
        return None
    return int(environment.get(service.port_variable) or os.environ.get(service.port_variable) or service.port)


def _called_first(names: Collection[str]) -> tuple[list[str], list[str]]:
    """Those that answer others, and those that may ask them."""
    answering = [name for name in names if declared(name).port is not None]
    return answering, [name for name in names if name not in answering]


def _numbers(name: str, replicas: int) -> range:
    if replicas < 0 or (replicas > 1 and declared(name).port is not None):
        raise ConfigurationError(f"{name} cannot have {replicas} replicas")
    return range(1, replicas + 1)
