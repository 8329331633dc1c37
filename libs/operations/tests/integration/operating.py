"""A running router whose one topology's stages are played by the tests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from medkg_artifacts import ArtifactStore
from medkg_bus.clients import producer_client
from medkg_bus.cluster import Cluster
from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.data import StageResult
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import MedkgError, StageTimeout
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.records import Record
from medkg_ledger import JobState
from medkg_ledger.store import Ledger
from medkg_stack import Services

from libs.cli.tests.calling import REPOSITORY, medkg, medkg_json

#: Seconds until something that a test waits for is given up.
PATIENCE_S = 30.0

#: Of every topic, as `asyncapi/common/bindings.yaml` says.
PARTITIONS = 6

POLICIES = "policies:\n  default:\n    timeout: 5s\n    attempts: 1\n"


class Playground:
    """What a test does and sees beside the command.

    Attributes:
        first: the topology's first stage.
        second: its last.
        services: the router.
    """

    services: Services

    def __init__(self, kafka: str, redis_url: str, folder: Path) -> None:
        self.kafka = kafka
        self.redis_url = redis_url
        self.store = ArtifactStore(folder.parent / "artifacts")
        self.name = f"play{uuid4().hex[:6]}"
        self.first = f"{self.name}-one"
        self.second = f"{self.name}-two"

    def submit(self, *words: str, tenant: str = "public") -> str:
        """Ask for a job; its id once the router has asked for its first stage's work."""
        job = medkg_json("submit", "ctgov", "NCT1", "--topology", self.name, "--tenant", tenant, *words)["job_id"]
        self.asked(self.first, job)
        return str(job)

    def asked(self, stage: str, job: str, epoch: int = 1) -> Record:
        """The record that asks for the stage's work, once it is there."""

        async def find() -> Record:
            deadline = monotonic() + PATIENCE_S
            async with Cluster(self.kafka) as cluster:
                while monotonic() < deadline:
                    for record in await cluster.find(topics.queue(stage), job):
                        if dict(record.headers).get("ce_epoch") == str(epoch).encode():
                            return record
            raise AssertionError(f"{stage} was never asked for run {epoch} of {job}")

        return asyncio.run(find())

    def fail(self, stage: str, job: str, epoch: int = 1, error: MedkgError | None = None) -> None:
        """Play the stage: it fails, and its record is dead."""
        broken = error or StageTimeout("it took too long")
        record = self.asked(stage, job, epoch)
        letter = DeadLetter(record, topics.group(stage), type(broken).__name__, broken.info)
        event = self.result(Kind.STAGE_FAILED, stage, job, epoch, StageResult(error=broken.info))
        self.bury(topics.dlq(stage), letter)
        self.send(topics.done(stage), event)
        self.told(job, Kind.JOB_FAILED)

    def complete(self, stage: str, job: str, epoch: int = 1) -> None:
        """Play the stage: it completes."""
        self.asked(stage, job, epoch)
        output = "document" if stage == self.second else "payloads"
        result = StageResult(artifacts={output: asyncio.run(self.store.put("public", output, b'"done"'))})
        self.send(topics.done(stage), self.result(Kind.STAGE_COMPLETED, stage, job, epoch, result))

    def bury(self, dlq: str, letter: DeadLetter) -> None:
        """Put a dead letter on a DLQ."""
        asyncio.run(self._publish(lambda producer: producer.bury(dlq, letter)))

    def send(self, topic: str, event: CloudEvent) -> None:
        """Put an event on a topic."""
        asyncio.run(self._publish(lambda producer: producer.send(topic, event)))

    def raw(self, topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
        """Put a record on a topic as it is."""
        asyncio.run(self._publish(lambda producer: producer.raw(topic, key, value, headers)))

    def put(self, topic: str, event: CloudEvent, number: int) -> None:
        """Put an event on a topic as another client might: under another key, so many partitions from its job's."""

        async def send(producer: EventProducer) -> asyncio.Future[Any]:
            where = (await producer.home(topic, event.extensions["jobid"]) + number) % PARTITIONS
            return await producer.raw(topic, f"rdk-{number}".encode(), event.data, to_headers(event), where)

        asyncio.run(self._publish(send))

    def pass_over(self, record: Record) -> None:
        """Play a stage's service that is done with a record and has not answered."""

        async def commit() -> None:
            partition = TopicPartition(record.topic, record.partition)
            group = topics.group(record.topic.removesuffix(topics.queue("")))
            consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, group_id=group, enable_auto_commit=False)
            await consumer.start()
            consumer.assign([partition])
            await consumer.commit({partition: record.offset + 1})
            await consumer.stop()

        asyncio.run(commit())

    def told(self, job: str, kind: Kind) -> CloudEvent:
        """The newest lifecycle event of this kind about the job, once there is one."""
        return from_record(*self.found(topics.EVENTS, job, kind))

    def found(self, topic: str, key: str, kind: Kind) -> tuple[list[tuple[str, bytes | None]], bytes | None]:
        """Headers and value of the newest record of this kind with this key, once there is one."""

        async def find() -> Record:
            deadline = monotonic() + PATIENCE_S
            async with Cluster(self.kafka) as cluster:
                while monotonic() < deadline:
                    records = [record for record in await cluster.find(topic, key) if _kind(record) is kind]
                    if records:
                        return records[-1]
            raise AssertionError(f"{kind} never came about {key}")

        record = asyncio.run(find())
        return list(record.headers), record.value

    def records(self, topic: str) -> list[Record]:
        """All records of a topic."""

        async def read() -> list[Record]:
            async with Cluster(self.kafka) as cluster:
                ends = await cluster.ends(await cluster.partitions(topic))
                return [record async for record in cluster.records(ends)]

        return asyncio.run(read())

    def state(self, job: str) -> JobState:
        """The job as the ledger has it."""

        async def load() -> JobState | None:
            ledger = Ledger.from_url(self.redis_url)
            try:
                return await ledger.get(job)
            finally:
                await ledger.close()

        state = asyncio.run(load())
        assert state is not None
        return state

    def write(self, folder: Path) -> None:
        """Write the topology."""
        (folder / "pipelines").mkdir(parents=True)
        (folder / "policies.yaml").write_text(POLICIES)
        (folder / "pipelines" / f"{self.name}.yaml").write_text(
            f'version: "1.0"\nname: {self.name}\nstages:\n'
            f"  - name: {self.first}\n    type: IngestStage\n"
            f"  - name: {self.second}\n    type: ParseStage\n    depends_on: [{self.first}]\n"
        )

    def result(self, kind: Kind, stage: str, job: str, epoch: int, result: StageResult) -> CloudEvent:
        """What the stage's service says at the end of a run."""
        return make_event(
            kind,
            id=uuid4().hex,
            source=f"/test/{stage}",
            time=datetime.now(UTC),
            data=result,
            job_id=job,
            extensions={"stage": stage, "epoch": str(epoch)},
        )

    async def _publish(self, send: Callable[[EventProducer], Awaitable[asyncio.Future[Any]]]) -> None:
        client = producer_client(self.kafka, "test")
        await client.start()
        try:
            await (await send(EventProducer(client, self.store)))
        finally:
            await client.stop()


def _kind(record: Record) -> Kind | None:
    try:
        return kind_of(from_record(record.headers, record.value))
    except MedkgError:
        return None


@contextmanager
def playground(kafka: str, redis_url: str, folder: Path) -> Iterator[Playground]:
    """Topics, a topology and a router; the settings are the environment's."""
    place = Playground(kafka, redis_url, folder)
    place.write(folder / "topologies")
    environment = {
        "MK_KAFKA": kafka,
        "MK_REDIS_URL": redis_url,
        # All who share a Kafka share a store: a rebuild reads plans of jobs of other tests too.
        "MK_ARTIFACTS_URL": f"file://{place.store.root}",
        "MK_TOPOLOGIES": str(folder / "topologies"),
        "MK_ASYNCAPI": str(REPOSITORY / "asyncapi"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        result = medkg("topics", "provision")
        assert 0 == result.exit_code, result.stderr
        place.services = Services(folder, {**environment, "MK_ROUTER_SWEEP_S": "0.2"}, report=lambda _: None)
        place.services.scale("router", 1)
        try:
            yield place
        finally:
            place.services.stop()
