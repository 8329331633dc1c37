"""A router as processes between real servers; the test plays the stage services and the outside systems."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from medkg_artifacts import ArtifactStore
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, Header, to_headers
from medkg_contracts.data import StageResult
from medkg_contracts.errors import StageBug
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, ScopeOrder
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState
from medkg_ledger.store import Ledger

PATIENCE_S = 30.0
#: Of every topic.
PARTITIONS = 4
#: How much of the stage `Names.narrow` may be in flight.
WINDOW = 4
POLICIES = "policies:\n  default: {timeout: 30s, attempts: 1, backoff: none, initial: 0s, max: 0s, jitter: 0s}\n"
OWN = "org.medicalkg.orchestration."


class Names:
    """The stages, topics and topologies of one test module, which no other has."""

    def __init__(self) -> None:
        self.mark = uuid4().hex[:8]
        self.first, self.second, self.added, self.narrow = (
            f"{word}-{self.mark}" for word in ("first", "second", "added", "narrow")
        )
        self.approvals = f"approvals-{self.mark}.v1"
        self.plain, self.gated, self.brief, self.calm, self.failing, self.tight = (
            f"{word}-{self.mark}" for word in ("plain", "gated", "brief", "calm", "failing", "tight")
        )

    @property
    def stages(self) -> tuple[str, ...]:
        """The stage services that the tests play."""
        return self.first, self.second, self.added, self.narrow

    @property
    def topics(self) -> list[str]:
        """All topics that the tests need."""
        made = [of(stage) for stage in self.stages for of in (topics.queue, topics.done)]
        return [topics.REQUESTS, topics.CONTROL, topics.EVENTS, topics.ROUTER_DLQ, self.approvals, *made]

    def plain_yaml(self, name: str, stage: str) -> str:
        """One stage."""
        return f'version: "1"\nname: {name}\nstages:\n  - name: {stage}\n    type: Stage\n    outputs: [one]\n'

    def gated_yaml(self, name: str, deadline: str, on_timeout: str) -> str:
        """A stage, a gate, a stage."""
        return self.plain_yaml(name, self.first) + (
            f"  - name: approval\n    type: Gate\n    depends_on: [{self.first}]\n    opens_on: {self.approvals}\n"
            f"    deadline: {deadline}\n    on_timeout: {on_timeout}\n"
            f"  - name: {self.second}\n    type: Stage\n    outputs: [two]\n    depends_on: [approval]\n"
        )

    def write(self, folder: Path) -> None:
        """All topologies of the tests."""
        (folder / "pipelines").mkdir(parents=True)
        (folder / "policies.yaml").write_text(POLICIES)
        (folder / "admission.yaml").write_text(f"windows: {{{self.narrow}: {WINDOW}}}\n")
        self.put(folder, self.tight, self.plain_yaml(self.tight, self.narrow))
        self.put(folder, self.plain, self.plain_yaml(self.plain, self.first))
        self.put(folder, self.gated, self.gated_yaml(self.gated, "10m", "continue"))
        self.put(folder, self.brief, self.gated_yaml(self.brief, "1s", "continue"))
        self.put(folder, self.calm, self.gated_yaml(self.calm, "3s", "continue"))
        self.put(folder, self.failing, self.gated_yaml(self.failing, "1s", "fail"))

    @staticmethod
    def put(folder: Path, name: str, text: str) -> None:
        """Write one topology's file."""
        (folder / "pipelines" / f"{name}.yaml").write_text(text)


