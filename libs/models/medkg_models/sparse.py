"""Sparse encoders: a text as weights of the vocabulary's terms (SPLADE), whatever computes them."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
from medkg_contracts.vectors import SparseModel
from numpy.typing import NDArray

from .batching import token_batches
from .sparse_text import SparseVocabulary, Window

#: Weights have so many decimals. OpenSearch keeps 9 bits of each.
DECIMALS: Final = 4

#: What a window weighs: the numbers of the terms that weigh anything, ascending, and their weights.
Row: TypeAlias = tuple[NDArray[np.intp], NDArray[np.float32]]


class SparseForward(Protocol):
    """What runs the model."""

    async def weights(self, windows: Sequence[Window]) -> list[Row]:
        """A row for each window: ``log(1 + relu(logits))`` of each term, the maximum over the window's tokens."""
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
        self._is_special = np.isin(np.arange(len(vocabulary.terms)), vocabulary.special)

    async def encode(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Each text's terms with their weights, the heaviest first.

        Raises:
            MedkgError: the model could not be run.
        """
        windows = await asyncio.to_thread(self.vocabulary.windows, texts)
        together = token_batches([len(window.ids) for window in windows], self._batch_tokens)
        batches = [[windows[each] for each in batch] for batch in together]
        tasks = [asyncio.ensure_future(self._forward.weights(batch)) for batch in batches]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        rows: list[list[Row]] = [[] for _ in texts]
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

    def _terms(self, rows: Sequence[Row]) -> dict[str, float]:
        numbers, weights = merged(rows)
        is_text = ~self._is_special[numbers]
        terms = self.vocabulary.terms
        return {terms[number]: weight for number, weight in heaviest((numbers[is_text], weights[is_text]), self._top_k)}


def row_of(dense: NDArray[np.float32]) -> Row:
    """The row of a window that has a number for each term: only some hundred of 30,000 weigh anything."""
    found = np.flatnonzero(dense > 0)
    return found, dense[found]


def merged(rows: Sequence[Row]) -> Row:
    """Each term with its greatest weight among the rows."""
    if len(rows) == 1:
        return rows[0]
    numbers = np.concatenate([np.empty(0, np.intp), *(numbers for numbers, _ in rows)])
    weights = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in rows)])
    found, place = np.unique(numbers, return_inverse=True)
    most = np.zeros(len(found), np.float32)
    np.maximum.at(most, place, weights)
    return found, most


def heaviest(row: Row, top_k: int) -> list[tuple[int, float]]:
    """The numbers of the terms that weigh most, with their weights: the heaviest first, equal ones by their number."""
    numbers, weights = row
    rounded = np.round(weights.astype(np.float64), DECIMALS)
    order = np.argsort(-rounded, kind="stable")[:top_k]
    return [
        (number, weight)
        for number, weight in zip(numbers[order].tolist(), rounded[order].tolist(), strict=True)
        if weight > 0
    ]
