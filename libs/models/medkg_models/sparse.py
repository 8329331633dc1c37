"""Sparse encoders: a text as weights of the vocabulary's terms (SPLADE), whatever computes them."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from medkg_contracts.vectors import SparseModel
from numpy.typing import NDArray

from .batching import token_batches
from .sparse_text import SparseVocabulary, Window

#: Weights have so many decimals. OpenSearch keeps 9 bits of each.
DECIMALS: Final = 4

#: Token numbers, ascending, and their weights.
_Row = tuple[NDArray[np.intp], NDArray[np.float32]]


class SparseForward(Protocol):
    """What runs the model."""

    async def weights(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """A row for each window: ``log(1 + relu(logits))`` of every term, the maximum over the window's tokens."""
        ...

    async def close(self) -> None:
        """Gives back what it holds."""
        ...


class SparseEncoder:
    """Turns texts into weights of terms.

    A text that is longer than the model takes is computed in windows, and a term weighs as much as in the window where
    it weighs most, just as over the tokens of one window: nothing of the text is lost.

    Args:
        model: whose weights they are.
        vocabulary: its tokenizer.
        forward: runs it.
        top_k: a text keeps at most so many terms, the heaviest.
        batch_tokens: a batch has at most so many tokens, padding included.
    """

    def __init__(
        self, model: SparseModel, vocabulary: SparseVocabulary, forward: SparseForward, *, top_k: int, batch_tokens: int
    ) -> None:
        self.model = model
        self.vocabulary = vocabulary
        self._forward = forward
        self._top_k = top_k
        self._batch_tokens = batch_tokens

    async def encode(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Each text's terms with their weights, the heaviest first.

        Raises:
            MedkgError: the model could not be run.
        """
        windows = await asyncio.to_thread(self.vocabulary.windows, texts)
        together = token_batches([len(window.ids) for window in windows], self._batch_tokens)
        batches = [[windows[each] for each in batch] for batch in together]
        tasks = [asyncio.ensure_future(self._rows(batch)) for batch in batches]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        rows: list[list[_Row]] = [[] for _ in texts]
        for batch, its_rows in zip(batches, found, strict=True):
            for window, row in zip(batch, its_rows, strict=True):
                rows[window.text].append(row)
        return [self._terms(each) for each in rows]

    async def encode_query(self, text: str) -> dict[str, float]:
        """A query's terms with their weights, the heaviest first; SPLADE treats queries as it does passages.

        Raises:
            MedkgError: the model could not be run.
        """
        (weights,) = await self.encode([text])
        return weights

    async def close(self) -> None:
        """Gives back what the model holds."""
        await self._forward.close()

    async def _rows(self, batch: Sequence[Window]) -> list[_Row]:
        # What a window weighs nothing in is forgotten at once: a row of the whole vocabulary has 120 kB.
        dense = await self._forward.weights(batch)
        dense[:, self.vocabulary.special] = 0
        return [(found := np.flatnonzero(row > 0), row[found]) for row in dense]

    def _terms(self, rows: Sequence[_Row]) -> dict[str, float]:
        together = np.zeros(len(self.vocabulary.terms), np.float32)
        for found, weights in rows:
            together[found] = np.maximum(together[found], weights)
        return {self.vocabulary.terms[number]: weight for number, weight in heaviest(together, self._top_k)}


def heaviest(weights: NDArray[np.float32], top_k: int) -> list[tuple[int, float]]:
    """The numbers of the terms that weigh most, with their weights: the heaviest first, equal ones by their number."""
    rounded = np.round(weights.astype(np.float64), DECIMALS)
    found = np.flatnonzero(rounded > 0)
    order = found[np.argsort(-rounded[found], kind="stable")][:top_k]
    return [(int(number), float(rounded[number])) for number in order]
