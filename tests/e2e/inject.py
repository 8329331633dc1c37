"""How faults are injected into the running product, and how its explanation of them is waited for."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import TopologyNotice
from medkg_contracts.events import read_data
from medkg_contracts.explanation import Explanation
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.orders import Order, ScopeOrder
from medkg_contracts.records import Place
from medkg_contracts.requests import JobRequest
from medkg_explain import Explainer
from medkg_operations.control import order_event

from .spine import Spine, Watch, studies


async def explained(spine: Spine, job: str, *causes: str) -> Explanation:
    """The explanation, asked again until the product has come to rest at one of these causes."""
    async with asyncio.timeout(60), Explainer(spine.settings) as explainer:
        while (explanation := await explainer.explain(job)).cause not in causes:
            pass
    return explanation


async def reached(watch: Watch, kind: Kind, job: str, stage: str) -> None:
    """Wait for an event of this kind about a stage of the job."""
    await watch.until(
        lambda events: any(
            kind_of(event) is kind and (event.extensions.get("jobid"), event.extensions.get("stage")) == (job, stage)
            for event in events
        )
    )


async def order(spine: Spine, kind: Kind, about: str, data: Order) -> None:
    """Give an order as an operator does."""
    await spine.publish([(topics.CONTROL, order_event(kind, about, data, source="/tests/e2e"))])


@asynccontextmanager
async def paused(spine: Spine, watch: Watch, scope: ScopeOrder) -> AsyncIterator[None]:
    """While a stage or a tenant is paused."""
    await order(spine, Kind.CONTROL_PAUSE, scope.subject, scope)
    await watch.seen(Kind.SCOPE_PAUSED, scope.subject)
    try:
        yield
    finally:
        await order(spine, Kind.CONTROL_RESUME, scope.subject, scope)


@asynccontextmanager
async def ingesting(spine: Spine, watch: Watch, policy: str, admission: str | None = None) -> AsyncIterator[str]:
    """While there is a topology that only ingests, with a policy of its own; its name."""
    name = f"only-{uuid4().hex[:8]}"
    policies, windows = spine.topologies / "policies.yaml", spine.topologies / "admission.yaml"
    pipeline = spine.topologies / "pipelines" / f"{name}.yaml"
    before = {file: file.read_text() for file in (policies, windows)}
    stage = f"  - {{name: ingest, type: IngestStage, policy: {name}}}\n"
    policies.write_text(f"{before[policies].rstrip()}\n  {name}: {policy}\n")
    windows.write_text(admission or before[windows])
    pipeline.write_text(f'version: "1.0"\nname: {name}\nstages:\n{stage}')

    def loaded(event: CloudEvent) -> bool:
        return kind_of(event) is Kind.TOPOLOGY_LOADED and read_data(event, TopologyNotice).pipeline == name

    try:
        await watch.until(lambda events: any(map(loaded, events)))
        yield name
    finally:
        pipeline.unlink()
        for file, text in before.items():
            file.write_text(text)


async def in_one_partition(spine: Spine, nct_ids: list[str]) -> dict[str, JobRequest]:
    """Three requests whose records all come into one partition."""
    found: dict[int, dict[str, JobRequest]] = defaultdict(dict)
    async with Cluster(spine.settings.kafka) as cluster:
        for nct_id in nct_ids:
            ((job, request),) = studies([nct_id]).items()
            partition = await cluster.partition_of(topics.queue("ingest"), job)
            assert partition is not None
            found[partition.partition][job] = request
            if len(found[partition.partition]) == 3:
                return found[partition.partition]
    raise AssertionError("there are too few studies")


async def approve(spine: Spine, job: str) -> None:
    """Open the gate of a reviewed trial."""
    approval = CloudEvent(id=uuid4().hex, source="/reviewer", type="org.example.approved", extensions={"jobid": job})
    await spine.publish([("approvals.v1", approval)])


async def skip(spine: Spine, group: str, place: Place) -> None:
    """Lose a record: let a group that has no member be done with it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=spine.settings.kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    partition = TopicPartition(place.topic, place.partition)
    consumer.assign([partition])
    await consumer.commit({partition: place.offset + 1})
    await consumer.stop()
