"""What runs in a worker process: the stage, for one call at a time, until the process that asks is gone.

The protocol, over one duplex connection: the worker says None, or the error for which it cannot begin. Then, again and
again, it is sent a `Call`, followed by the artifacts' bytes, and answers with what became of each task: its error, the
names of what was made, whose bytes follow, or None where the error beside it holds for all that have none of their own.
"""

import asyncio
import faulthandler
import fcntl
import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from medkg_contracts.errors import MedkgError, MemoryExceeded, StageBug
from medkg_servicekit import logs

from .binding import Binding, bind, opened
from .compute import Spec
from .invocation import Performed, Task, perform

_MIB: Final = 1024 * 1024
#: Which number of ``/proc/self/statm`` is the pages of private memory that may be written.
_DATA: Final = 5


@dataclass(frozen=True, slots=True)
class Call:
    """What precedes the artifacts' bytes.

    Attributes:
        tasks: without their inputs.
        names: of each task's inputs, in the order in which their bytes follow.
    """

    tasks: Sequence[Task]
    names: Sequence[Sequence[str]]
    timeout_s: float


def send_call(line: Connection, tasks: Sequence[Task], timeout_s: float) -> None:
    """Ask the worker at the other end."""
    names = [list(task.inputs) for task in tasks]
    bare = [replace(task, work=replace(task.work, record=None), inputs={}) for task in tasks]
    line.send(Call(bare, names, timeout_s))
    for task in tasks:
        for body in task.inputs.values():
            line.send_bytes(body)


def receive_answer(line: Connection) -> Performed:
    """The worker's answer. Raises EOFError or OSError when it is gone."""
    names, error = line.recv()
    bodies = [{name: line.recv_bytes() for name in each} if isinstance(each, list) else each for each in names]
    return Performed(bodies, error)


def main(spec: Spec, line: Connection, last_words: Connection) -> None:
    """Serve calls until nobody is at the other end of the line.

    Args:
        spec: of what is served.
        line: to the service.
        last_words: takes what the process says as it dies; it ends with the service.
    """
    _settle(last_words)
    if spec.log_level is not None:
        logs.configure(spec.name, spec.log_level)
    with suppress(EOFError, ConnectionError):
        asyncio.run(_serve(spec, line))


def _settle(last_words: Connection) -> None:
    """Let the service alone end this process, at the latest by its own end; and let it hear why this one died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's interrupt is for the service to understand
    end = last_words.fileno()
    # The kernel sends SIGIO, which ends a process that has no handler for it, when the service's end is closed: the
    # only way that holds for a computation that never lets the interpreter go.
    fcntl.fcntl(end, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    # What Python says goes where it always went; what native code says as it aborts is for the service to read.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    os.dup2(end, 2)
    faulthandler.enable(file=2)


async def _serve(spec: Spec, line: Connection) -> None:
    async with AsyncExitStack() as stack:
        try:
            binding = bind(spec.name, spec.stage(spec.settings), spec.settings)
            await opened(binding, stack)
        except Exception as error:  # noqa: BLE001 - whatever it is, the service has to say so
            line.send(_sendable(error if isinstance(error, MedkgError) else StageBug(f"{spec.name}: {error!r}")))
            return
        line.send(None)
        bound_data = _Bound(spec.memory_mb)
        while True:
            tasks, timeout_s = _receive_call(line)
            with bound_data:
                answer = await _answer(binding, tasks, timeout_s)
            if answer is None:
                message = f"{spec.name}: the job needs more than {spec.memory_mb} MiB"
                answer = Performed.failed(tasks, MemoryExceeded(message))
            del tasks
            _send_answer(line, answer)


class _Bound:
    """Within this, the process may have so many MiB more than it had at first."""

    def __init__(self, memory_mb: int) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[_DATA])
        self._limit = pages * resource.getpagesize() + memory_mb * _MIB
        self._hard = resource.getrlimit(resource.RLIMIT_DATA)[1]

    def __enter__(self) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (self._limit, self._hard))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (self._hard, self._hard))


def _receive_call(line: Connection) -> tuple[list[Task], float]:
    call: Call = line.recv()
    bodies = [{name: line.recv_bytes() for name in names} for names in call.names]
    tasks = [replace(task, inputs=inputs) for task, inputs in zip(call.tasks, bodies, strict=True)]
    return tasks, call.timeout_s


async def _answer(binding: Binding, tasks: Sequence[Task], timeout_s: float) -> Performed | None:
    """What became of the call; None when memory did not suffice."""
    try:
        return await perform(binding, tasks, datetime.now(UTC) + timedelta(seconds=timeout_s))
    except MemoryError:
        return None
    except asyncio.CancelledError as error:
        return Performed.failed(tasks, StageBug(f"{binding.name} was cancelled from within: {error!r}"))


def _send_answer(line: Connection, performed: Performed) -> None:
    made = [result if isinstance(result, dict) else {} for result in performed.results]
    told = [_sendable(result) if isinstance(result, MedkgError) else result for result in performed.results]
    names = [None if result is None else result if isinstance(result, MedkgError) else list(result) for result in told]
    line.send((names, None if performed.error is None else _sendable(performed.error)))
    for bodies in made:
        for body in bodies.values():
            line.send_bytes(body)


def _sendable(error: MedkgError) -> MedkgError:
    """The error, without what it was raised from; a class that does not bear the way is the stage's bug."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception as reason:  # noqa: BLE001 - a stage's own class may raise anything
        return StageBug(f"an error that no other process can read ({reason}): [{error.code}] {error}")
    return error
