"""What Kafka has of one job: who reads its partitions, and the records that bear its id."""

from typing import Final

from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import BreakerNotice, JobEnded, StageDeferred, StageRetrying
from medkg_contracts.deadletter import Letter
from medkg_contracts.dlq import DeadLetterEntries
from medkg_contracts.errors import ErrorInfo, PoisonRecord
from medkg_contracts.events import ContractT, read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.orders import Order
from medkg_contracts.records import Record
from medkg_contracts.runs import is_about

from .facts import HeldBack, Reader, Told

#: By so much may the clocks of two services differ, in milliseconds.
SKEW_MS: Final = 60_000


class Trail:
    """The trail of one job, from some time on. Raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, cluster: Cluster, job_id: str, since: int) -> None:
        self._cluster = cluster
        self._job_id = job_id
        self._since = max(0, since - SKEW_MS)

    async def reader(self, group: str, topic: str) -> Reader:
        """The group, seen from the job's partition of the topic."""
        partition = await self._cluster.partition_of(topic, self._job_id)
        if partition is None:
            return Reader(0, None, 0)
        committed = await self._cluster.committed(group)
        owners = await self._cluster.owners(group)
        return Reader(committed.get(partition, 0), owners.get(partition), len(set(owners.values())))

    async def records(self, topic: str) -> list[Record]:
        """The job's records on a topic."""
        return await self._cluster.find(topic, self._job_id, self._since)

    async def events(self, topic: str) -> list[tuple[Record, CloudEvent]]:
        """The job's records on a topic that can be read as events."""
        return [(record, event) for record in await self.records(topic) if (event := read(record)) is not None]

    async def held_back(self, topic: str) -> list[tuple[HeldBack, CloudEvent]]:
        """What is about the job on a topic, and that nobody can read while a transaction is open."""
        return [
            (HeldBack(record, since), event)
            async for record, since in self._cluster.held_back(topic)
            if (event := read(record)) is not None and self._is_about(record, event)
        ]

    def _is_about(self, record: Record, event: CloudEvent) -> bool:
        return self._job_id == event.extensions.get("jobid") or self._job_id.encode() == record.key

    async def letters(self, dlq: str) -> list[Letter]:
        """The job's dead letters that nobody has redriven or discarded."""
        entries = DeadLetterEntries()
        for record in await self.records(dlq):
            entries.read(record)
        return [entry.letter for entry in entries.open()]

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
