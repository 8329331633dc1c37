"""The nearest vectors to a query among those that count: from an index or by comparing all, ranked exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .columns import Numbers, Packed, counted
from .cut import BLOCK
from .faiss_adapter import Approximate, Matrix, nearest, threads
from .key_table import Keys
from .vector_rows import gathered

#: So many rows more than are wanted are looked at: sums of 32-bit floats are not exact, and equals may stand there.
_MORE: Final = 16
#: Two inner products of unit vectors that differ by less may be equal.
_TOLERANCE: Final = 1e-5
#: Among more rows that are as near as the last one wanted, any may be taken.
_MOST: Final = 10_000
#: An index that is not exact is asked for so many times the rows that are wanted, and for so many at least.
_OVERSAMPLED: Final = 10
_OVERSAMPLED_LEAST: Final = 100

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search looks at: the rows as they were at one moment.

    Attributes:
        blocks: the vectors.
        keys: each row's record id.
        size: rows.
        among: those that count, as bits.
        approximate: the index, if there is one.
        covered: the rows that are in the index as they are, as bits.
        flat: up to so many rows are compared one by one.
    """

    blocks: Sequence[Matrix]
    keys: Keys
    size: int
    among: Packed
    approximate: Approximate | None
    covered: Packed
    flat: int

    def search(self, queries: Matrix, count: int) -> list[tuple[Numbers, Matrix]]:
        """For each query the nearest rows, and their inner products with it.

        Among equals the lower record id comes first. What is found does not depend on where the rows stand.
        """
        total = counted(self.among)
        if not total or count < 1:
            return [(np.zeros(0, np.int32), np.zeros(0, np.float32)) for _ in queries]
        with threads(len(queries)):
            candidates = (
                self._compared(queries, count, self.among)
                if self.approximate is None or total <= self.flat
                else self._indexed(self.approximate, queries, count)
            )
        return [self._ranked(query, rows, count) for query, rows in zip(queries, candidates, strict=True)]

    def _indexed(self, index: Approximate, queries: Matrix, count: int) -> Rows:
        """Those that the index finds, and those nearest that it does not know."""
        indexed, further = self.among & self.covered, self.among & ~self.covered
        found = index.search(queries, max(_OVERSAMPLED * count, _OVERSAMPLED_LEAST), indexed)
        return np.hstack([found, self._compared(queries, count, further)])

    def _compared(self, queries: Matrix, count: int, among: Packed) -> Rows:
        """The nearest rows, and all that may be as near as the last of them."""
        total = counted(among)
        fetched = min(total, count + _MORE)
        while True:
            scores, rows = self._first(queries, fetched, among)
            if fetched in (0, total) or fetched >= _MOST:
                return rows
            if (scores[:, -1] < scores[:, min(count, fetched) - 1] - _TOLERANCE).all():
                return rows
            fetched = min(total, 4 * fetched)

    def _first(self, queries: Matrix, count: int, among: Packed) -> tuple[Matrix, Rows]:
        parts: list[tuple[Matrix, Rows]] = [
            (np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64))
        ]
        for number, block in enumerate(self.blocks):
            begin = number * BLOCK
            bits = among[begin // 8 : (begin + BLOCK) // 8]
            if bits.any():
                vectors = block[: self.size - begin]
                scores, rows = nearest(queries, vectors, min(count, counted(bits)), bits)
                parts.append((scores, rows + begin))
        scores, rows = (np.hstack(columns) for columns in zip(*parts, strict=True))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)

    def _ranked(self, query: Matrix, candidates: Rows, count: int) -> tuple[Numbers, Matrix]:
        rows = candidates[candidates >= 0].astype(np.int32)
        # In 64 bits and one row at a time, so that the same vectors have the same score wherever they stand.
        products = gathered(self.blocks, rows, len(query)).astype(np.float64) * query.astype(np.float64)
        scores = products.sum(axis=1).astype(np.float32)
        order = np.lexsort((self.keys[rows, 1], self.keys[rows, 0], -scores))[:count]
        return rows[order], scores[order]
