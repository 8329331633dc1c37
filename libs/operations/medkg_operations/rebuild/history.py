"""What Kafka has about jobs: what the router heard, what it said of that, and which work it asked for."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.cluster import TopicPartition
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import Ignored, JobAccepted, JobEnded, JobMigrated, JobRestarted
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import first_violation
from medkg_contracts.records import Record
from medkg_ledger import JobState
from medkg_routing import Inbound, JobEvent, Reload, Requested, ScopeOrdered, about, broken, read
from medkg_routing.outbound import SOURCE
from medkg_routing.replay import Accepted, Migrated, Obeyed, Past, Rejected, Restarted, Verdict
from medkg_topology.plan import Plan
from pydantic import ValidationError

#: Finds the partition of this topic where all that is about this job stands, or about whatever is named.
Homes = Callable[[str, str], Awaitable[TopicPartition | None]]

#: Finds the plan with this digest.
Plans = Callable[[str], Awaitable[Plan]]

#: What the router says of requests and orders.
_VERDICTS = frozenset(
    {
        Kind.JOB_MIGRATED,
        Kind.JOB_ACCEPTED,
        Kind.JOB_REJECTED,
        Kind.JOB_RESTARTED,
        Kind.JOB_CANCELLED,
        Kind.JOB_PAUSED,
        Kind.JOB_RESUMED,
    }
)


@dataclass(slots=True)
class History:
    """The history of all jobs of one partition number.

    A record that stands in another partition than its job's was not heard there: the router has moved it.

    Attributes:
        homes: where all that is about a job stands.
        past: what the router heard of each job.
        said: what it said of requests and orders: each job's events, once each.
        unmet: until when the router has ignored an event because it had no such job yet, milliseconds since 1970.
        records: how many have been read.
        unreadable: how many of them are no events; they stand in a DLQ.
    """

    store: ArtifactStore
    homes: Homes
    past: dict[str, list[Past]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, dict[str, CloudEvent]] = field(default_factory=lambda: defaultdict(dict))
    unmet: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    records: int = 0
    unreadable: int = 0

    def jobs(self) -> Iterator[str]:
        """All jobs that anything is known of."""
        yield from dict.fromkeys([*self.said, *self.past])

    def requested(self, job_id: str) -> bool:
        """Whether anybody has asked for the job."""
        return any(isinstance(past.event, Requested) for past in self.past.get(job_id, ()))

    @staticmethod
    def asked_for(record: Record) -> str:
        """The job that a record of ``jobs.requests.v1`` asks for; empty when it is no event."""
        try:
            return about(record.topic, from_record(record.headers, record.value)) or ""
        except PoisonRecord:
            return ""

    def begun(self, job_id: str) -> bool:
        """Whether the router has begun the job."""
        return any(kind_of(event) is Kind.JOB_ACCEPTED for event in self.said.get(job_id, {}).values())

    async def read_lifecycle(self, record: Record) -> CloudEvent | None:
        """Take note of a record of ``orchestration.events.v1``; its event, or None when it is none."""
        event = await self._event(record)
        if event is not None and _is_verdict(event):
            self.said[event.extensions["jobid"]].setdefault(event.id, event)
        elif event is not None and kind_of(event) is Kind.EVENT_IGNORED and event.source == SOURCE:
            self._read_ignored(event, record.timestamp)
        return event

    def _read_ignored(self, event: CloudEvent, timestamp: int) -> None:
        job_id, ignored = event.extensions["jobid"], read_data(event, Ignored)
        if ignored.reason == "foreign" and not self.begun(job_id):
            identity = event.extensions.get("causationsource", ""), ignored.event_id
            self.unmet[job_id, ignored.topic, *identity] = timestamp

    async def read_heard(self, record: Record) -> ScopeOrdered | None:
        """Take note of a record that the router has dealt with; an order about a stage or a tenant is returned."""
        inbound = await self._inbound(record)
        if isinstance(inbound, ScopeOrdered):
            return inbound
        if inbound is not None and not isinstance(inbound, Reload) and not self._was_early(inbound, record.timestamp):
            self.past[inbound.job_id].append(Past(inbound, record.timestamp))
        return None

    def _was_early(self, event: JobEvent, timestamp: int) -> bool:
        """Whether the router has ignored the event because it did not know its job yet; sent again it may count."""
        origin = event.origin
        until = self.unmet.get((event.job_id, origin.topic, origin.source, origin.event_id))
        return until is not None and timestamp <= until and not isinstance(event, Requested)

    async def verdicts(self, job_id: str, plan: Plans) -> list[Verdict]:
        """What the router said of the job's requests and orders, in its order."""
        events = sorted(self.said.get(job_id, {}).values(), key=_sequence)
        return [await _verdict(event, plan) for event in events]

    async def _inbound(self, record: Record) -> Inbound | None:
        self.records += 1
        event: CloudEvent | None = None
        try:
            _ = record.time
            event = from_record(record.headers, record.value)
            heard = read(record.topic, await redeem(event, self.store))
        except MedkgError as error:
            if error.retryable:
                raise
            spoiled = None if event is None else broken(record.topic, event, error)
            if event is None or spoiled is None:
                self.unreadable += 1
                return None
            heard = spoiled
        return None if await self.moved(record, event) else heard

    async def moved(self, record: Record, event: CloudEvent) -> bool:
        """Whether the router reads the record elsewhere, since it stands in another partition than its job's."""
        whose = about(record.topic, event)
        home = None if whose is None else await self.homes(record.topic, whose)
        return home is not None and home.partition != record.partition

    async def _event(self, record: Record) -> CloudEvent | None:
        self.records += 1
        try:
            return await redeem(from_record(record.headers, record.value), self.store)
        except MedkgError as error:
            if error.retryable:
                raise
            self.unreadable += 1
            return None


def _is_verdict(event: CloudEvent) -> bool:
    """Whether the router says this of a request or an order; anybody may write to the lifecycle events."""
    kind = kind_of(event)
    return kind in _VERDICTS and (event.source == SOURCE or kind is Kind.JOB_MIGRATED)


async def _verdict(event: CloudEvent, plan: Plans) -> Verdict:
    cause, source, tenant = (event.extensions.get(name) for name in ("causationid", "causationsource", "tenantid"))
    cause, source = cause or "", source or ""
    match kind_of(event):
        case Kind.JOB_MIGRATED:
            return Migrated(_migrated(read_data(event, JobMigrated)))
        case Kind.JOB_ACCEPTED:
            accepted = read_data(event, JobAccepted)
            return Accepted(await plan(accepted.digest), accepted, cause, source, tenant)
        case Kind.JOB_REJECTED:
            error = read_data(event, JobEnded).error
            if error is None:
                raise PoisonRecord(f"the job.rejected event {event.id} gives no reason")
            return Rejected(error, cause, source, tenant)
        case Kind.JOB_RESTARTED:
            restarted = read_data(event, JobRestarted)
            return Restarted(await plan(restarted.digest), restarted, cause, _sequence(event), source)
    return Obeyed(cause, _sequence(event), source)


def _migrated(data: JobMigrated) -> JobState:
    try:
        return JobState.model_validate(data.state)
    except ValidationError as error:
        raise PoisonRecord(f"a job.migrated event has no job: {first_violation(error)}") from error


def _sequence(event: CloudEvent) -> int:
    """The event's place among its job's; what was not said by the router comes before all that was."""
    place = event.extensions.get("sequence", "")
    return int(place) if place.isascii() and place.isdecimal() else 0
