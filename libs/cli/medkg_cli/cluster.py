"""Looks into Kafka without taking part: offsets, group members, records by key."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from medkg_contracts.deadletter import Record
from medkg_contracts.errors import KafkaUnavailable

#: How far back a search by key goes in a partition, in records.
SEARCHED_BACK = 20_000


class Cluster:
    """A view of the cluster. Every method raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, request_timeout_ms=15_000
        )
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)

    async def __aenter__(self) -> Self:
        """Connect."""
        try:
            await self._consumer.start()
            await self._admin.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._admin.close()
        await self._consumer.stop()

    async def topics(self) -> set[str]:
        """The topics that exist."""
        return set(await self._asked(self._consumer.topics()))

    async def partitions(self, topic: str) -> list[TopicPartition]:
        """The partitions of a topic; none when it does not exist."""
        await self.topics()
        numbers = self._consumer.partitions_for_topic(topic) or set()
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    async def partition_of(self, topic: str, key: str) -> TopicPartition | None:
        """Where records with this key stand; None when the topic does not exist."""
        partitions = [partition.partition for partition in await self.partitions(topic)]
        if not partitions:
            return None
        return TopicPartition(topic, DefaultPartitioner()(key.encode(), partitions, partitions))

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will have."""
        return dict(await self._asked(self._consumer.end_offsets(list(partitions)))) if partitions else {}

    async def starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the oldest record that each partition still has."""
        return dict(await self._asked(self._consumer.beginning_offsets(list(partitions)))) if partitions else {}

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """How far the group has come, by partition."""
        offsets = await self._asked(self._admin.list_consumer_group_offsets(group))
        return {partition: position.offset for partition, position in offsets.items()}

    async def owners(self, group: str) -> dict[TopicPartition, str]:
        """Which member of the group reads each partition, ``<client id> at <host>``; none when it has no member."""
        # One group a call: aiokafka 0.14 reads answers about several wrongly (DescribeGroups v3 as v2).
        (response,) = await self._asked(self._admin.describe_consumer_groups([group]))
        owners: dict[TopicPartition, str] = {}
        for _, _, _, _, _, members in response.groups:
            for member_id, client_id, host, _, assignment in members:
                for partition in _assigned(assignment):
                    owners[partition] = f"{client_id} ({member_id}) at {host.lstrip('/')}"
        return owners

    async def records(self, partition: TopicPartition, start: int, end: int) -> AsyncIterator[Record]:
        """The records of a partition from offset `start` to before `end`."""
        start = max(start, (await self.starts([partition]))[partition])
        if start >= end:
            return
        self._consumer.assign([partition])
        self._consumer.seek(partition, start)
        while start < end:
            batches = await self._asked(self._consumer.getmany(timeout_ms=1000))
            if not batches:
                start = await self._asked(self._consumer.position(partition))
            for raw in batches.get(partition, ()):
                if raw.offset >= end:
                    return
                start = raw.offset + 1
                yield Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)

    async def find(self, topic: str, key: str) -> list[Record]:
        """The records with this key among the newest `SEARCHED_BACK` of their partition."""
        partition = await self.partition_of(topic, key)
        if partition is None:
            return []
        end = (await self.ends([partition]))[partition]
        return [
            record async for record in self.records(partition, end - SEARCHED_BACK, end) if record.key == key.encode()
        ]

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
