"""The lifecycle events as the SDK gives them: each with the position behind it, from which one can go on."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import orjson
from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.tail import Start, Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import InvalidRequest, MedkgError
from medkg_contracts.kinds import TYPE_PREFIX
from medkg_contracts.records import Record

from medkg_operations.events import EventFilter

#: Where to begin: ``beginning``, with the oldest event that is kept; ``now``; at a time in milliseconds since
#: 1970-01-01 UTC; or behind an event, by its `position`.
Since = int | str

_POSITION: Final = re.compile(r"\d{1,6}:\d{1,19}(,\d{1,6}:\d{1,19})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        cloudevent: the event itself, with all its attributes and its data as bytes.
        position: where to go on behind it: ``kg.events(since=event.position)``. Keep it to be able to resume.
    """

    cloudevent: CloudEvent
    position: str

    @property
    def kind(self) -> str:
        """What happened, such as ``stage.completed``; an outside event's full type."""
        return self.cloudevent.type.removeprefix(TYPE_PREFIX)

    @property
    def job(self) -> str:
        """The job that it is about."""
        return self.cloudevent.extensions.get("jobid", "")

    @property
    def stage(self) -> str | None:
        """The stage that it is about; None when it is about the job itself."""
        return self.cloudevent.extensions.get("stage")

    @property
    def data(self) -> Any:  # noqa: ANN401 - each kind of event has its own
        """What it says, as JSON values; None when it says nothing more, or nothing that is JSON."""
        try:
            return None if self.cloudevent.data is None else orjson.loads(self.cloudevent.data)
        except orjson.JSONDecodeError:
            return None


async def follow_events(
    kafka: str, store: ArtifactStore, wanted: EventFilter, since: Since
) -> AsyncGenerator[Event, None]:
    """The events that fit, as they come; records that are no events are passed over. Never ends by itself.

    Raises:
        InvalidRequest: `since` is no position that an event has given.
        KafkaUnavailable: Kafka does not answer.
        ConfigurationError: Kafka has no topic of events.
    """
    async with Tail(kafka, topics.EVENTS, start_of(since)) as tail:
        position = dict(tail.begins)
        async with aclosing(_records(tail)) as records:
            async for record in records:
                position[record.partition] = record.offset + 1
                event = await _read(record, store)
                if event is not None and wanted.fits(event):
                    yield Event(event, written(position))


def start_of(since: Since) -> Start:
    """Where a tail begins.

    Raises:
        InvalidRequest: it is no position that an event has given.
    """
    if isinstance(since, int):
        return since
    if since == "beginning":
        return "beginning"
    if since == "now":
        return "end"
    if _POSITION.fullmatch(since) is None:
        raise InvalidRequest(
            f"since: {since[:200]!r} is no position of an event",
            remedy="Give an event's `position`, a time in milliseconds, 'beginning' or 'now'.",
        )
    return {int(number): int(offset) for number, _, offset in (part.partition(":") for part in since.split(","))}


def written(position: Mapping[int, int]) -> str:
    """A position as text: ``0:17,1:3``."""
    return ",".join(f"{number}:{offset}" for number, offset in sorted(position.items()))


async def _records(tail: Tail) -> AsyncGenerator[Record, None]:
    async for records in tail.polls():
        for record in records:
            yield record


async def _read(record: Record, store: ArtifactStore) -> CloudEvent | None:
    try:
        return await redeem(from_record(record.headers, record.value), store)
    except MedkgError as error:
        if error.retryable:
            raise
        return None
