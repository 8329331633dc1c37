"""A dense model in this process, on the CPU."""

import asyncio
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from medkg_contracts.errors import ConfigurationError, InputTooLong, OutOfMemory
from numpy.typing import NDArray

from .catalogue import DenseModel
from .dense import Encoded, Matrix, all_or_error
from .fetching import fetched, sha256_of
from .identity import with_passage_instruction
from .network import Network, NetworkThreads
from .tokenizer import ModelTokenizer, damaged


class LocalEncoder:
    """Runs a model of the catalogue.

    Each processor has a text of its own: so all are busy, none computes padding, and a text's vector is the same to
    the last bit whatever it is encoded with (ADR 0035).

    Args:
        model: of the catalogue.
        passage_instruction: precedes every passage.
        query_instruction: precedes every query; None is the model's own.
        threads: how many texts at once; None is one a processor.
    """

    def __init__(
        self,
        model: DenseModel,
        *,
        passage_instruction: str = "",
        query_instruction: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._packaged = model
        self._passage_instruction = passage_instruction
        self._query_instruction = model.query_instruction if query_instruction is None else query_instruction
        self._threads = threads
        self._running: NetworkThreads[Sequence[int], NDArray[np.float32]] | None = None
        self.model = with_passage_instruction(model.embedding_model, passage_instruction)

    async def open(self) -> None:
        """Fetch the model where it is missing, and load it.

        Raises:
            ConfigurationError: it cannot be fetched here, or its files are damaged.
            ResourceUnavailable: it could not be fetched.
            OutOfMemory: it has no room.
        """
        self._tokenizer, self._network = await asyncio.to_thread(self._load)
        self._running = NetworkThreads(self._run, self._network.threads, f"{self._packaged.name}-encoder")

    async def close(self) -> None:
        """Give back the threads."""
        if self._running is not None:
            self._running.close()

    def _load(self) -> tuple[ModelTokenizer, Network]:
        return _loaded(self._packaged, fetched(self._packaged), self._threads)

    async def encode_each(self, texts: Sequence[str], *, truncate: bool = False) -> Encoded:
        """The vectors of passages; see `DenseEncoder`."""
        return await self._encode([self._passage_instruction + text for text in texts], truncate=truncate)

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """The vectors of passages, all of them; see `DenseEncoder`."""
        return all_or_error(await self.encode_each(texts))

    async def encode_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a query; see `DenseEncoder`."""
        encoded = await self._encode([self._query_instruction + text], truncate=True)
        vector: NDArray[np.float32] = all_or_error(encoded)[0]
        return vector

    async def _encode(self, texts: Sequence[str], *, truncate: bool) -> Encoded:
        encoded = Encoded(np.zeros((len(texts), self.model.dimension), np.float32))
        ids = await asyncio.to_thread(self._tokenizer.ids, texts)
        for position, each in enumerate(ids):
            if len(each) <= self._packaged.max_tokens:
                continue
            if truncate:
                encoded.truncated[position] = len(each)
                ids[position] = self._tokenizer.shortened(each)
            else:
                encoded.errors[position] = InputTooLong(
                    f"a text of {len(each)} tokens is longer than the {self._packaged.max_tokens} of {self.model.name}"
                )
        # The longest first, so that no processor is left with one at the end.
        usable = sorted(set(range(len(texts))) - set(encoded.errors), key=lambda each: -len(ids[each]))
        results = await self._opened.each([ids[each] for each in usable])
        for position, made in zip(usable, results, strict=True):
            if isinstance(made, OutOfMemory):
                encoded.errors[position] = made
            else:
                encoded.vectors[position] = made
        return encoded

    @property
    def _opened(self) -> NetworkThreads[Sequence[int], NDArray[np.float32]]:
        if self._running is None:
            raise ConfigurationError("the encoder has not been opened")
        return self._running

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        states = self._network.run(_inputs(ids))[0][0]
        pooled = states[0] if self._packaged.pooling == "cls" else states.mean(axis=0)
        vector: NDArray[np.float32] = pooled / np.linalg.norm(pooled)
        return vector


_loading = threading.Lock()


def _loaded(model: DenseModel, folder: Path, threads: int | None) -> tuple[ModelTokenizer, Network]:
    """The model, which all encoders of the process share."""
    with _loading:
        return _load(model, folder, threads)


@cache
def _load(model: DenseModel, folder: Path, threads: int | None) -> tuple[ModelTokenizer, Network]:
    for file in (model.weights, model.tokenizer):
        if sha256_of(folder / file.name) != file.sha256:
            raise damaged(folder / file.name)
    tokenizer = ModelTokenizer(folder / model.tokenizer.name, model.max_tokens)
    network = Network(folder / model.weights.name, threads=threads)
    network.warm_up(_inputs(tokenizer.ids(["ready"])[0]))
    return tokenizer, network


def _inputs(ids: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    """One text as the model is given it."""
    row = np.array([ids], np.int64)
    return {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
