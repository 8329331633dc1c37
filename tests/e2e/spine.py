"""The whole product as processes, and what a user does with it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer
from medkg_artifacts import ArtifactStore
from medkg_bus.clients import producer_client
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.events import make_event
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState
from medkg_ledger.store import Ledger
from medkg_operations.topics import provision_topics
from medkg_search.settings import SearchSettings
from medkg_stack import Services, Stack
from medkg_stack.ports import free_port

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Watch:
    """Follows the lifecycle events from the moment it was made.

    Attributes:
        events: all of them, in the order in which they were read.
        read_at: when each was, on the clock of `time.monotonic`.
        ends: how jobs ended, by job id.
        ended_at: when that was read, by job id.
    """

    consumer: AIOKafkaConsumer
    events: list[CloudEvent] = field(default_factory=list)
    read_at: list[float] = field(default_factory=list)
    ends: dict[str, Kind] = field(default_factory=dict)
    ended_at: dict[str, float] = field(default_factory=dict)

    async def read(self) -> None:
        """Take what has come, or wait for half a second."""
        for batch in (await self.consumer.getmany(timeout_ms=500)).values():
            now = monotonic()
            events = [from_record(record.headers, record.value) for record in batch]
            ended = {event.extensions["jobid"]: kind for event in events if (kind := kind_of(event)) in JOB_ENDS}
            self.events += events
            self.read_at += [now] * len(events)
            self.ends |= ended
            self.ended_at = dict.fromkeys(ended, now) | self.ended_at

    async def until(self, enough: Any, timeout_s: float = 90.0) -> list[CloudEvent]:  # a predicate over the events
        """Read until `enough(events)` holds; all events so far."""
        async with asyncio.timeout(timeout_s):
            while not enough(self.events):
                await self.read()
        return self.events

    async def ended(self, job_ids: Iterable[str], timeout_s: float = 90.0) -> dict[str, Kind]:
        """Wait until these jobs have ended; how, by job id."""
        wanted = set(job_ids)
        await self.until(lambda _: wanted <= self.ends.keys(), timeout_s)
        return {job_id: self.ends[job_id] for job_id in wanted}

    async def seen(self, kind: Kind, job_id: str | None = None, timeout_s: float = 60.0) -> CloudEvent:
        """Wait for an event of this kind (about this job); the first."""

        def found() -> list[CloudEvent]:
            return [
                event
                for event in self.events
                if kind_of(event) is kind and job_id in (None, event.extensions.get("jobid"))
            ]

        await self.until(lambda _: bool(found()), timeout_s)
        return found()[0]


class Spine:
    """A running product: servers, the router, every stage service and the replay source, as processes of their own."""

    def __init__(self, stack: Stack, folder: Path, replay_port: int) -> None:
        self.stack = stack
        self.topologies = folder / "topologies"
        shutil.copytree(REPOSITORY / "topologies", self.topologies)
        policies = self.topologies / "policies.yaml"
        # The replay source is ours, and needs no politeness.
        policies.write_text(policies.read_text().replace("rate: 5/s", "rate: 1000/s\n    burst: 100"))
        self.environment = {
            **stack.environment(),
            "MK_TOPOLOGIES": str(self.topologies),
            "MK_REPLAY_PORT": str(replay_port),
            "MK_CTGOV_URL": f"http://127.0.0.1:{replay_port}",
            "MK_CTGOV_RATE": "1000",
            "MK_INDEX_REFRESH": "true",
            "MK_ROUTER_SWEEP_S": "1",
        }
        self.services = Services(folder, self.environment, report=lambda _: None)
        self.settings = SearchSettings(
            kafka=stack.kafka.address,
            redis_url=stack.redis.address,
            opensearch_url=stack.opensearch.address,
            artifacts_url=self.environment["MK_ARTIFACTS_URL"],
            topologies=self.topologies,
        )
        self.store = ArtifactStore.from_url(self.settings.artifacts_url)

    async def provision(self) -> None:
        """Create the topics."""
        await provision_topics(self.settings, REPOSITORY / "asyncapi", print)

    def recorded(self) -> list[str]:
        """The ids of all recorded studies, as the source itself lists them."""
        return recorded(self.environment["MK_CTGOV_URL"])

    def watch(self) -> AbstractAsyncContextManager[Watch]:
        """Follow the lifecycle events from now on."""
        return watching(self.settings.kafka)

    async def submit(self, requests: Mapping[str, JobRequest], tenant: str = "public") -> list[str]:
        """Publish job requests by job id, as a user's own producer would; their ids."""
        await submit(self.settings.kafka, requests, tenant)
        return list(requests)

    async def publish(self, sent: Sequence[tuple[str, CloudEvent]]) -> None:
        """Publish events to topics."""
        await publish(self.settings.kafka, sent)

    async def publish_raw(self, records: Sequence[tuple[str, str, bytes | None, list[Any]]]) -> None:
        """Publish records as they are: topic, key, value, headers."""
        await publish_raw(self.settings.kafka, records)

    async def records(self, topic: str, key: str) -> list[Record]:
        """The records with this key on a topic."""
        async with Cluster(self.settings.kafka) as cluster:
            return await cluster.find(topic, key)

    async def states(self, job_ids: Iterable[str]) -> dict[str, JobState]:
        """The ledger's records of these jobs."""
        ledger = Ledger.from_url(self.settings.redis_url)
        try:
            loaded = await ledger.load(list(job_ids))
            return {job_id: versioned.state for job_id, versioned in loaded.items() if versioned.state is not None}
        finally:
            await ledger.close()

    def kill_and_restart(self, name: str) -> None:
        """End a server or the replay source by SIGKILL, and start it again."""
        if name == "replay":
            self.services.kill(name, 1)
            self.services.start([name])
        else:
            server = self.stack.servers[name]
            server.kill()
            server.start()

    def start_all(self) -> None:
        """Start every service that does not run."""
        self.services.start()


