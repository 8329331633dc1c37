"""Job requests: made of what a person typed, and published as events."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from aiokafka.errors import KafkaError
from medkg_artifacts import ArtifactStore
from medkg_bus.clients import producer_client
from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import ConfigurationError, InvalidRequest, KafkaUnavailable
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest, job_id
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Identifier, TenantId, first_violation
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest, Priority
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader
from medkg_routing import Requested, check_own, read
from pydantic import TypeAdapter, ValidationError

#: The CloudEvents `source` of the command's requests.
SOURCE: Final = "/medkg/cli"

#: How long publishing may take in all, in seconds.
PUBLISH_S: Final = 60.0

#: Search areas of ClinicalTrials.gov that may be written without their prefix.
_CTGOV_AREAS: Final = frozenset({"cond", "term", "locn", "titles", "intr", "outc", "spons", "lead", "id", "patient"})

_IDENTIFIER: Final = TypeAdapter(Identifier)
_TENANT: Final = TypeAdapter(TenantId)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for.

    Attributes:
        ids: one is a job, several are a batch.
        query: the source's own parameters.
    """

    source: str
    ids: Sequence[str] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    topology: str | None = None
    until: str | None = None
    skip_completed: bool = False
    priority: Priority = "normal"
    metadata: Mapping[str, str] = field(default_factory=dict)

    def request(self) -> JobRequest:
        """The request.

        Raises:
            InvalidRequest: something of it breaks a rule; the message names the field.
        """
        if not self.ids and not self.query:
            raise InvalidRequest(
                "nothing is asked for",
                remedy="Name ids, or give --ids-file or --query; `medkg submit --help` shows how.",
            )
        one = self.ids[0] if len(self.ids) == 1 and not self.query else None
        values = {
            "source": self.source,
            "id": one,
            "ids": None if one is not None or not self.ids else list(self.ids),
            "query": _query(self.source, self.query) or None,
            "limit": self.limit,
            "topology": self.topology,
            "until": self.until,
            "skip_completed": self.skip_completed,
            "priority": self.priority,
            "metadata": dict(self.metadata),
        }
        try:
            return JobRequest.model_validate(values)
        except ValidationError as error:
            raise InvalidRequest(first_violation(error)) from error


def request_event(
    request: JobRequest, tenant: str = DEFAULT_TENANT, job: str | None = None, correlation: str | None = None
) -> CloudEvent:
    """The event that asks for a job.

    Args:
        request: what is asked for.
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
        source=SOURCE,
        time=datetime.now(UTC),
        data=request,
        job_id=job or job_id(SOURCE, identity),
        subject=request.doc_id,
        extensions={"tenantid": tenant, "correlationid": correlation},
    )


def reload_event() -> CloudEvent:
    """The event that asks the router to read the topologies again."""
    return make_event(
        Kind.CONTROL_RELOAD,
        id=uuid4().hex,
        source=SOURCE,
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


async def publish(settings: Settings, events: Sequence[CloudEvent], topic: str = topics.REQUESTS) -> None:
    """Send events, and wait until Kafka has them all; large ones travel as claim checks.

    Raises:
        KafkaUnavailable: Kafka did not answer.
        ConfigurationError: the topic does not exist.
    """
    client = producer_client(settings.kafka, "medkg-cli")
    producer = EventProducer(client, ArtifactStore.from_url(settings.artifacts_url))
    try:
        async with asyncio.timeout(PUBLISH_S):
            await client.start()
            metadata = await client.client.fetch_all_metadata()
            if not metadata.partitions_for_topic(topic):
                raise ConfigurationError(
                    f"Kafka at {settings.kafka} has no topic {topic}",
                    remedy="Create the topics with `medkg topics provision` (`medkg up` does it too).",
                )
            await EventProducer.acknowledged([await producer.send(topic, event) for event in events])
    except (KafkaError, OSError, TimeoutError) as error:
        raise KafkaUnavailable(f"Kafka at {settings.kafka}: {error!r}") from error
    finally:
        await client.stop()


def _query(source: str, query: Mapping[str, str]) -> dict[str, str]:
    if source != "ctgov":
        return dict(query)
    return {f"query.{name}" if name in _CTGOV_AREAS else name: value for name, value in query.items()}


def _check(adapter: TypeAdapter[str], name: str, value: str) -> None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {value[:200]!r} has characters or a length that it cannot have") from error
