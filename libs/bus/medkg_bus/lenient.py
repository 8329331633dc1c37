r"""Reads Kafka records whose header names are not UTF-8, on which aiokafka's reader breaks off.

aiokafka 0.14 raises from the middle of a poll then: the record is met again for ever, and what the same poll had taken
from other partitions is lost. Here such a batch is read once more, by aiokafka's own reader in Python, and the bytes
that are no text stand in the name as ``\xNN``.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


class _Text(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


class _Buffer(bytearray):
    def __getitem__(self, key: SupportsIndex | slice) -> Any:  # noqa: ANN401 - a byte, or some of them
        found = super().__getitem__(key)
        return _Text(found) if isinstance(key, slice) else found


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for others; this is its one exception
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Buffer(self._buffer)


class _Batch:
    """A batch as aiokafka reads it, and leniently from where that breaks off."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:  # noqa: ANN401 - aiokafka's, in C
        self._batch = batch
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a batch has
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                given += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(self._leniently(), given, None)

    def __next__(self) -> Any:  # noqa: ANN401 - a record; of a marker that ends a transaction there is one
        return next(self._batch)

    def _leniently(self) -> Iterator[Any]:
        batches = _MemoryRecordsPy(self._data)
        for _ in range(self._number):
            batches.next_batch()
        return iter(_LenientBatch(batches._next_slice))  # noqa: SLF001 - the bytes of the batch that comes next


class LenientRecords:
    """What a fetch has brought from a partition; in place of aiokafka's ``MemoryRecords``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._number = 0

    def size_in_bytes(self) -> int:
        """How much there is."""
        size: int = self._records.size_in_bytes()
        return size

    def has_next(self) -> bool:
        """Whether there is another batch."""
        more: bool = self._records.has_next()
        return more

    def next_batch(self) -> _Batch:
        """The next batch."""
        batch = _Batch(self._records.next_batch(), self._data, self._number)
        self._number += 1
        return batch


def install() -> None:
    """Have all consumers of this process read leniently."""
    fetcher.MemoryRecords = LenientRecords
