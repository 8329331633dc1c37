"""Columns of a table that grows: numpy arrays with room at the end, and sets of rows as bits."""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

#: Rows, or numbers of names.
Numbers = NDArray[np.int32]
#: Packed bits, the lowest first, as FAISS reads them.
Packed = NDArray[np.uint8]

#: A column that is full grows by a quarter: what is copied stays in proportion, and little is held in vain.
_GROWTH: Final = 1.25
_SMALLEST: Final = 1024


def enlarged(column: NDArray[Any], size: int, fill: int = 0) -> NDArray[Any]:
    """The column, or a larger copy of it where it has fewer than `size` rows; new rows have the value `fill`."""
    if len(column) >= size:
        return column
    larger = np.full((max(size, int(len(column) * _GROWTH), _SMALLEST), *column.shape[1:]), fill, column.dtype)
    larger[: len(column)] = column
    return larger


class Bits:
    """A set of rows.

    Attributes:
        packed: a bit for each row.
    """

    def __init__(self, packed: Packed | None = None) -> None:
        self.packed: Packed = np.zeros(0, np.uint8) if packed is None else packed

    @classmethod
    def of(cls, rows: Numbers, size: int) -> Self:
        """The set of these rows, with room for `size`."""
        bits = cls(np.zeros((size + 7) // 8, np.uint8))
        bits.add(rows)
        return bits

    def room(self, size: int) -> None:
        """Have room for so many rows."""
        self.packed = enlarged(self.packed, (size + 7) // 8)

    def add(self, rows: Numbers) -> None:
        """Take these rows in."""
        np.bitwise_or.at(self.packed, rows >> 3, _bit(rows))

    def remove(self, rows: Numbers) -> None:
        """Leave these rows out."""
        np.bitwise_and.at(self.packed, rows >> 3, ~_bit(rows))

    def has(self, rows: Numbers) -> NDArray[np.bool_]:
        """Which of these rows are in the set."""
        found: NDArray[np.bool_] = (self.packed[rows >> 3] & _bit(rows)) != 0
        return found

    def rows(self, size: int) -> Numbers:
        """The rows of the set below `size`, in their order."""
        return np.flatnonzero(np.unpackbits(self.packed, count=size, bitorder="little")).astype(np.int32)

    def count(self) -> int:
        """How many rows there are in the set."""
        return counted(self.packed)

    def copy(self, size: int) -> Packed:
        """The bits of the rows below `size`."""
        return self.packed[: (size + 7) // 8].copy()


def _bit(rows: Numbers) -> Packed:
    bits: Packed = np.left_shift(1, rows & 7).astype(np.uint8)
    return bits


def counted(packed: Packed) -> int:
    """How many bits are set."""
    return int(np.bitwise_count(packed).sum(dtype=np.int64))
