"""What Kafka has of one job: who reads its partitions, and the records that are about it.

What medkg writes has the job's id as its key and stands in the job's partition. What others write is known by the event
alone, and stands anywhere until the router has read it.
"""

from typing import Final

from medkg_bus.cluster import SEARCHED_BACK, Cluster, TopicPartition
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import BreakerNotice, JobEnded, StageDeferred, StageRetrying
from medkg_contracts.deadletter import Letter, read_letter
from medkg_contracts.dlq import DeadLetterEntries
from medkg_contracts.errors import ErrorInfo, PoisonRecord
from medkg_contracts.events import ContractT, read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.orders import Order
from medkg_contracts.records import Record
from medkg_contracts.runs import is_about
from medkg_routing import about

from .facts import HeldBack, Reader, Told

#: By so much may the clocks of two services differ, in milliseconds.
SKEW_MS: Final = 60_000


class Trail:
    """The trail of one job, from some time on. Raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, cluster: Cluster, job_id: str, since: int) -> None:
        self._cluster = cluster
        self._job_id = job_id
        self._since = max(0, since - SKEW_MS)

    async def reader(self, group: str, topic: str, record: Record | None = None) -> Reader:
        """The group, seen from the job's partition of the topic, or from that of the record."""
        home = await self._cluster.partition_of(topic, self._job_id)
        partition = home if record is None else TopicPartition(topic, record.partition)
        if partition is None:
            return Reader(0, None, 0)
        committed = await self._cluster.committed(group)
        owners = await self._cluster.owners(group)
        return Reader(committed.get(partition, 0), owners.get(partition), len(set(owners.values())))

    async def unread(self, topic: str) -> list[tuple[Record, CloudEvent]]:
        """What is about the job on a topic that the router reads and has not finished with, the oldest first."""
        committed = await self._cluster.committed(topics.ROUTER_GROUP)
        starts = {place: committed.get(place, 0) for place in await self._cluster.partitions(topic)}
        found = [
            (record, event)
            async for record in self._cluster.after(starts, SEARCHED_BACK)
            if (event := read(record)) is not None and about(topic, event) == self._job_id
        ]
        return sorted(found, key=lambda one: one[0].timestamp)

    async def events(self, topic: str) -> list[tuple[Record, CloudEvent]]:
        """The job's records on a topic that medkg writes, as far as they can be read as events."""
        records = await self._cluster.find(topic, self._job_id, self._since)
        return [(record, event) for record in records if (event := read(record)) is not None]

    async def held_back(self, topic: str) -> list[tuple[HeldBack, CloudEvent]]:
        """What is about the job on a topic, and that nobody can read while a transaction is open."""
        return [
            (HeldBack(record, since), event)
            async for record, since in self._cluster.held_back(topic)
            if (event := read(record)) is not None and about(topic, event) == self._job_id
        ]

    async def letters(self, dlq: str) -> list[Letter]:
        """The job's dead letters that nobody has redriven or discarded."""
        entries = DeadLetterEntries()
        async for record in self._cluster.near(dlq, self._job_id, self._since):
            if self._is_ours(record):
                entries.read(record)
        return [entry.letter for entry in entries.open()]

    def _is_ours(self, record: Record) -> bool:
        """Whether a record of a DLQ is the job's: a letter's key is that of its original, which may be anything."""
        if record.key == self._job_id.encode():
            return True
        try:
            return named_by(read_letter(record).original) == self._job_id
        except PoisonRecord:
            return False

    async def story(self, stage: str, epoch: int) -> list[Told]:
        """The lifecycle events of a stage's run."""
        events = [event for _, event in await self.events(topics.EVENTS) if is_about(event.extensions, stage, epoch)]
        return [told for event in events if (told := _told(event)) is not None]

    async def cancelled(self) -> Order | None:
        """Who cancelled the job and why."""
        ends = await self._told(Kind.JOB_CANCELLED, JobEnded)
        return ends[-1].order if ends else None

    async def opened_by(self, policy: str) -> ErrorInfo | None:
        """On the trail of a stage's service: the error that opened the policy's breaker last."""
        notices = await self._told(Kind.BREAKER_OPENED, BreakerNotice)
        return next((notice.error for notice in reversed(notices) if notice.policy == policy), None)

    async def _told(self, kind: Kind, model: type[ContractT]) -> list[ContractT]:
        """The data of the lifecycle events of one kind."""
        events = [event for _, event in await self.events(topics.EVENTS) if kind_of(event) is kind]
        return [data for event in events if (data := _data(event, model)) is not None]


def read(record: Record) -> CloudEvent | None:
    """The event that the record is, or None when it is none."""
    try:
        return from_record(record.headers, record.value)
    except PoisonRecord:
        return None


def named_by(record: Record) -> str | None:
    """The job that the record is about, as its event says; None when it says none."""
    event = read(record)
    return None if event is None else about(record.topic, event)


def _told(event: CloudEvent) -> Told | None:
    """What a stage's service told of a run that has not ended; None for anything else, or for what cannot be read."""
    match kind_of(event):
        case Kind.STAGE_STARTED:
            return Told(Kind.STAGE_STARTED)
        case Kind.STAGE_RETRYING if (retrying := _data(event, StageRetrying)) is not None:
            return Told(Kind.STAGE_RETRYING, retrying.error)
        case Kind.STAGE_DEFERRED if (deferred := _data(event, StageDeferred)) is not None:
            return Told(Kind.STAGE_DEFERRED, deferred.error)
    return None


def _data(event: CloudEvent, model: type[ContractT]) -> ContractT | None:
    """The event's data, or None when they break the contract."""
    try:
        return read_data(event, model)
    except PoisonRecord:
        return None
