"""Names as numbers: of documents and of versions, without a Python object for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .columns import Numbers, enlarged
from .key_table import KeyTable, keys_of

#: Below so many bytes of names that nobody uses any more, their place is not cleared up.
_SMALLEST_GARBAGE: Final = 65_536


@dataclass(frozen=True, slots=True)
class NameList:
    """All names at one moment, by number.

    Attributes:
        texts: the names' UTF-8.
        starts: where in it each name begins.
        lengths: of each name, in bytes; 0 for a number that none has.
    """

    texts: bytes
    starts: NDArray[np.int64]
    lengths: Numbers


class Names:
    """Numbers for names, counted by who holds them: a name that is held no more gives its number back."""

    def __init__(self) -> None:
        self._table = KeyTable()
        self._texts = bytearray()
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._lengths: Numbers = np.zeros(0, np.int32)
        self._holders: Numbers = np.zeros(0, np.int32)
        self._free: list[int] = []
        self._garbage = 0
        self.size = 0

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._table)

    @property
    def nbytes(self) -> int:
        """What they take in memory."""
        columns = (self._starts, self._lengths, self._holders)
        return len(self._texts) + self._table.nbytes + sum(column.nbytes for column in columns)

    def find(self, texts: Sequence[str]) -> Numbers:
        """The names' numbers; -1 for one that has none."""
        return self._table.find(_keys([text.encode() for text in texts]))

    def number(self, texts: Sequence[str]) -> Numbers:
        """The names' numbers, new ones for new names; who keeps one holds it."""
        distinct = list(dict.fromkeys(texts))
        encoded = [text.encode() for text in distinct]
        keys = _keys(encoded)
        numbers = self._table.find(keys)
        new = np.flatnonzero(numbers < 0)
        if len(new):
            numbers[new] = self._stored([encoded[each] for each in new])
            self._table.insert(keys[new], numbers[new])
        by_text = dict(zip(distinct, numbers.tolist(), strict=True))
        return np.fromiter((by_text[text] for text in texts), np.int32, len(texts))

    def text(self, number: int) -> str:
        """The name that has this number."""
        start = int(self._starts[number])
        return self._texts[start : start + int(self._lengths[number])].decode()

    def hold(self, numbers: Numbers) -> None:
        """Keep these, once for each time that they are named."""
        np.add.at(self._holders, numbers, 1)

    def release(self, numbers: Numbers) -> None:
        """Keep these no more, once for each time that they are named."""
        np.subtract.at(self._holders, numbers, 1)
        distinct = np.unique(numbers)
        self._forget(distinct[self._holders[distinct] == 0])

    def listed(self) -> NameList:
        """All names as they are now."""
        return NameList(bytes(self._texts), self._starts[: self.size].copy(), self._lengths[: self.size].copy())

    @classmethod
    def of(cls, names: NameList) -> "Names":
        """The names as they were; held by nobody, which `held` mends."""
        self = cls()
        self.size = len(names.lengths)
        self._texts, self._starts, self._lengths = bytearray(names.texts), names.starts, names.lengths
        self._holders = np.zeros(self.size, np.int32)
        used = np.flatnonzero(self._lengths).astype(np.int32)
        self._table.insert(_keys(self._encoded(used)), used)
        self._free = np.flatnonzero(self._lengths == 0).tolist()
        self._garbage = len(self._texts) - int(self._lengths.sum(dtype=np.int64))
        return self

    def held(self, numbers: Numbers) -> None:
        """Those that are read again are held so; what nobody holds is forgotten."""
        self.hold(numbers)
        self._forget(np.flatnonzero((self._holders[: self.size] == 0) & (self._lengths[: self.size] > 0)))

    def _stored(self, texts: list[bytes]) -> Numbers:
        reused = [self._free.pop() for _ in range(min(len(self._free), len(texts)))]
        fresh = range(self.size, self.size + len(texts) - len(reused))
        numbers = np.array([*reused, *fresh], np.int32)
        self.size = fresh.stop
        self._starts = enlarged(self._starts, self.size)
        self._lengths = enlarged(self._lengths, self.size)
        self._holders = enlarged(self._holders, self.size)
        lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
        self._starts[numbers] = len(self._texts) + np.cumsum(lengths) - lengths
        self._lengths[numbers] = lengths
        self._texts += b"".join(texts)
        return numbers

    def _forget(self, numbers: NDArray[np.integer]) -> None:
        if not len(numbers):
            return
        self._table.remove(numbers.astype(np.int32))
        self._garbage += int(self._lengths[numbers].sum())
        self._lengths[numbers] = 0
        self._free.extend(numbers.tolist())
        if self._garbage > max(_SMALLEST_GARBAGE, len(self._texts) // 2):
            self._clear_up()

    def _clear_up(self) -> None:
        """Set the names in the order of their numbers, and nothing between them."""
        self._texts = bytearray().join(self._encoded(np.arange(self.size, dtype=np.int32)))
        lengths = self._lengths[: self.size].astype(np.int64)
        self._starts[: self.size] = np.cumsum(lengths) - lengths
        self._garbage = 0

    def _encoded(self, numbers: Numbers) -> list[bytes]:
        starts, lengths = self._starts[numbers].tolist(), self._lengths[numbers].tolist()
        return [bytes(self._texts[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def _keys(texts: Sequence[bytes]) -> NDArray[np.uint64]:
    return keys_of(b"".join(blake2b(text, digest_size=16).digest() for text in texts))
