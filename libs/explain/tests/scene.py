"""Puts jobs where they can be stuck: into a real ledger and onto real topics."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import time
from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from medkg_bus.clients import producer_client
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.policy import Policy
from medkg_contracts.records import Record
from medkg_contracts.settings import Settings
from medkg_ledger import Ask, Change, Effects, JobState, NodeState, NodeStatus, Versioned
from medkg_ledger.store import Ledger
from medkg_topology.plan import GateNode, Plan, StageNode

from .cases import job

#: Of every topic.
PARTITIONS = 4
GATE_TOPIC = "explain.gates.v1"


async def create_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Create these topics, as far as they are missing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    # As other tests of the session create them, who need the room for large records.
    sizes = {name: 1_179_648 if name == topics.ROUTER_DLQ else 1_114_112 for name in names}
    answer = await admin.create_topics(
        [NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": str(size)}) for name, size in sizes.items()]
    )
    await admin.close()
    wrong = {code for _, code, *_ in answer.topic_errors if code and for_code(code) is not TopicAlreadyExistsError}
    assert set() == wrong


class Scene:
    """A topology of two stages of one service and a gate, and jobs on it."""

    def __init__(self, settings: Settings, ledger: Ledger, service: str) -> None:
        self.settings = settings
        self.ledger = ledger
        self.service = service
        self.policy = Policy(name="default", attempts=3)
        self._client = producer_client(settings.kafka, "tests")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect to Kafka."""
        await self._client.start()
        self._stack.push_async_callback(self._client.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._stack.aclose()

    @property
    def plan(self) -> Plan:
        """Work and approval, which join in `last`."""
        work = StageNode(name="work", type="Stage", service=self.service, policy=self.policy)
        gate = GateNode(name="approval", event_topic=GATE_TOPIC, deadline_s=900)
        last = StageNode(name="last", type="Stage", service=self.service, depends_on=("work", "approval"))
        return Plan(name="scene", version="1", nodes=(work, gate, last))

    async def job(self, nodes: Mapping[str, NodeState], *, asks: Sequence[Ask] = (), **fields: Any) -> JobState:
        """A job in the ledger whose nodes have these states."""
        await self.ledger.save_plan(self.plan)
        now = round(time() * 1000)
        name = f"job-{uuid4().hex[:8]}"
        state = job(
            job_id=name, pipeline_name="scene", pipeline_version=self.plan.digest, nodes=dict(nodes),
            created_at=now, updated_at=now, **fields,
        )  # fmt: skip
        hold = True if state.paused else None
        assert [True] == (await self.ledger.commit([Change(Versioned(), state, Effects(hold=hold), asks=asks)])).written
        return state

    async def asked(self, **fields: Any) -> JobState:
        """A job that has been asked of the service, with the request on its queue."""
        state = await self.job({"work": requested()}, **fields)
        await self.tell(topics.queue(self.service), state, Kind.STAGE_REQUESTED)
        return state

    async def tell(
        self, topic: str, state: JobState, kind: Kind, data: Contract | None = None, stage: str = "work"
    ) -> Record:
        """Publish an event about a stage of the job."""
        return await self.publish(topic, state.job_id, event(kind, state, stage, data))

    async def publish(self, topic: str, key: str, sent: CloudEvent) -> Record:
        """Publish an event."""
        return await self.put(topic, key, sent.data, to_headers(sent))

    async def put(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None = None,
    ) -> Record:
        """Publish a record, in the partition that its key says or in this one."""
        sent = await self._client.send_and_wait(
            topic, value=value, key=key.encode(), headers=list(headers), partition=partition
        )
        return Record(topic, sent.partition, sent.offset, sent.timestamp, key.encode(), value, headers)

    async def finished(self, group: str, record: Record) -> None:
        """Let a group be done with a record, without being there any more."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka, group_id=group, enable_auto_commit=False)
        await consumer.start()
        partition = TopicPartition(record.topic, record.partition)
        consumer.assign([partition])
        await consumer.commit({partition: record.offset + 1})
        await consumer.stop()


def requested() -> NodeState:
    """A stage that has just been asked for."""
    return NodeState(status=NodeStatus.REQUESTED, epoch=1, started_at=round(time() * 1000))


def event(kind: Kind, state: JobState, stage: str, data: Contract | None) -> CloudEvent:
    """An event about the first run of a stage of the job."""
    return make_event(
        kind, id=uuid4().hex, source="/t", time=datetime.now(UTC), data=data, job_id=state.job_id,
        extensions={"stage": stage, "epoch": "1", "tenantid": state.tenant_id},
    )  # fmt: skip
