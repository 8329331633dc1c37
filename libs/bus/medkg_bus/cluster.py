"""Looks into Kafka without taking part: offsets, group members, records by key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from medkg_contracts.errors import KafkaUnavailable
from medkg_contracts.records import Record

from .clients import admin_client, partition_of, reader_client

__all__ = ["Cluster", "Member", "TopicPartition"]

#: How long a cluster without a coordinator for a group is left alone, in seconds.
COORDINATOR_S = 0.2

#: How far back a search by key goes in a partition, in records.
SEARCHED_BACK = 20_000


@dataclass(frozen=True, slots=True)
class Member:
    """A consumer of a group.

    Attributes:
        id: which Kafka has given it; no two members have the same.
        client_id: what it calls itself.
        host: its address.
        partitions: those that it reads.
    """

    id: str
    client_id: str
    host: str
    partitions: tuple[TopicPartition, ...]


class Cluster:
    """A view of the cluster. Every method raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        # Short waits: a fetch that waits for records of the last partitions delays that of the next, and a question
        # about a topic that was not asked about before is only answered at the second try.
        self._consumer = reader_client(bootstrap, fetch_max_wait_ms=5, retry_backoff_ms=10)
        self._uncommitted = reader_client(bootstrap, fetch_max_wait_ms=5, retry_backoff_ms=10, committed=False)
        self._admin = admin_client(bootstrap)
        self._numbers: dict[str, list[int]] = {}

    async def __aenter__(self) -> Self:
        """Connect."""
        try:
            await self._consumer.start()
            await self._uncommitted.start()
            await self._admin.start()
        except (KafkaError, OSError) as error:
            await self._uncommitted.stop()
            await self._consumer.stop()
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._uncommitted.stop()
        await self._consumer.stop()

    async def partitions(self, *topics: str) -> list[TopicPartition]:
        """The partitions of these topics; those of a topic that does not exist are none."""
        described = await self._asked(self._admin.describe_topics(list(topics)))
        return sorted(
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic.get("partitions", ())
        )

    async def partition_of(self, topic: str, key: str) -> TopicPartition | None:
        """Where all that has this key stands if medkg wrote it; None when the topic does not exist."""
        numbers = self._numbers.get(topic) or [partition.partition for partition in await self.partitions(topic)]
        if not numbers:
            return None
        self._numbers[topic] = numbers  # a topic's partitions never change: its records' order would break
        return TopicPartition(topic, partition_of(key.encode(), len(numbers)))

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """How far each partition can be read: what stands behind the beginning of an open transaction cannot be."""
        return dict(await self._asked(self._consumer.end_offsets(list(partitions)))) if partitions else {}

    async def written(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will have, whether those before it can be read or not."""
        return dict(await self._asked(self._uncommitted.end_offsets(list(partitions)))) if partitions else {}

    async def starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the oldest record that each partition still has."""
        return dict(await self._asked(self._consumer.beginning_offsets(list(partitions)))) if partitions else {}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """How far the group has come, by partition."""
        offsets = await self._asked(self._of_group(self._admin.list_consumer_group_offsets, group))
        return {partition: position.offset for partition, position in offsets.items()}

    async def members(self, group: str) -> list[Member]:
        """The consumers of the group; those of one that shares its partitions anew have none meanwhile."""
        # One group a call: aiokafka 0.14 reads answers about several wrongly (DescribeGroups v3 as v2).
        (response,) = await self._asked(self._of_group(self._admin.describe_consumer_groups, [group]))
        return [
            Member(member_id, client_id, host.lstrip("/"), tuple(_assigned(assignment)))
            for _, _, _, _, _, members in response.groups
            for member_id, client_id, host, _, assignment in members
        ]

    async def owners(self, group: str) -> dict[TopicPartition, str]:
        """Which member of the group reads each partition, ``<member id> at <host>``; none when it has no member."""
        members = await self.members(group)
        return {partition: f"{each.id} at {each.host}" for each in members for partition in each.partitions}

    async def records(self, ends: Mapping[TopicPartition, int], last: int | None = None) -> AsyncIterator[Record]:
        """The records of these partitions up to the given offsets, or the `last` ones of each of them.

        The records of a partition come in their order; those of several are mixed. Offsets that a partition does not
        have, or that cannot be read for an open transaction, are not waited for.
        """
        starts = await self.starts(list(ends))
        readable = await self.ends(list(ends))
        ends = {partition: min(end, readable[partition]) for partition, end in ends.items()}
        if last is not None:
            starts = {partition: max(start, ends[partition] - last) for partition, start in starts.items()}
        async for record in self._between(self._consumer, starts, ends):
            yield record

    async def held_back(self, topic: str) -> AsyncIterator[tuple[Record, int]]:
        """What stands on a topic and can be read by nobody, since it is in or behind a transaction that is open.

        With each record comes the offset at which the transaction begins; of a partition come at most the first
        `SEARCHED_BACK` records.
        """
        partitions = await self.partitions(topic)
        # How much is written comes first: a transaction that ends between the two questions holds nothing back.
        written, readable = await self.written(partitions), await self.ends(partitions)
        starts = {each: start for each, start in readable.items() if start < written[each]}
        ends = {each: min(written[each], start + SEARCHED_BACK) for each, start in starts.items()}
        async for record in self._between(self._uncommitted, starts, ends):
            yield record, starts[TopicPartition(topic, record.partition)]

    async def after(self, starts: Mapping[TopicPartition, int], last: int | None = None) -> AsyncIterator[Record]:
        """What can be read at these offsets and behind them, or the `last` records of that; as `records` gives them."""
        oldest, ends = await self.starts(list(starts)), await self.ends(list(starts))
        starts = {each: max(start, oldest[each], ends[each] - (last or ends[each])) for each, start in starts.items()}
        async for record in self._between(self._consumer, starts, ends):
            yield record

    async def since(self, topic: str, time: int) -> AsyncIterator[Record]:
        """The topic's records of a time, milliseconds since 1970-01-01 UTC, until now; as `records` gives them."""
        ends = await self.ends(await self.partitions(topic))
        if ends:
            found = await self._asked(self._consumer.offsets_for_times(dict.fromkeys(ends, time)))
            starts = {each: ends[each] if place is None else place.offset for each, place in found.items()}
            async for record in self._between(self._consumer, starts, ends):
                yield record

    async def _between(
        self, reader: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[Record]:
        open_ = {partition for partition, start in starts.items() if start < ends[partition]}
        if not open_:
            return
        reader.assign(sorted(open_))
        for partition in open_:
            reader.seek(partition, starts[partition])
        while open_:
            batches = await self._asked(reader.getmany(timeout_ms=500))
            for partition, batch in batches.items():
                for raw in batch:
                    if raw.offset < ends[partition]:
                        yield Record(
                            raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers
                        )
            # Positions, not offsets: after a compaction or a transaction the last offsets may have no record.
            reached = [each for each in open_ if await self._asked(reader.position(each)) >= ends[each]]
            reader.pause(*reached)
            open_ -= set(reached)

    async def find(self, topic: str, key: str, since: int = 0) -> list[Record]:
        """The records with this key among those that are near it, as `near` gives them."""
        return [record async for record in self.near(topic, key, since) if record.key == key.encode()]

    async def near(self, topic: str, key: str, since: int = 0) -> AsyncIterator[Record]:
        """The newest `SEARCHED_BACK` records of the partition of this key, whatever theirs.

        Args:
            topic: where to look; one that does not exist has none.
            key: says which partition, as `partition_of`.
            since: leave out what was written before this time, milliseconds since 1970-01-01 UTC.
        """
        partition = await self.partition_of(topic, key)
        if partition is None:
            return
        (end,) = (await self.ends([partition])).values()
        last = SEARCHED_BACK
        if since > 0:
            (found,) = (await self._asked(self._consumer.offsets_for_times({partition: since}))).values()
            last = 0 if found is None else min(last, end - found.offset)
        async for record in self.records({partition: end}, last):
            yield record

    @staticmethod
    async def _of_group(question: Callable[[Any], Awaitable[Any]], group: str | list[str]) -> Any:  # noqa: ANN401
        """Ask about a group, until Kafka knows who coordinates it: a cluster that is new has to make that out first."""
        while True:
            try:
                return await question(group)
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(COORDINATOR_S)

    async def _asked(self, question: Any) -> Any:  # noqa: ANN401 - aiokafka's answers have no types
        try:
            async with asyncio.timeout(20):
                return await question
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error


def _assigned(assignment: bytes) -> list[TopicPartition]:
    if not assignment:
        return []
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return [TopicPartition(topic, number) for topic, numbers in decoded.assignment for number in numbers]
