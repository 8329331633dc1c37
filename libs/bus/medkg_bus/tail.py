"""Follows a topic without a consumer group: nobody else's reading is touched, and nothing is committed."""

from collections.abc import AsyncIterator, Callable, Mapping
from time import time
from typing import Final, Literal, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable
from medkg_contracts.records import Record

from .clients import admin_client, reader_client

#: How long a poll waits for records, in milliseconds.
POLL_MS: Final = 300

#: Where to begin: at the oldest record, after the newest, at a time in milliseconds since 1970-01-01 UTC, or at an
#: offset of each partition, by its number; what has no offset begins at its oldest record.
Start = Literal["beginning", "end"] | int | Mapping[int, int]


class Tail:
    """A topic's records from a place on, as they come. Raises KafkaUnavailable when Kafka does not answer.

    Args:
        bootstrap: Kafka's address.
        topic: whose records.
        start: where to begin.
        partitions: says by its number whether a partition is read; by default all are.
        most: so many records a poll brings at most.

    Attributes:
        begins: where it began: the offset of each partition, by its number.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        start: Start = "end",
        *,
        partitions: Callable[[int], bool] | None = None,
        most: int | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._start = start
        self._wanted = partitions
        self._most = most
        self._consumer = reader_client(bootstrap)
        self._heard = 0.0
        self.begins: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        """Connect, and fix the place: what comes from now on is seen, whatever happens before the first read."""
        try:
            await self._consumer.start()
            await self._place()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def _place(self) -> None:
        partitions = await self._partitions()
        if not partitions:
            raise ConfigurationError(
                f"Kafka at {self._bootstrap} has no topic {self._topic}",
                remedy="Create the topics with `medkg topics provision` (`medkg up` does it too).",
            )
        self._consumer.assign(partitions)
        if self._start == "beginning" or isinstance(self._start, Mapping):
            places = dict(await self._consumer.beginning_offsets(partitions))
        else:
            places = dict(await self._consumer.end_offsets(partitions))
        if isinstance(self._start, Mapping):
            # What has been deleted by age meanwhile cannot be begun at any more.
            given = self._start
            places = {each: max(oldest, given.get(each.partition, 0)) for each, oldest in places.items()}
        if isinstance(self._start, int):
            found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, self._start))
            places |= {partition: place.offset for partition, place in found.items() if place is not None}
        for partition, offset in places.items():
            self._consumer.seek(partition, offset)
        self.begins = {partition.partition: offset for partition, offset in places.items()}
        self._heard = time()

    async def _partitions(self) -> list[TopicPartition]:
        """By the admin client: a consumer knows only the topics that it already reads."""
        admin = admin_client(self._bootstrap)
        await admin.start()
        try:
            (topic,) = await admin.describe_topics([self._topic])
        finally:
            await admin.close()
        numbers = (partition["partition"] for partition in topic["partitions"])
        return [TopicPartition(self._topic, each) for each in numbers if self._wanted is None or self._wanted(each)]

    async def positions(self) -> dict[int, int]:
        """The offset of the record that comes next, of each partition by its number; what a poll brought has come.

        It lies behind what compaction has dropped. One that is lower than it was says that the topic was made anew.
        """
        try:
            return {each.partition: await self._consumer.position(each) for each in self._consumer.assignment()}
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error

    async def lag(self) -> int | None:
        """How many records are yet to come, those counted that compaction has dropped; None before Kafka has said."""
        lag = 0
        for partition, position in (await self.positions()).items():
            end: int | None = self._consumer.highwater(TopicPartition(self._topic, partition))
            if end is None:
                return None
            lag += max(0, end - position)
        return lag

    def silent_s(self) -> float:
        """Seconds since Kafka last answered, be it that there is nothing new, which a poll tells nobody."""
        answers = [self._consumer.last_poll_timestamp(each) or 0 for each in self._consumer.assignment()]
        return max(0.0, time() - max([self._heard, *(milliseconds / 1000 for milliseconds in answers)]))

    async def polls(self) -> AsyncIterator[list[Record]]:
        """What each poll brought, oldest first; empty when there was nothing. Never ends."""
        while True:
            try:
                polled = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=self._most)
            except (KafkaError, OSError) as error:
                raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
            if polled:
                self._heard = time()
            records = [
                Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
                for raws in polled.values()
                for raw in raws
            ]
            yield sorted(records, key=lambda record: (record.timestamp, record.partition, record.offset))
