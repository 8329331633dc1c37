"""Reads dead letters from Kafka."""

from collections.abc import Callable, Collection, Mapping

from aiokafka import TopicPartition
from medkg_bus.cluster import Cluster
from medkg_contracts.deadletter import Letter
from medkg_contracts.dlq import DeadLetterEntries
from medkg_contracts.errors import NotFound
from medkg_contracts.records import Place
from medkg_contracts.settings import Settings

from medkg_operations.topics import describe_topics

from .selection import DeadLetterFilter, is_dlq


async def read_dead_letters(
    settings: Settings,
    wanted: DeadLetterFilter,
    values: Callable[[Letter], bool],
    report: Callable[[int], None],
) -> DeadLetterEntries:
    """The letters that are wanted, and what became of them.

    Args:
        settings: where Kafka is.
        wanted: which letters.
        values: of which letters the records' values are kept.
        report: is told of each record that is read, with how many have been.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        NotFound: there is no such DLQ, or a place that is named has no letter.
    """
    queues = _queues([name for name in await describe_topics(settings) if is_dlq(name)], wanted)
    letters = DeadLetterEntries(wanted.fits, values)
    async with Cluster(settings.kafka) as cluster:
        ends = await cluster.ends(await cluster.partitions(*queues))
        for part, last in _parts(ends, wanted.places):
            async for record in cluster.records(part, last):
                letters.read(record)
                report(letters.records)
    missing = (wanted.places or frozenset()) - {entry.letter.place for entry in letters.all()}
    if missing:
        raise NotFound(
            f"there is no dead letter {', '.join(sorted(map(str, missing)))}", remedy="`medkg dlq list` lists them."
        )
    return letters


def _queues(there: Collection[str], wanted: DeadLetterFilter) -> list[str]:
    """The DLQs in which the wanted letters can be."""
    named = {place.topic for place in wanted.places or ()} | ({wanted.topic} if wanted.topic else set())
    unknown = sorted(named - set(there))
    if unknown:
        raise NotFound(
            f"there is no dead-letter queue {', '.join(unknown)}",
            remedy=f"There are {', '.join(sorted(there)) or 'none: create them with `medkg topics provision`'}.",
        )
    return sorted(named or there)


def _parts(
    ends: Mapping[TopicPartition, int], places: Collection[Place] | None
) -> list[tuple[dict[TopicPartition, int], int | None]]:
    """What to read: all, or each partition from the first wanted letter on, since what closes one stands behind it."""
    if places is None:
        return [(dict(ends), None)]
    first: dict[TopicPartition, int] = {}
    for place in places:
        partition = TopicPartition(place.topic, place.partition)
        if partition in ends:
            first[partition] = min(place.offset, first.get(partition, place.offset))
    return [({partition: ends[partition]}, ends[partition] - offset) for partition, offset in first.items()]
