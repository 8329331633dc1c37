"""A worker process, as the service sees it. What blocks here is for threads."""

import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from multiprocessing import get_context, set_forkserver_preload
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from time import clock_gettime
from typing import Final, Self

from medkg_contracts.errors import MedkgError, MemoryExceeded, WorkerCrashed

from .compute import Compute, Spec
from .invocation import Performed, Task
from .worker import main, receive_answer, send_call

#: A worker has so many seconds until it is ready.
START_S: Final = 120.0

#: A worker that has been busy for long yields to the others: it gets a tenth of what a busy neighbour gets.
NICE: Final = 10

#: What native code says as it dies for want of memory: Rust (pydantic, orjson), C++.
_OUT_OF_MEMORY: Final = (b"memory allocation of", b"std::bad_alloc", b"MemoryError")

_preloaded: dict[str, None] = {main.__module__: None}

Context = ForkServerContext | SpawnContext


def context_of(compute: Compute, spec: Spec) -> Context:
    """How the stage's processes are started; a fork server loads the stage's modules once for all of them."""
    if compute.start_method == "spawn":
        return get_context("spawn")
    preload((spec.stage.__module__, compute.shared))
    return get_context("forkserver")


def preload(modules: Iterable[str | None]) -> None:
    """Have the fork server load these modules as well; it heeds what it is told before its first process."""
    _preloaded.update(dict.fromkeys(module for module in modules if module is not None))
    set_forkserver_preload(list(_preloaded))


class WorkerProcess:
    """One process that runs the stage."""

    def __init__(self, name: str, process: BaseProcess, line: Connection, last_words: Connection) -> None:
        self._name = name
        self._process = process
        self._line = line
        self._last_words = last_words
        self.has_receded = False

    @classmethod
    def started(cls, context: Context, spec: Spec) -> Self:
        """A worker that is ready.

        Raises:
            MedkgError: the stage cannot be made.
            WorkerCrashed: the process ended, or was not ready in time.
        """
        line, far_line = context.Pipe()
        words, far_words = context.Pipe(duplex=False)
        process = context.Process(
            target=main, args=(spec, far_line, far_words), name=f"{spec.name}-worker", daemon=True
        )
        with far_line, far_words:
            process.start()
        worker = cls(spec.name, process, line, words)
        try:
            worker._await_readiness()
        except BaseException:
            worker.end()
            raise
        return worker

    def _await_readiness(self) -> None:
        if not self._line.poll(START_S):
            raise WorkerCrashed(f"{self._name}: a worker process was not ready after {START_S:g} s")
        try:
            error: MedkgError | None = self._line.recv()
        except (EOFError, OSError):
            raise self._why_it_died() from None
        if error is not None:
            raise error

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Whether it can be given work."""
        # Its line shows the end at once; the fork server, which tells the sentinel, may come to it later.
        return not wait([self._process.sentinel, self._line], 0)

    @property
    def processor_s(self) -> float:
        """Seconds of processor time that it has used; 0 where the system does not tell."""
        with suppress(OSError):
            return clock_gettime((~self.pid << 3) | 2)  # as clock_getcpuclockid(3) makes it
        return 0.0

    def exchange(self, tasks: Sequence[Task], timeout_s: float) -> Performed:
        """Have the tasks done. However long that takes, this blocks; when the process is killed it returns."""
        try:
            send_call(self._line, tasks, timeout_s)
            return receive_answer(self._line)
        except (EOFError, OSError):
            return Performed.failed(tasks, self._why_it_died())

    def recede(self) -> None:
        """Leave more of the processor to others, from now on."""
        self.has_receded = True
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self.pid, NICE)

    def kill(self) -> None:
        """End it now, whatever it does; `end` has still to be called."""
        self._process.kill()

    def end(self) -> None:
        """End it now, and forget it."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._line.close()
        self._last_words.close()

    def _why_it_died(self) -> MedkgError:
        self._process.join(1.0)
        words = b""
        while self._last_words.poll(0) and (more := self._read()):
            words += more
        code = self._process.exitcode
        how = f"with exit code {code}" if code is None or code >= 0 else f"by {signal.Signals(-code).name}"
        said = words.decode(errors="replace").strip()
        if any(sign in words for sign in _OUT_OF_MEMORY):
            return MemoryExceeded(f"{self._name}: its worker process ended {how} for want of memory: {said}")
        return WorkerCrashed(f"{self._name}: its worker process ended {how}" + (f": {said}" if said else ""))

    def _read(self) -> bytes:
        with suppress(OSError):
            return os.read(self._last_words.fileno(), 65_536)
        return b""
