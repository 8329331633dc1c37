"""A SPLADE model in this process, on the CPU."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from medkg_contracts.errors import OutOfMemory

from .network import Network, NetworkThreads
from .sparse import Row, row_of
from .sparse_graph import IDS, BertConfig, read_checkpoint, splade_graph
from .sparse_text import Window


class LocalSplade:
    """Runs a checkpoint: each processor has a window of its own, as dense models do (ADR 0035).

    Args:
        config: the checkpoint's ``config.json``.
        weights: its tensors, in the format of safetensors.
    """

    def __init__(self, config: Path, weights: Path) -> None:
        graph = splade_graph(read_checkpoint(weights), BertConfig.model_validate_json(config.read_bytes()))
        # With 16 bits it is 1.3 times as fast, and weights of 2.0 are wrong by 0.03.
        self._network = Network(graph, precision="f32")
        self._network.warm_up({IDS: np.zeros((1, 2), np.int64)})
        self._running = NetworkThreads(self._run, self._network.threads, "splade")

    async def weights(self, windows: Sequence[Window]) -> list[Row]:
        """A row for each window; see `SparseForward`.

        Raises:
            OutOfMemory: there is not enough memory for a window alone.
        """
        rows: list[Row] = []
        for made in await self._running.each(windows):
            if isinstance(made, OutOfMemory):
                raise made
            rows.append(made)
        return rows

    async def close(self) -> None:
        """Gives back the threads."""
        self._running.close()

    def _run(self, window: Window) -> Row:
        return row_of(self._network.run({IDS: np.array([window.ids], np.int64)})[0][0])
