"""Kafka records as they are read, and where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from .cloudevents import Header
from .errors import PoisonRecord

#: The beginning of the year 9000, in milliseconds since 1970.
_LATEST: Final = 221_845_392_000_000


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """``topic/partition@offset``."""
        return f"{self.topic}/{self.partition}@{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that is written as ``topic/partition@offset``.

        Raises:
            ValueError: it is not of that form.
        """
        topic, _, rest = text.rpartition("/")
        partition, _, offset = rest.partition("@")
        if not topic or not _is_number(partition) or not _is_number(offset):
            raise ValueError(f"{text[:200]!r} is not of the form topic/partition@offset")
        return cls(topic, int(partition), int(offset))


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record as it was read.

    Attributes:
        timestamp: milliseconds since 1970-01-01 UTC.
        headers: in their order, null values included.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]

    @property
    def time(self) -> int:
        """The timestamp, for those who reckon with it: it is the producer's to choose, and Kafka takes nearly any.

        Raises:
            PoisonRecord: it is before 1970 or after the year 9000.
        """
        if not 0 <= self.timestamp <= _LATEST:
            raise PoisonRecord(f"the record's timestamp {self.timestamp} is not within the years 1970 to 9000")
        return self.timestamp

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.topic, self.partition, self.offset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