class World:
    """What a test does and sees around the router.

    Attributes:
        seen: the records of all topics that came since the test began.
    """

    def __init__(self, bootstrap: str, redis_url: str, store: ArtifactStore, names: Names) -> None:
        self.names = names
        self.store = store
        self.ledger = Ledger.from_url(redis_url)
        self.seen: list[Record] = []
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, max_request_size=64 * 1024 * 1024, compression_type="gzip"
        )
        self._consumer = AIOKafkaConsumer(*names.topics, bootstrap_servers=bootstrap, auto_offset_reset="latest")

    async def __aenter__(self) -> Self:
        """Connect, and look at what comes from now on."""
        await self._producer.start()
        await self._consumer.start()
        await self._consumer.seek_to_end()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._producer.stop()
        await self._consumer.stop()
        await self.ledger.close()

    async def put(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header],
        partition: int | None = None,
    ) -> None:
        """Put a record on a topic as it is, in the partition that its key says or in this one."""
        if key is None and value is None:
            batch = self._producer.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=headers)
            await (await self._producer.send_batch(batch, topic, partition=partition or 0))
        else:
            await self._producer.send_and_wait(topic, value, key, headers=list(headers), partition=partition)

    async def send(self, topic: str, event: CloudEvent) -> None:
        """Put an event on a topic."""
        await self.put(topic, event.extensions["partitionkey"].encode(), event.data, to_headers(event))

    def job(self) -> str:
        """A job id that no other test has."""
        return f"j-{uuid4().hex[:12]}"

    async def request(self, topology: str, job_id: str | None = None, *, tenant: str = "public", **more: Any) -> str:
        """Ask for a job; its id."""
        job_id = job_id or self.job()
        await self.send(topics.REQUESTS, requested(job_id, tenant, topology=topology, **more))
        return job_id

    async def answer(
        self, job_id: str, stage: str, output: str, *, epoch: int = 1, tenant: str = "public", **more: Any
    ) -> CloudEvent:
        """Play the stage service: the stage has completed."""
        ref = await self.store.put(tenant, output, b'"done"')
        event = make_event(
            Kind.STAGE_COMPLETED,
            id=f"{job_id}-{stage}-{epoch}",
            source=f"/test/{stage}",
            time=datetime.now(UTC),
            data=StageResult(artifacts={output: ref}),
            job_id=job_id,
            extensions={"tenantid": tenant, "stage": stage, "epoch": str(epoch), **more},
        )
        await self.send(topics.done(stage), event)
        return event

    async def fail(self, job_id: str, stage: str, *, epoch: int = 1) -> None:
        """Play the stage service: the stage has failed."""
        event = make_event(
            Kind.STAGE_FAILED,
            id=f"{job_id}-{stage}-{epoch}-failed",
            source=f"/test/{stage}",
            time=datetime.now(UTC),
            data=StageResult(error=StageBug("it broke").info),
            job_id=job_id,
            extensions={"tenantid": "public", "stage": stage, "epoch": str(epoch)},
        )
        await self.send(topics.done(stage), event)

    async def order(self, kind: Kind, about: str, data: Order, tenant: str | None = None) -> str:
        """Play the operator; the id of the order's event."""
        identity = f"order-{uuid4().hex[:12]}"
        event = make_event(
            kind,
            id=identity,
            source="/test/operator",
            time=datetime.now(UTC),
            data=data,
            job_id=about,
            extensions={"tenantid": tenant},
        )
        await self.send(topics.CONTROL, event)
        return identity

    async def pause(self, scope: ScopeOrder) -> None:
        """Pause a job, a stage or a tenant, and wait until that is so."""
        await self.order(Kind.CONTROL_PAUSE, scope.subject, scope)
        told = "job.paused" if scope.scope == "job" else "scope.paused"
        await self.until(lambda: self.told(told, scope.subject))

    async def resume(self, scope: ScopeOrder) -> None:
        """Resume it, and wait until that is so."""
        await self.order(Kind.CONTROL_RESUME, scope.subject, scope)
        told = "job.resumed" if scope.scope == "job" else "scope.resumed"
        await self.until(lambda: self.told(told, scope.subject))

    async def approve(self, job_id: str, **extensions: str) -> CloudEvent:
        """Play the outside system: the gate's event, of a type of its own."""
        event = CloudEvent(
            id=f"approval-{uuid4().hex[:8]}",
            source="/test/person",
            type="com.example.approved",
            extensions={"partitionkey": job_id, "jobid": job_id, **extensions},
        )
        await self.send(self.names.approvals, event)
        return event

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Read until the condition holds, and then what else is there by that time; what the condition gave."""
        deadline = monotonic() + PATIENCE_S
        while not (found := condition()):
            if monotonic() > deadline:
                there = [(record.topic, record.key, _type(record)) for record in self.seen]
                raise AssertionError(f"it never came; there are {there}")
            await self._read()
        # Partitions are read in any order: what was written before the event that was waited for may be read behind it.
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        while any([await self._consumer.position(partition) < end for partition, end in ends.items()]):
            await self._read()
        return found

    async def _read(self) -> None:
        for batch in (await self._consumer.getmany(timeout_ms=50)).values():
            self.seen += [
                Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
                for raw in batch
            ]

    def on(self, topic: str, job_id: str | None = None) -> list[Record]:
        """The records that came on a topic, or those of one job."""
        keys = (None,) if job_id is None else (job_id.encode(),)
        return [record for record in self.seen if record.topic == topic and (job_id is None or record.key in keys)]

    def story(self, job_id: str) -> list[str]:
        """The job's lifecycle events: the last two words of their types."""
        return [_type(record) for record in _once(self.on(topics.EVENTS, job_id))]

    def told(self, kind: str, job_id: str | None = None) -> list[dict[str, Any]]:
        """The data of the lifecycle events of this kind."""
        told = _once(self.on(topics.EVENTS, job_id))
        return [json.loads(record.value or b"{}") for record in told if _type(record) == kind]

    def asked(self, stage: str, job_id: str) -> list[Record]:
        """What the router asked the stage's service for."""
        return _once(self.on(topics.queue(stage), job_id))

    async def timed(self) -> set[str]:
        """The jobs that have a timer."""
        return {timer.job_id for timer in await self.ledger.due_timers(2**53)}

    async def forgotten(self) -> None:
        """Wait until the outbox is empty: it is emptied beside the work, after what it holds was sent."""
        deadline = monotonic() + PATIENCE_S
        while outbox := await self.ledger.outbox():
            if monotonic() > deadline:
                raise AssertionError(f"the outbox still holds {outbox}")
            await asyncio.sleep(0.02)

    async def state(self, job_id: str, condition: Callable[[JobState], bool] = lambda _: True) -> JobState:
        """The job's state once the condition holds."""
        deadline = monotonic() + PATIENCE_S
        while (state := await self.ledger.get(job_id)) is None or not condition(state):
            if monotonic() > deadline:
                raise AssertionError(f"the job never got there: {state}")
            await asyncio.sleep(0.02)
        return state


def requested(job_id: str, tenant: str = "public", **data: Any) -> CloudEvent:
    """A ``job.requested`` event."""
    request = JobRequest.model_validate({"source": "ctgov", "id": "NCT1", **data})
    event = make_event(
        Kind.JOB_REQUESTED, id=f"r-{job_id}", source="/test", time=datetime.now(UTC), data=request, job_id=job_id
    )
    return replace(event, extensions={**event.extensions, "tenantid": tenant})


async def create(bootstrap: str, names: Sequence[str]) -> None:
    """Create the topics that are not there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    sizes = {name: 1_179_648 if name == topics.ROUTER_DLQ else 1_114_112 for name in names}
    await admin.create_topics(
        [NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": str(size)}) for name, size in sizes.items()]
    )
    await admin.close()


def _once(records: Iterable[Record]) -> list[Record]:
    """Each event once: a router sends at least once, and what it sends again has the same id."""
    events: dict[object, Record] = {}
    for record in records:
        events.setdefault(dict(record.headers).get("ce_id", record.offset), record)
    return list(events.values())


def _type(record: Record) -> str:
    value = dict(record.headers).get("ce_type") or b""
    return re.sub(f"^{re.escape(OWN)}", "", value.decode(errors="replace"))
