"""Job requests, as events, and how they are published."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypedDict, Unpack
from uuid import uuid4

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import connected
from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import ConfigurationError, InvalidRequest, KafkaUnavailable, LedgerUnavailable
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest, job_id
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Identifier, TenantId, first_violation
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest, Priority
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader
from medkg_routing import Requested, check_own, read
from pydantic import TypeAdapter, ValidationError

from .views import ledger_of

#: What our clients are called at Kafka.
CLIENT_ID: Final = "medkg-operations"

#: How long publishing may take in all, in seconds.
PUBLISH_S: Final = 60.0

_IDENTIFIER: Final = TypeAdapter(Identifier)
_TENANT: Final = TypeAdapter(TenantId)


class RequestFields(TypedDict, total=False):
    """What a request may say besides its items; see `JobRequest`."""

    limit: int | None
    topology: str | None
    until: str | None
    skip_completed: bool
    priority: Priority
    payload: ArtifactRef | None
    metadata: Mapping[str, str]


def job_request(
    source: str, ids: Sequence[str] = (), query: Mapping[str, str] | None = None, **fields: Unpack[RequestFields]
) -> JobRequest:
    """A request for items of a source: one id is a job; several, or a query, are a batch.

    Args:
        source: where the items come from, such as ``ctgov``.
        ids: their ids there.
        query: the source's own parameters.
        fields: the rest of a `JobRequest`.

    Raises:
        InvalidRequest: something of it breaks a rule; the message names the field.
    """
    if not ids and not query:
        raise InvalidRequest("nothing is asked for", remedy="Name an id, several ids, or a query of the source.")
    one = ids[0] if len(ids) == 1 and not query else None
    many = list(ids) if ids and one is None else None
    try:
        return JobRequest.model_validate({"source": source, "id": one, "ids": many, "query": query or None, **fields})
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def request_event(
    request: JobRequest,
    *,
    source: str,
    tenant: str = DEFAULT_TENANT,
    job: str | None = None,
    correlation: str | None = None,
) -> CloudEvent:
    """The event that asks for a job.

    Args:
        request: what is asked for.
        source: who asks: the event's `source`, such as ``/medkg/cli``.
        tenant: whose job it is.
        job: its id; the same request under the same id is the same event, and so the same job. None makes a new job.
        correlation: what the job belongs to.

    Raises:
        InvalidRequest: the tenant or the job's id has characters that it cannot have.
    """
    _check(_TENANT, "tenant", tenant)
    if job is not None:
        _check(_IDENTIFIER, "job-id", job)
    same = () if job is None else ("job-request", tenant, job, request.canonical.decode())
    identity = digest(*same)[:32] if same else uuid4().hex
    return make_event(
        Kind.JOB_REQUESTED,
        id=identity,
        source=source,
        time=datetime.now(UTC),
        data=request,
        job_id=job or job_id(source, identity),
        subject=request.doc_id,
        extensions={"tenantid": tenant, "correlationid": correlation},
    )


def reload_event(source: str) -> CloudEvent:
    """The event by which somebody asks the router to read the topologies again."""
    return make_event(
        Kind.CONTROL_RELOAD,
        id=uuid4().hex,
        source=source,
        time=datetime.now(UTC),
        data=None,
        job_id="topologies",
    )


async def check_id(ledger: LedgerReader, event: CloudEvent) -> None:
    """Check, before a request is sent, that the id that it gives is no other job's, as far as the ledger knows.

    Raises:
        JobIdTaken: it is another's.
        LedgerUnavailable: nobody can say; the router will.
    """
    requested = read(topics.REQUESTS, event)
    state = await ledger.get(event.extensions["jobid"])
    if state is not None and isinstance(requested, Requested):
        check_own(state, requested)


async def check_before_sending(settings: Settings, event: CloudEvent) -> None:
    """As `check_id`, by the deployment's ledger; while that is away, a request may be sent, and the router looks.

    Raises:
        JobIdTaken: it is another's.
    """
    async with ledger_of(settings) as ledger:
        with suppress(LedgerUnavailable):
            await check_id(ledger, event)


async def publish(settings: Settings, events: Sequence[CloudEvent], topic: str = topics.REQUESTS) -> None:
    """Send events, and wait until Kafka has them all; large ones travel as claim checks.

    Raises:
        KafkaUnavailable: Kafka did not answer.
        ConfigurationError: the topic does not exist.
    """
    store = ArtifactStore.from_url(settings.artifacts_url)
    try:
        async with asyncio.timeout(PUBLISH_S), connected(settings.kafka, CLIENT_ID, store) as producer:
            if not await producer.partitions(topic):
                raise ConfigurationError(
                    f"Kafka at {settings.kafka} has no topic {topic}",
                    remedy="Create the topics with `medkg topics provision` (`medkg up` does it too).",
                )
            await producer.acknowledged([await producer.send(topic, event) for event in events])
    except TimeoutError as error:
        raise KafkaUnavailable(f"Kafka at {settings.kafka} did not take it within {PUBLISH_S:g} s") from error


def _check(adapter: TypeAdapter[str], name: str, value: str) -> None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {value[:200]!r} has characters or a length that it cannot have") from error
