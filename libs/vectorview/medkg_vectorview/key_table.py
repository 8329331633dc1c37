"""From keys of 16 bytes to numbers: a hash table with open addressing, worked on in batches."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .columns import Numbers, enlarged

#: Keys as two 64-bit numbers each, which sort as their bytes do.
Keys = NDArray[np.uint64]

_EMPTY: Final = -1
#: A slot from which a key was removed: searches go on behind it.
_GONE: Final = -2
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_FULL: Final = 0.7
_SMALLEST: Final = 1024


def keys_of(digests: bytes) -> Keys:
    """Digests of 16 bytes, one behind the other, as keys."""
    return np.frombuffer(digests, ">u8").astype(np.uint64).reshape(-1, 2)


def digest_of(key: Keys) -> bytes:
    """The 16 bytes of a key."""
    return key.astype(">u8").tobytes()


class KeyTable:
    """The numbers of keys; a number's key stays known after the key was removed, until the number has another.

    Attributes:
        keys: each number's key.
    """

    def __init__(self) -> None:
        self.keys: Keys = np.zeros((0, 2), np.uint64)
        self._slots: Numbers = np.full(_SMALLEST, _EMPTY, np.int32)
        self._used = 0
        self._size = 0

    def __len__(self) -> int:
        """How many keys there are."""
        return self._size

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.keys.nbytes + self._slots.nbytes

    def find(self, keys: Keys) -> Numbers:
        """Their numbers; -1 for one that is not there."""
        found = np.full(len(keys), -1, np.int32)
        open_, place = np.arange(len(keys)), self._places(keys)
        while len(open_):
            entry = self._slots[place]
            hit = entry >= 0
            hit[hit] = (self.keys[entry[hit]] == keys[open_[hit]]).all(axis=1)
            found[open_[hit]] = entry[hit]
            further = ~hit & (entry != _EMPTY)
            open_, place = open_[further], self._next(place[further])
        return found

    def insert(self, keys: Keys, numbers: Numbers) -> None:
        """Give keys that are not there, each once, these numbers."""
        if not len(keys):
            return
        self.keys = enlarged(self.keys, int(numbers.max()) + 1)
        self.keys[numbers] = keys
        if self._used + len(keys) > _FULL * len(self._slots):
            self._make_room(self._size + len(keys))
        self._place(keys, numbers)
        self._size += len(keys)

    def remove(self, numbers: Numbers) -> None:
        """Take out the keys that have these numbers; all are there."""
        open_, place = numbers, self._places(self.keys[numbers])
        while len(open_):
            hit = self._slots[place] == open_
            self._slots[place[hit]] = _GONE
            open_, place = open_[~hit], self._next(place[~hit])
        self._size -= len(numbers)

    def _place(self, keys: Keys, numbers: Numbers) -> None:
        open_, place = numbers, self._places(keys)
        while len(open_):
            free = np.flatnonzero(self._slots[place] < 0)
            # Of those that come upon the same free slot one has it.
            won = free[np.unique(place[free], return_index=True)[1]]
            self._used += int((self._slots[place[won]] == _EMPTY).sum())
            self._slots[place[won]] = open_[won]
            lost = np.ones(len(open_), np.bool_)
            lost[won] = False
            open_, place = open_[lost], self._next(place[lost])

    def _make_room(self, size: int) -> None:
        numbers = self._slots[self._slots >= 0]
        slots = _SMALLEST
        while size > _FULL / 2 * slots:
            slots *= 2
        self._slots, self._used = np.full(slots, _EMPTY, np.int32), 0
        self._place(self.keys[numbers], numbers)

    def _places(self, keys: Keys) -> NDArray[np.int64]:
        mixed = (keys[:, 0] ^ (keys[:, 1] * _MULTIPLIER)) * _MULTIPLIER
        return (mixed >> np.uint64(65 - len(self._slots).bit_length())).astype(np.int64)

    def _next(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        return (place + 1) & (len(self._slots) - 1)
