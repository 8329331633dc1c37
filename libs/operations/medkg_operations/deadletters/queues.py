"""Reads dead letters from Kafka, and says what would be done about them."""

from collections.abc import Callable, Collection, Mapping

from medkg_artifacts import ArtifactStore
from medkg_bus.cluster import Cluster, TopicPartition
from medkg_contracts.deadletter import Letter
from medkg_contracts.dlq import DeadLetterEntries, DeadLetterEntry
from medkg_contracts.errors import MedkgError, NotFound
from medkg_contracts.records import Place
from medkg_contracts.settings import Settings

from medkg_operations.topics import describe_topics
from medkg_operations.views import ledger_of

from .redrive import Task, discarding, redriving, restored, run_of
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


async def find_dead_letter(
    settings: Settings, place: Place, report: Callable[[int], None]
) -> tuple[DeadLetterEntry, MedkgError | None]:
    """The letter that stands there, with its record wherever that is kept; or why the record is not to be had.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        NotFound: no letter stands there.
    """
    entries = await read_dead_letters(settings, DeadLetterFilter(places=frozenset({place})), lambda _: True, report)
    (entry,) = entries.all()
    try:
        letter = await restored(entry.letter, ArtifactStore.from_url(settings.artifacts_url))
    except MedkgError as error:
        return entry, error
    return DeadLetterEntry(letter, entry.state, entry.closed), None


async def tasks_of_redrive(
    settings: Settings, wanted: DeadLetterFilter, limit: int | None, report: Callable[[int], None], *, latest: bool
) -> list[Task]:
    """How the wanted letters, at most `limit`, would be given another try.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: the ledger does not answer.
        ArtifactStoreUnavailable: a record that is kept there cannot be read.
        NotFound: there is no such DLQ, or a place that is named has no letter.
    """
    entries = await read_dead_letters(settings, wanted, lambda letter: run_of(letter) is None, report)
    async with ledger_of(settings) as ledger:
        store = ArtifactStore.from_url(settings.artifacts_url)
        return await redriving(_chosen(entries, wanted, limit), ledger, store, latest=latest)


async def tasks_of_discard(
    settings: Settings, wanted: DeadLetterFilter, limit: int | None, report: Callable[[int], None]
) -> list[Task]:
    """How the wanted letters, at most `limit`, would be put aside.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        NotFound: there is no such DLQ, or a place that is named has no letter.
    """
    return discarding(_chosen(await read_dead_letters(settings, wanted, lambda _: False, report), wanted, limit))


def _chosen(entries: DeadLetterEntries, wanted: DeadLetterFilter, limit: int | None) -> list[DeadLetterEntry]:
    """Letters that are named one by one are dealt with whatever became of them; of others, those that are open."""
    return (entries.all() if wanted.places else entries.open())[:limit]


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
