"""How faults are injected into the running product, and how its explanation of them is waited for."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
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
from medkg_contracts.records import Place, Record
from medkg_explain import Explainer
from medkg_operations.control import give, order_event
from medkg_testing import MedkgStack

_EXPLAINED_S = 60.0
_ANSWERED_S = 60.0


def explained(product: MedkgStack, job: str, *causes: str) -> Explanation:
    """The explanation, asked again until the product has come to rest at one of these causes."""

    async def ask() -> Explanation:
        async with asyncio.timeout(_EXPLAINED_S), Explainer(product.settings) as explainer:
            while (explanation := await explainer.explain(job)).cause not in causes:
                pass
        return explanation

    return asyncio.run(ask())


def explanation(product: MedkgStack, job: str) -> Explanation:
    """The explanation as the job stands."""
    (found,) = explanations(product, [job])
    return found


def explanations(product: MedkgStack, jobs: Sequence[str]) -> list[Explanation]:
    """The explanations of these jobs as they stand, all at one time."""

    async def ask() -> list[Explanation]:
        async with product.connect() as kg:
            return list(await asyncio.gather(*(kg.job(job).explain() for job in jobs)))

    return asyncio.run(ask())


def order(product: MedkgStack, kind: Kind, about: str, data: Order) -> None:
    """Give an order as an operator does, and wait until the router has obeyed it."""
    event = order_event(kind, about, data, source="/tests/e2e")
    (answer,) = asyncio.run(give(product.settings, [event], _ANSWERED_S))
    assert answer.obeyed, answer


@contextmanager
def paused(product: MedkgStack, scope: ScopeOrder) -> Iterator[None]:
    """While a stage or a tenant is paused."""
    order(product, Kind.CONTROL_PAUSE, scope.subject, scope)
    try:
        yield
    finally:
        order(product, Kind.CONTROL_RESUME, scope.subject, scope)


@contextmanager
def ingesting(product: MedkgStack, policy: str, admission: str | None = None) -> Iterator[str]:
    """While there is a topology that only ingests, with a policy of its own; its name."""
    name = f"only-{uuid4().hex[:8]}"
    policies, windows = product.topologies / "policies.yaml", product.topologies / "admission.yaml"
    pipeline = product.topologies / "pipelines" / f"{name}.yaml"
    before = {file: file.read_text() for file in (policies, windows)}
    stage = f"  - {{name: ingest, type: IngestStage, policy: {name}}}\n"

    def loaded(event: CloudEvent) -> bool:
        return kind_of(event) is Kind.TOPOLOGY_LOADED and read_data(event, TopologyNotice).pipeline == name

    try:
        with product.watch() as watch:
            policies.write_text(f"{before[policies].rstrip()}\n  {name}: {policy}\n")
            windows.write_text(admission or before[windows])
            pipeline.write_text(f'version: "1.0"\nname: {name}\nstages:\n{stage}')
            watch.until(lambda events: any(map(loaded, events)))
        yield name
    finally:
        pipeline.unlink()
        for file, text in before.items():
            file.write_text(text)


def in_one_partition(product: MedkgStack) -> list[str]:
    """Three new job ids whose records all come into one partition."""

    async def find() -> list[str]:
        found: dict[int, list[str]] = defaultdict(list)
        async with Cluster(product.kafka) as cluster:
            for number in count():
                job = f"neighbour-{number}-{uuid4().hex[:8]}"
                partition = await cluster.partition_of(topics.queue("ingest"), job)
                assert partition is not None
                found[partition.partition].append(job)
                if len(found[partition.partition]) == 3:
                    return found[partition.partition]
        raise AssertionError  # there is always a next number

    return asyncio.run(find())


def approve(product: MedkgStack, job: str) -> None:
    """Open the gate of a reviewed trial."""
    approval = CloudEvent(id=uuid4().hex, source="/reviewer", type="org.example.approved", extensions={"jobid": job})
    product.publish("approvals.v1", approval)


def skip(product: MedkgStack, group: str, place: Place) -> None:
    """Lose a record: let a group that has no member be done with it."""

    async def commit() -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=product.kafka, group_id=group, enable_auto_commit=False)
        await consumer.start()
        partition = TopicPartition(place.topic, place.partition)
        consumer.assign([partition])
        await consumer.commit({partition: place.offset + 1})
        await consumer.stop()

    asyncio.run(commit())


def letters(product: MedkgStack, topic: str, key: str) -> list[Record]:
    """The records with this key on a topic."""

    async def find() -> list[Record]:
        async with Cluster(product.kafka) as cluster:
            return await cluster.find(topic, key)

    return asyncio.run(find())
