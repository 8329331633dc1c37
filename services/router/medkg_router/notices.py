"""Lifecycle events about no job's progress: orders, scopes, rollouts, stalled jobs."""

from datetime import UTC, datetime

from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_routing import Origin
from medkg_routing.outbound import SOURCE


async def tell(producer: EventProducer, *events: CloudEvent) -> None:
    """Send these to the lifecycle topic, and wait until Kafka has them.

    Raises:
        KafkaUnavailable: it has not.
    """
    await producer.acknowledged([await producer.send(topics.EVENTS, event) for event in events])


def notice(
    kind: Kind, data: Contract, about: str, *, event_id: str, cause: Origin | None = None, **extensions: str
) -> CloudEvent:
    """An event of the router about `about`: a job's id, ``stage:<name>``, ``tenant:<name>`` or ``topology:<name>``."""
    return make_event(
        kind,
        id=event_id[:32],
        source=SOURCE,
        time=datetime.now(UTC),
        data=data,
        job_id=about,
        subject=about,
        extensions={
            "causationid": None if cause is None else cause.event_id,
            "causationsource": None if cause is None else cause.source or None,
            **extensions,
        },
    )
