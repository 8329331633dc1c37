"""Where the benchmark runs: the servers of the demo on free ports, and the processes under measurement."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from medkg_stack import Ports, Report, Services, Stack
from medkg_stack.ports import free_port
from medkg_stack.probe import http_ok
from medkg_stack.process import Launch, Process

from .provisioning import provision

REPOSITORY: Final = Path(__file__).parents[2]
TOPOLOGIES: Final = Path(__file__).parent / "topologies"
PRODUCT_TOPOLOGIES: Final = REPOSITORY / "topologies"
_START_TIMEOUT_S: Final = 120.0
_STOP_GRACE_S: Final = 30.0


class Bed:
    """The servers, and processes that are started beside them; all end with it.

    Attributes:
        root: the folder of the stack and of all that the run writes.
        stack: the servers.
        partitions: of every topic.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._exits = ExitStack()
        self._processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        """Start Kafka and Redis, and create the topics."""
        self.root = Path(self._exits.enter_context(TemporaryDirectory(prefix="medkg-bench-")))
        self.stack = Stack(self.root, Ports.free(), profile="bench", report=self._report)
        self._exits.callback(self.stack.wipe)
        self.stack.up(["kafka", "redis"])
        self.partitions = asyncio.run(provision(self.kafka, (TOPOLOGIES, PRODUCT_TOPOLOGIES)))
        return self

    def __exit__(self, *_: object) -> None:
        """End everything and delete its data."""
        self.stop()
        self._exits.close()

    @property
    def kafka(self) -> str:
        """Kafka's address."""
        return self.stack.kafka.address

    @property
    def environment(self) -> dict[str, str]:
        """The settings of what is measured."""
        return {**self.stack.environment(), "MK_TOPOLOGIES": str(TOPOLOGIES), "MK_LOG_LEVEL": "WARNING"}

    @property
    def pids(self) -> dict[str, int]:
        """Every process that takes part, the servers and this one included, by name."""
        servers = {line.name: line.pid for line in self.stack.status() if line.pid is not None}
        own = {name: record.pid for name, process in self._processes.items() if (record := process.running)}
        return {**own, **servers, "generator": os.getpid()}

    def service(self, name: str, module: str, profile: Path | None = None) -> None:
        """Start a module that serves ``/readyz``, under the sampler when its profile is wanted."""
        port = free_port()
        wrapper = [] if profile is None else ["tests.benchmarks.profiled", str(profile)]
        self._start(name, [*wrapper, module], lambda: http_ok(port, "/readyz"), {"MK_METRICS_PORT": str(port)})

    def program(self, name: str, arguments: Sequence[str], ready: Path) -> None:
        """Start a module that makes a file when it is ready."""
        self._start(name, arguments, ready.exists, {})

    def sample(self, name: str) -> None:
        """Tell a process that runs under the sampler to begin."""
        os.kill(self.pids[name], signal.SIGUSR1)

    def stop(self) -> None:
        """End all processes but the servers, in good order."""
        for process in self._processes.values():
            process.stop(_STOP_GRACE_S)
        self._processes.clear()

    def services(self, environment: Mapping[str, str]) -> Services:
        """The product's own services, with what else they need; they end with the bed."""
        services = Services(self.root, {**self.environment, **environment}, self._report)
        self._exits.callback(services.stop)
        return services

    def _start(self, name: str, arguments: Sequence[str], ready: Callable[[], bool], extra: Mapping[str, str]) -> None:
        process = self._processes[name] = Process(self.root, name)
        environment = {**os.environ, **self.environment, **extra}
        argv = [sys.executable, "-m", *arguments]
        process.start(Launch(argv, ready, _START_TIMEOUT_S, env=environment, cwd=REPOSITORY))
