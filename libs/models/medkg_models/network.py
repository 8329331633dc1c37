"""A network, run on this machine's processors."""

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

import openvino
from medkg_contracts.errors import OutOfMemory
from numpy.typing import NDArray

GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")

#: What OpenVINO and oneDNN say when they cannot allocate; the class of the error does not tell.
_NO_MEMORY: Final = re.compile(r"bad_alloc|bad allocation|out of memory|can ?not allocate|out_of_memory", re.IGNORECASE)


class Network:
    """Runs inputs one beside the other, each on one processor: so none is padded, and none waits for another.

    What comes out depends on the input alone, to the last bit, on one machine (ADR 0035).

    Args:
        network: its file, or what was built here.
        precision: how it computes; processors that do not have ``bf16`` compute with 32 bits.
        threads: how many inputs at once; None is one a processor.

    Attributes:
        threads: how many threads should call `run`.

    Raises:
        OutOfMemory: there is not enough memory for it.
    """

    def __init__(
        self, network: Path | openvino.Model, *, precision: Literal["bf16", "f32"] = "bf16", threads: int | None = None
    ) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        with _want_of_memory_told():
            self._compiled = openvino.Core().compile_model(
                str(network) if isinstance(network, Path) else network,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": precision,
                    "NUM_STREAMS": self.threads,
                    "INFERENCE_NUM_THREADS": self.threads,
                    # Several processes would all take the same processors.
                    "ENABLE_CPU_PINNING": False,
                },
            )
        self._requests = threading.local()

    def warm_up(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Run once, alone: OpenVINO's binding deadlocks where two threads are the first ones at the same time."""
        self.run(inputs)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs, in the network's order; they are the calling thread's until it runs something else.

        Raises:
            OutOfMemory: there is not enough memory for this input.
        """
        with _want_of_memory_told():
            if not hasattr(self._requests, "of_thread"):
                self._requests.of_thread = self._compiled.create_infer_request()
            made = self._requests.of_thread.infer(dict(inputs), share_inputs=True, share_outputs=True)
        return list(made.values())


class NetworkThreads(Generic[GivenT, MadeT]):
    """The threads that run a network, one a processor.

    Args:
        run: computes one input; it is called by several threads at once.
        threads: how many.
        name: of the threads.
    """

    def __init__(self, run: Callable[[GivenT], MadeT], threads: int, name: str) -> None:
        self._run = run
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def each(self, inputs: Sequence[GivenT]) -> list[MadeT | OutOfMemory]:
        """What comes of each input.

        That for which the memory does not suffice beside the others is run again, one after the other; what then has
        no room either has an error.
        """
        made = list(await asyncio.gather(*map(self._attempt, inputs)))
        for position, result in enumerate(made):
            if isinstance(result, OutOfMemory):
                made[position] = await self._attempt(inputs[position])
        return made

    def close(self) -> None:
        """Gives the threads back; what has not begun is not done."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _attempt(self, given: GivenT) -> "asyncio.Future[MadeT | OutOfMemory]":
        return asyncio.get_running_loop().run_in_executor(self._pool, self._result, given)

    def _result(self, given: GivenT) -> MadeT | OutOfMemory:
        try:
            return self._run(given)
        except OutOfMemory as error:
            return error


@contextmanager
def _want_of_memory_told() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise OutOfMemory(f"the memory does not suffice to run the model: {error or 'MemoryError'}") from error
        raise
