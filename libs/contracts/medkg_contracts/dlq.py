"""What a dead-letter queue says: which letters it has, and what became of each."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .cloudevents import from_record
from .data import LetterClosed
from .deadletter import Letter, read_letter
from .errors import PoisonRecord
from .events import read_data
from .kinds import Kind, kind_of
from .records import Place, Record


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """A letter and what became of it.

    Attributes:
        closed: who closed it and why; None while it is open.
        state: ``open``, ``redriven`` or ``discarded``.
    """

    letter: Letter
    state: str = "open"
    closed: LetterClosed | None = None


@dataclass(slots=True)
class DeadLetterEntries:
    """What the records of DLQs say, in the order of each partition.

    Attributes:
        wanted: which letters are kept.
        values: of which of them the records' values are kept as well, which takes memory.
        records: how many have been read.
        unreadable: how many of them are neither letters nor say what became of one.
    """

    wanted: Callable[[Letter], bool] = lambda _: True
    values: Callable[[Letter], bool] = lambda _: True
    records: int = 0
    unreadable: int = 0
    _entries: dict[Place, DeadLetterEntry] = field(default_factory=dict)

    def read(self, record: Record) -> None:
        """Take note of a record of a DLQ."""
        self.records += 1
        try:
            letter = read_letter(record)
        except PoisonRecord:
            self._close(record)
            return
        if self.wanted(letter):
            kept = letter if self.values(letter) else replace(letter, original=replace(letter.original, value=None))
            self._entries[letter.place] = DeadLetterEntry(kept)

    def all(self) -> list[DeadLetterEntry]:
        """All that were read, oldest first."""
        return sorted(self._entries.values(), key=lambda entry: (entry.letter.timestamp, entry.letter.place))

    def open(self) -> list[DeadLetterEntry]:
        """Those that nobody has redriven or discarded, oldest first."""
        return [entry for entry in self.all() if entry.closed is None]

    def _close(self, record: Record) -> None:
        try:
            event = from_record(record.headers, record.value)
            kind = kind_of(event)
            if kind not in (Kind.RECORD_REDRIVEN, Kind.RECORD_DISCARDED):
                raise PoisonRecord("neither a letter nor what became of one")
            closed = read_data(event, LetterClosed)
        except PoisonRecord:
            self.unreadable += 1
            return
        place = Place(closed.dlq, closed.partition, closed.offset)
        if place in self._entries:
            self._entries[place] = DeadLetterEntry(self._entries[place].letter, kind.value.rpartition(".")[2], closed)
