"""Which part of the topic there is, and what of it a view has read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: A view that was not up to date for longer than this share of the time for which Kafka keeps tombstones is read anew:
#: what it has missed could be gone.
TRUSTED_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Extent:
    """What the topic has.

    Attributes:
        begins: the offset of the oldest record of each of the node's partitions, by number.
        ends: the offset of the next record of each.
        kept_s: for so many seconds Kafka keeps a tombstone after it has compacted what the tombstone deletes.
    """

    begins: Mapping[int, int]
    ends: Mapping[int, int]
    kept_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a view has come.

    Attributes:
        positions: the offset of the next record of each partition, by number.
        complete: everything that was written before this time has been read, in seconds since 1970-01-01 UTC.
    """

    positions: Mapping[int, int]
    complete: float

    def misfit(self, extent: Extent, now: float) -> str | None:
        """Why the topic as it is cannot be read on from here; None when it can."""
        if self.positions.keys() != extent.begins.keys():
            return f"it is of the partitions {sorted(self.positions)}, not {sorted(extent.begins)}"
        for partition, position in self.positions.items():
            if position > extent.ends[partition]:
                return (
                    f"partition {partition} ends at {extent.ends[partition]}, not {position}: the topic was made anew"
                )
            if position < extent.begins[partition]:
                return f"partition {partition} begins at {extent.begins[partition]}, behind {position}"
        if now - self.complete > TRUSTED_SHARE * extent.kept_s:
            return f"it is {now - self.complete:.0f} s old, and Kafka keeps tombstones for {extent.kept_s:.0f} s"
        return None

    def beyond(self, positions: Mapping[int, int]) -> bool:
        """Whether one of these positions is before this: then the topic was made anew."""
        return any(position < self.positions[partition] for partition, position in positions.items())
