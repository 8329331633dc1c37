"""The pool of worker processes of a stage that computes.

What holds, whatever the jobs do:

* A process works for one call at a time. A call that passes its timeout, or that nobody waits for any more, costs its
  process: it is killed, and nothing of its work goes on. A crash or too much memory is that call's error alone.
* A call that takes longer than `SHORT_S` is set aside: it keeps its process, which yields the processor to others, and
  gives its quick place to whoever waits. Only so many may be aside at once; further ones stay where they are, and once
  they hold all quick places new work waits, and `full` says so.
* The timeout begins when a process begins, not while the call waits for one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Self, TypeVar

from medkg_contracts.errors import ComputeTimeout, MedkgError, MemoryExceeded, StageTimeout, WorkerCrashed

from . import metrics
from .compute import Compute, Spec
from .invocation import Performed, Task
from .worker_process import WorkerProcess, context_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: A call that takes longer than so many seconds is set aside.
SHORT_S: Final = 1.0

#: A timeout is the computation's own if it had at least this share of a processor; else the machine was too busy.
OWN_SHARE: Final = 0.5


@dataclass(slots=True, eq=False)
class _Stint:
    """A call that is worked on."""

    job_ids: list[str]
    worker: WorkerProcess | None = None
    is_long: bool = False
    is_aside: bool = False


def late(name: str, timeout_s: float, processor_s: float) -> MedkgError:
    """The error of a call that passed its timeout, in which its process had so many seconds of a processor.

    The same computation would be as late another time, and is not worth one; a machine that was too busy may be better.
    """
    if processor_s >= OWN_SHARE * timeout_s:
        return ComputeTimeout(f"{name} computed for {timeout_s:g} s without coming to an end, and was ended")
    return StageTimeout(f"{name} took longer than {timeout_s:g} s, of which it had a processor for {processor_s:.1f} s")


class WorkerPool:
    """Runs a stage's calls in processes.

    Args:
        spec: what the workers are made from.
        compute: how many there are.
    """

    def __init__(self, spec: Spec, compute: Compute) -> None:
        self._spec = spec
        self._compute = compute
        self._context = context_of(compute, spec)
        self._quick = asyncio.Semaphore(compute.processes)
        self._idle: list[WorkerProcess] = []
        self._stints: dict[_Stint, None] = {}
        self._closed = False
        # A thread waits for each process's answer, and others wait for processes that start.
        threads = 2 * compute.processes + compute.slow
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"{spec.name}-workers")

    async def __aenter__(self) -> Self:
        """Start the first worker, so that a stage that cannot be made shows now.

        Raises:
            MedkgError: it cannot be made.
        """
        try:
            self._idle.append(await self._start())
        except BaseException:
            self._threads.shutdown(wait=False)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all processes, whatever they do; nothing may be called any more."""
        self._closed = True
        for stint in self._stints:
            if stint.worker is not None:
                stint.worker.kill()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._in_thread(worker.end) for worker in idle))
        self._threads.shutdown(wait=False)

    @property
    def capacity(self) -> int:
        """How many calls can be at work at once."""
        return self._compute.processes + self._compute.slow

    @property
    def full(self) -> list[str]:
        """The jobs that hold all quick places and have done so for long; empty while there is a way for short ones."""
        holding = [stint for stint in self._stints if stint.is_long and not stint.is_aside]
        if len(holding) < self._compute.processes:
            return []
        return [job_id for stint in self._stints if stint.is_long for job_id in stint.job_ids]

    async def call(self, tasks: Sequence[Task], timeout_s: float) -> tuple[Performed, float]:
        """Have the tasks done by one process in one go, and say how many seconds that took; cancelling it kills it."""
        await self._quick.acquire()
        stint = _Stint([task.work.ctx.job_id for task in tasks])
        self._stints[stint] = None
        try:
            worker = stint.worker = await self._ready_worker()
            began = monotonic()
            performed = await self._have_done(stint, worker, tasks, timeout_s)
            return performed, monotonic() - began
        except MedkgError as error:
            return Performed.failed(tasks, error), 0.0
        finally:
            self._leave(stint)

    async def _have_done(
        self, stint: _Stint, worker: WorkerProcess, tasks: Sequence[Task], timeout_s: float
    ) -> Performed:
        used = worker.processor_s
        answering = self._in_thread(_timed, worker, tasks, timeout_s)
        is_reusable = False
        try:
            await asyncio.wait({answering}, timeout=min(SHORT_S, timeout_s))
            if not answering.done() and timeout_s > SHORT_S:
                stint.is_long = True
                self._set_aside()
                await asyncio.wait({answering}, timeout=timeout_s - SHORT_S)
            if not answering.done():
                return Performed.failed(tasks, late(self._spec.name, timeout_s, worker.processor_s - used))
            performed, took_s = await answering
            is_reusable = not isinstance(performed.error, MemoryExceeded | WorkerCrashed)
            if took_s > timeout_s:  # by the clock of its thread: the event loop may look later than the answer came
                return Performed.failed(tasks, late(self._spec.name, timeout_s, worker.processor_s - used))
            return performed
        finally:
            if is_reusable and worker.is_alive and not worker.has_receded and not self._closed:
                self._idle.append(worker)
            else:
                worker.kill()
                ending = asyncio.ensure_future(self._ended(worker, answering))
                await asyncio.shield(ending)

    def _set_aside(self) -> None:
        """Let the jobs that take long give their places to others, as far as there is room beside."""
        room = self._compute.slow - sum(stint.is_aside for stint in self._stints)
        waiting = [stint for stint in self._stints if stint.is_long and not stint.is_aside]
        for stint in waiting[:room]:
            stint.is_aside = True
            if stint.worker is not None:
                stint.worker.recede()
            self._quick.release()
        metrics.long_jobs(self._spec.name, sum(stint.is_long for stint in self._stints), bool(self.full))

    def _leave(self, stint: _Stint) -> None:
        del self._stints[stint]
        if not stint.is_aside:
            self._quick.release()
        if stint.is_long:
            self._set_aside()

    async def _ready_worker(self) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            logger.warning("a worker process of %s that had nothing to do has ended", self._spec.name)
            await self._in_thread(worker.end)
        return await self._start()

    async def _start(self) -> WorkerProcess:
        starting = self._in_thread(WorkerProcess.started, self._context, self._spec)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_end_unwanted)
            raise

    def _in_thread(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":  # noqa: ANN401
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    @staticmethod
    async def _ended(worker: WorkerProcess, answering: "asyncio.Future[tuple[Performed, float]]") -> None:
        await asyncio.wait({answering})  # its thread uses the connection until the process is gone
        await asyncio.to_thread(worker.end)


def _timed(worker: WorkerProcess, tasks: Sequence[Task], timeout_s: float) -> tuple[Performed, float]:
    """What a worker answers, and how many seconds that took."""
    began = monotonic()
    return worker.exchange(tasks, timeout_s), monotonic() - began


def _end_unwanted(starting: "asyncio.Future[WorkerProcess]") -> None:
    """A worker has come that nobody waits for any more."""
    if starting.exception() is None:
        starting.get_loop().run_in_executor(None, starting.result().end)
