"""How far each partition may be committed, while records end in another order than they came in."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from medkg_contracts.records import Record


@dataclass(slots=True)
class _Partition:
    committed: int
    end: int = 0
    in_work: set[int] = field(default_factory=set)

    @property
    def safe(self) -> int:
        return min(self.in_work, default=self.end)


class Offsets:
    """Which records are in work, and what follows for commits.

    A partition is never committed past a record that is in work or was left: whoever reads it next begins there, and
    does again what stands behind it and is done.
    """

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._in_work = 0

    @property
    def in_work(self) -> int:
        """How many records are in work or left."""
        return self._in_work

    def taken(self, records: Iterable[Record]) -> None:
        """These are in work from now on."""
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            partition = self._partitions.get(place)
            if partition is None:
                partition = self._partitions[place] = _Partition(record.offset)
            partition.end = max(partition.end, record.offset + 1)
            if record.offset not in partition.in_work:
                partition.in_work.add(record.offset)
                self._in_work += 1

    def finished(self, records: Iterable[Record]) -> None:
        """These are done; one that is not in work here changes nothing."""
        for record in records:
            partition = self._partitions.get(TopicPartition(record.topic, record.partition))
            if partition is not None and record.offset in partition.in_work:
                partition.in_work.remove(record.offset)
                self._in_work -= 1

    def to_commit(self, assigned: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """How far these partitions may be committed, where that is further than they are."""
        return {
            place: partition.safe
            for place, partition in self._partitions.items()
            if place in assigned and partition.safe > partition.committed
        }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """So far it is committed."""
        for place, offset in offsets.items():
            if (partition := self._partitions.get(place)) is not None:
                partition.committed = max(partition.committed, offset)

    def forget(self) -> None:
        """The partitions were shared anew: what is read from now on begins where it was committed."""
        self._partitions.clear()
        self._in_work = 0
