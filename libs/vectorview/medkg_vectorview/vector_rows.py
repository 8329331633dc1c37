"""The vectors of one model, with what each belongs to: columns of numbers, a row for each vector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .columns import Bits, Numbers, enlarged
from .cut import BLOCK, GenerationCut
from .disk_blocks import DiskBlocks
from .faiss_adapter import Matrix
from .key_table import Keys, KeyTable
from .row_numbers import RowNumbers


class Stored(NamedTuple):
    """Where vectors were stored, and what those rows had belonged to before, as far as they had."""

    rows: Numbers
    documents: Numbers
    versions: Numbers


class VectorRows:
    """Vectors in rows. A vector is never overwritten: another one has another row, and rows are used again later.

    Attributes:
        dimension: numbers of a vector.
        table: the records' ids, which find the rows.
        documents: the number of each row's document; -1 for a row that had none yet.
        versions: the number of each row's version of the document.
        live: the rows that are in use.
        visible: those of them whose version is the one to be seen.
        blocks: the vectors, `BLOCK` rows each.
        written: the blocks that were written to since somebody emptied this set.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.table = KeyTable()
        self.documents: Numbers = np.zeros(0, np.int32)
        self.versions: Numbers = np.zeros(0, np.int32)
        self.live, self.visible = Bits(), Bits()
        self.blocks: list[Matrix] = []
        self.written: set[int] = set()
        self._numbers = RowNumbers()
        self._disk: DiskBlocks | None = None
        self._in_memory = 0

    @property
    def size(self) -> int:
        """The rows that there are, those that are free included."""
        return self._numbers.size

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self.table)

    @property
    def nbytes(self) -> int:
        """What all of this takes in memory, the vectors included unless they lie on disk."""
        columns = (self.documents, self.versions, self.live.packed, self.visible.packed)
        vectors = self._in_memory * 4 * BLOCK * self.dimension
        return vectors + self.table.nbytes + sum(column.nbytes for column in columns)

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """No row that is given back from now on has another vector meanwhile."""
        with self._numbers.pinned():
            yield

    @classmethod
    def of(cls, cut: GenerationCut) -> Self:
        """The rows as they were; the cut's arrays are theirs from now on."""
        self = cls(cut.dimension)
        self.documents, self.versions, self.blocks = cut.documents, cut.versions, list(cut.blocks)
        self.live, self.visible = Bits(cut.live), Bits(cut.visible)
        rows = self.live.rows(cut.size)
        free = np.setdiff1d(np.arange(cut.size, dtype=np.int32), rows, assume_unique=True)
        self._disk, self._in_memory = (DiskBlocks(cut.dimension), 0) if cut.on_disk else (None, len(cut.blocks))
        # Whom a free row belonged to is not known any more.
        self.documents[free] = self.versions[free] = -1
        self._numbers = RowNumbers(cut.size, free)
        self.table.keys = cut.keys
        self.table.insert(cut.keys[rows], rows)
        return self

    def are(self, rows: Numbers, documents: Numbers, versions: Numbers, vectors: Matrix) -> NDArray[np.bool_]:
        """Which of these rows, -1 for none, have just this."""
        found = rows >= 0
        there = rows[found]
        found[found] = (
            (self.documents[there] == documents[found])
            & (self.versions[there] == versions[found])
            & (gathered(self.blocks, there, self.dimension) == vectors[found]).all(axis=1)
        )
        return found

    def put(self, keys: Keys, documents: Numbers, versions: Numbers, vectors: Matrix) -> Stored:
        """Store vectors of records that are not there."""
        rows = self._numbers.take(len(keys))
        self._make_room()
        used = rows[self.documents[rows] >= 0]
        stored = Stored(rows, self.documents[used], self.versions[used])
        self.documents[rows], self.versions[rows] = documents, versions
        self.table.insert(keys, rows)
        self.live.add(rows)
        for block, chosen, within in _by_block(rows):
            self.blocks[block][within] = vectors[chosen]
            self.written.add(block)
        return stored

    def delete(self, rows: Numbers) -> None:
        """These vectors are there no more; what they belonged to stays until the rows are used again."""
        self.table.remove(rows)
        self.live.remove(rows)
        self.visible.remove(rows)
        self._numbers.give_back(rows)

    def show(self, documents: NDArray[np.bool_], visible: Numbers) -> None:
        """Let of these documents, marked by number, those rows be seen whose version is the visible one."""
        rows = np.flatnonzero(documents[self.documents[: self.size]]).astype(np.int32)
        rows = rows[self.live.has(rows)]
        seen = visible[self.documents[rows]] == self.versions[rows]
        self.visible.add(rows[seen])
        self.visible.remove(rows[~seen])

    @property
    def on_disk(self) -> bool:
        """Whether vectors lie on disk, or are on their way."""
        return self._disk is not None

    def move_to_disk(self) -> bool:
        """Move one block to disk, and let new ones be made there; False when all are there."""
        self._disk = self._disk or DiskBlocks(self.dimension)
        if not self._in_memory:
            return False
        # Those in memory come first: none is made there any more.
        self._in_memory -= 1
        block = self._disk.take()
        block[:] = self.blocks[self._in_memory]
        self.blocks[self._in_memory] = block
        return True

    def _make_room(self) -> None:
        size = self.size
        self.documents = enlarged(self.documents, size, -1)
        self.versions = enlarged(self.versions, size, -1)
        self.live.room(size)
        self.visible.room(size)
        while len(self.blocks) * BLOCK < size:
            if self._disk is None:
                self._in_memory += 1
                self.blocks.append(np.zeros((BLOCK, self.dimension), np.float32))
            else:
                self.blocks.append(self._disk.take())


def gathered(blocks: Sequence[Matrix], rows: Numbers, dimension: int) -> Matrix:
    """The vectors of these rows, a copy."""
    vectors = np.empty((len(rows), dimension), np.float32)
    for block, chosen, within in _by_block(rows):
        vectors[chosen] = blocks[block][within]
    return vectors


def _by_block(rows: Numbers) -> Iterator[tuple[int, NDArray[np.bool_], Numbers]]:
    blocks, within = np.divmod(rows, BLOCK)
    for block in np.unique(blocks).tolist():
        chosen = blocks == block
        yield block, chosen, within[chosen]