def recorded(source: str) -> list[str]:
    """The ids of all studies that this source has, as it lists them itself."""
    asked = {"pageSize": 1000, "fields": "NCTId"}
    answer = httpx.get(f"{source}/api/v2/studies", params=asked, timeout=30).raise_for_status().json()
    return [study["protocolSection"]["identificationModule"]["nctId"] for study in answer["studies"]]


async def submit(bootstrap: str, requests: Mapping[str, JobRequest], tenant: str = "public") -> None:
    """Publish job requests by job id to this Kafka."""
    await publish(bootstrap, [(topics.REQUESTS, event) for event in request_events(requests, tenant)])


async def publish(bootstrap: str, sent: Iterable[tuple[str, CloudEvent]]) -> None:
    """Publish events to topics of this Kafka."""
    await publish_raw(
        bootstrap, [(topic, event.extensions["jobid"], event.data, to_headers(event)) for topic, event in sent]
    )


async def publish_raw(bootstrap: str, records: Iterable[tuple[str, str, bytes | None, list[Any]]]) -> None:
    """Publish records as they are to this Kafka: topic, key, value, headers."""
    client = producer_client(bootstrap, "tests")
    await client.start()
    try:
        futures = [
            await client.send(topic, value=value, key=key.encode(), headers=headers)
            for topic, key, value, headers in records
        ]
        await asyncio.gather(*futures)
    finally:
        await client.stop()


@asynccontextmanager
async def watching(bootstrap: str) -> AsyncIterator[Watch]:
    """Follow the lifecycle events of this Kafka from now on."""
    consumer = AIOKafkaConsumer(topics.EVENTS, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await consumer.start()
    try:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield Watch(consumer)
    finally:
        await consumer.stop()


@contextmanager
def running(stack: Stack, folder: Path) -> Iterator[Spine]:
    """The product on these servers, which are started for it and wiped behind it."""
    stack.up()
    spine = Spine(stack, folder, free_port())
    try:
        asyncio.run(spine.provision())
        spine.start_all()
        yield spine
    finally:
        spine.services.stop()
        stack.wipe()


def request_events(requests: Mapping[str, JobRequest], tenant: str) -> list[CloudEvent]:
    """The events that ask for these jobs."""
    return [
        make_event(
            Kind.JOB_REQUESTED,
            id=job_id,
            source="/tests/e2e",
            time=datetime.now(UTC),
            data=request,
            job_id=job_id,
            extensions={"tenantid": tenant},
        )
        for job_id, request in requests.items()
    ]


def studies(nct_ids: Sequence[str], **fields: Any) -> dict[str, JobRequest]:
    """A request for each study, by a job id of its own."""
    run = uuid4().hex[:8]
    return {f"{nct_id}-{run}": JobRequest(source="ctgov", id=nct_id, **fields) for nct_id in nct_ids}
