"""The vectors of one model of a tenant, and the index that is built of them."""

from collections.abc import Callable, Iterator
from typing import Final, Literal, Self

import numpy as np

from .columns import Bits, Numbers, counted
from .cut import BLOCK, GenerationCut
from .faiss_adapter import TRAINED_BY, Approximate, Matrix, list_count
from .nearest import Scope
from .settings import Kind, Sizes
from .vector_rows import VectorRows, gathered

#: The share of an index's rows that may be new or gone before it is built anew, where `Sizes.flat` is not more.
_CHANGED: Final = 0.25
#: Vectors that the 8-bit quantiser of a graph is trained with.
_QUANTISED_BY: Final = 20_000


class Generation:
    """The vectors of one model.

    Attributes:
        rows: they themselves.
        approximate: the index of those that are in `covered`; None where all are compared.
        covered: the rows whose vectors the index has; those that are free meanwhile included.
    """

    def __init__(self, dimension: int) -> None:
        self.rows = VectorRows(dimension)
        self.approximate: Approximate | None = None
        self.covered = Bits()

    @classmethod
    def of(cls, cut: GenerationCut) -> Self:
        """The vectors as they were."""
        self = cls(cut.dimension)
        self.rows = VectorRows.of(cut)
        self.approximate, self.covered = cut.approximate, Bits(cut.covered)
        return self

    def cut(self, model: str) -> GenerationCut:
        """The vectors as they are; the rows are to be pinned for as long as it is looked at."""
        rows, size = self.rows, self.rows.size
        written, rows.written = frozenset(rows.written), set()
        self.covered.room(size)
        return GenerationCut(
            model, rows.dimension, size, rows.table.keys, rows.documents, rows.versions, rows.live.copy(size),
            rows.visible.copy(size), tuple(rows.blocks), rows.on_disk, written, self.approximate,
            self.covered.copy(size),
        )  # fmt: skip

    @property
    def kind(self) -> Kind:
        """How it is searched now."""
        return "flat" if self.approximate is None else self.approximate.kind

    @property
    def nbytes(self) -> int:
        """What it takes in memory, the index included."""
        return self.rows.nbytes + self.covered.packed.nbytes + (self.approximate.nbytes if self.approximate else 0)

    def scope(self, sizes: Sizes, allowed: Numbers | None = None) -> Scope:
        """What a search looks at: rows that are visible now, and, if so wanted, among those allowed."""
        size = self.rows.size
        among = self.rows.visible.copy(size)
        if allowed is not None:
            among &= Bits.of(allowed, size).packed
        self.covered.room(size)
        return Scope(
            tuple(self.rows.blocks), self.rows.table.keys, size, among, self.approximate, self.covered.copy(size),
            sizes.flat,
        )  # fmt: skip

    def wanted(self, sizes: Sizes) -> Literal["hnsw", "ivfpq"] | None:
        """The kind of index that has to be built; None when there is nothing to do."""
        kind = sizes.kind(len(self.rows))
        if kind == "flat":
            self.approximate = None
            return None
        if self.approximate is None or self.approximate.kind != kind:
            return kind
        size = self.rows.size
        self.covered.room(size)
        known = counted(self.covered.copy(size) & self.rows.live.copy(size))
        changed = len(self.rows) - known + self.approximate.size - known
        return kind if changed > max(sizes.flat, _CHANGED * self.approximate.size) else None


class Build:
    """An index in the making, of the rows that were there when it began; nobody has to wait for it.

    The rows are to be pinned until it is done.
    """

    def __init__(self, generation: Generation, kind: Literal["hnsw", "ivfpq"]) -> None:
        self._kind = kind
        self._dimension = generation.rows.dimension
        self._blocks = tuple(generation.rows.blocks)
        self._rows = generation.rows.live.rows(generation.rows.size)

    def run(self, stopping: Callable[[], bool]) -> Approximate | None:
        """Build it; None when it was to stop before."""
        lists = list_count(len(self._rows))
        trained_by = _QUANTISED_BY if self._kind == "hnsw" else TRAINED_BY * lists
        # Evenly over all rows, the same at each time.
        chosen = np.linspace(0, len(self._rows) - 1, min(trained_by, len(self._rows))).astype(np.int64)
        sample = gathered(self._blocks, self._rows[chosen], self._dimension)
        return Approximate.build(self._kind, sample, self._batches(), lists, stopping)

    def finish(self, generation: Generation, built: Approximate) -> None:
        """From now on the index is used."""
        generation.approximate = built
        generation.covered = Bits.of(self._rows, generation.rows.size)

    def _batches(self) -> Iterator[tuple[Numbers, Matrix]]:
        for begin in range(0, len(self._rows), BLOCK // 8):
            rows = self._rows[begin : begin + BLOCK // 8]
            yield rows, gathered(self._blocks, rows, self._dimension)
