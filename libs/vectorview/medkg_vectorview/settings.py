"""Settings of a search node's view of the vectors."""

from dataclasses import dataclass
from typing import Final, Literal, Self

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.settings import Settings
from pydantic import Field

#: How vectors are looked for: all of them, along a graph of neighbours, or in the nearest of many lists of codes.
Kind = Literal["flat", "hnsw", "ivfpq"]

FLAT_ROWS: Final = 50_000
HNSW_ROWS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Shard:
    """Which partitions a node holds, of every topic's: those whose number is `index` modulo `count`."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that is written ``i/n``, with i from 0 to n - 1.

        Raises:
            ConfigurationError: it is written otherwise.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isascii() and index.isdecimal() and count.isascii() and count.isdecimal()):
            raise ConfigurationError(f"MK_SEARCH_SHARD {text!r} is not of the form i/n")
        if int(index) >= int(count):
            raise ConfigurationError(f"MK_SEARCH_SHARD {text!r}: i has to be one of 0 to n - 1")
        return cls(int(index), int(count))

    def __str__(self) -> str:
        """``i/n``."""
        return f"{self.index}/{self.count}"

    def holds(self, partition: int) -> bool:
        """Whether the partition is this node's."""
        return partition % self.count == self.index


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which kind of index is used for how many rows.

    Attributes:
        flat: up to so many rows are compared one by one, which finds exactly the nearest; also those that a filter
            leaves over, and those that were written since a larger index was built.
        hnsw: up to so many have a graph of neighbours (HNSW), above that lists of codes (IVF-PQ).
    """

    flat: int = FLAT_ROWS
    hnsw: int = HNSW_ROWS

    def kind(self, rows: int) -> Kind:
        """The kind for so many rows."""
        return "flat" if rows <= self.flat else "hnsw" if rows <= self.hnsw else "ivfpq"


class ViewSettings(Settings):
    """How a search node keeps the vectors.

    Attributes:
        search_shard: ``i/n``: the node holds the partitions whose number is i modulo n.
        search_flat_rows: up to so many vectors of a tenant are searched one by one, which is exact.
        search_hnsw_rows: up to so many have a graph of neighbours (HNSW), more have IVF-PQ.
        search_snapshot_minutes: a snapshot is written so many minutes after the last one, if anything has changed.
        search_snapshot_records: or after so many records.
    """

    search_shard: str = "0/1"
    search_flat_rows: int = Field(default=FLAT_ROWS, ge=0)
    search_hnsw_rows: int = Field(default=HNSW_ROWS, ge=0)
    search_snapshot_minutes: float = Field(default=15, gt=0)
    search_snapshot_records: int = Field(default=100_000, ge=1)
