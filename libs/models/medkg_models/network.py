"""A network, run on this machine's processors."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import openvino
from numpy.typing import NDArray


class Network:
    """Runs inputs one beside the other, each on one processor: so none is padded, and none waits for another.

    What comes out depends on the input alone, to the last bit, on one machine (ADR 0035).

    Args:
        network: its file, or what was built here.
        precision: how it computes; processors that do not have ``bf16`` compute with 32 bits.
        threads: how many inputs at once; None is one a processor.

    Attributes:
        threads: how many threads should call `run`.
    """

    def __init__(
        self, network: Path | openvino.Model, *, precision: Literal["bf16", "f32"] = "bf16", threads: int | None = None
    ) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
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
        """The outputs, in the network's order; they are the calling thread's until it runs something else."""
        if not hasattr(self._requests, "of_thread"):
            self._requests.of_thread = self._compiled.create_infer_request()
        made = self._requests.of_thread.infer(dict(inputs), share_inputs=True, share_outputs=True)
        return list(made.values())
