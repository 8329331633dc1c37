"""Blocks of vectors on disk, of which the operating system keeps in memory what is used and what there is room for."""

from mmap import mmap
from tempfile import TemporaryFile
from typing import Final

import numpy as np

from .cut import BLOCK
from .faiss_adapter import Matrix

#: Blocks of a file.
_SEGMENT: Final = 64


class DiskBlocks:
    """Gives out blocks in files that nobody else sees and that go with the process, below TMPDIR."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._free: list[Matrix] = []

    def take(self) -> Matrix:
        """A block of zeros.

        Raises:
            OSError: there is no room.
        """
        if not self._free:
            shape = (_SEGMENT, BLOCK, self._dimension)
            with TemporaryFile(prefix="medkg-vectors-") as file:
                file.truncate(4 * _SEGMENT * BLOCK * self._dimension)
                segment = np.frombuffer(mmap(file.fileno(), 0), np.float32).reshape(shape)
            self._free = list(segment[::-1])
        return self._free.pop()
