"""Follows what happens: the lifecycle events, filtered."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.tail import Start, Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import MedkgError
from medkg_contracts.kinds import TYPE_PREFIX
from medkg_contracts.records import Record
from medkg_contracts.settings import Settings


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant; None fits all.

    Attributes:
        type: the event's kind, such as ``stage.completed``, or its full type.
    """

    job: str | None = None
    batch: str | None = None
    tenant: str | None = None
    stage: str | None = None
    type: str | None = None

    def fits(self, event: CloudEvent) -> bool:
        """Whether the event is one of these."""
        given = event.extensions
        pairs = (
            (self.job, given.get("jobid")),
            (self.batch, given.get("correlationid")),
            (self.tenant, given.get("tenantid")),
            (self.stage, given.get("stage")),
        )
        if any(wanted is not None and wanted != value for wanted, value in pairs):
            return False
        return self.type is None or event.type in (self.type, TYPE_PREFIX + self.type)

    def fits_unreadable(self, record: Record) -> bool:
        """Whether a record that is no event is one of these: of such a one only the key is known."""
        if self.batch or self.tenant or self.stage or self.type:
            return False
        return self.job is None or record.key == self.job.encode()


async def follow(
    settings: Settings, wanted: EventFilter, start: Start
) -> AsyncGenerator[tuple[Record, CloudEvent | MedkgError], None]:
    """The records of the lifecycle events from a place on, as they come, each with its event or why it is none.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        ConfigurationError: Kafka has no such topic.
    """
    store = ArtifactStore.from_url(settings.artifacts_url)
    async with Tail(settings.kafka, topics.EVENTS, start) as tail:
        async for records in tail.polls():
            for record in records:
                found = await _read(record, store)
                fits = wanted.fits(found) if isinstance(found, CloudEvent) else wanted.fits_unreadable(record)
                if fits:
                    yield record, found


async def _read(record: Record, store: ArtifactStore) -> CloudEvent | MedkgError:
    try:
        return await redeem(from_record(record.headers, record.value), store)
    except MedkgError as error:
        return error
