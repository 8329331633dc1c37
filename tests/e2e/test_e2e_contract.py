"""The running services read and write exactly what the AsyncAPI documents say."""

import asyncio
from collections import defaultdict

import pytest
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.asyncapi import Operation, operations, services
from medkg_contracts.cloudevents import from_record
from medkg_contracts.events import data_model
from medkg_contracts.kinds import Kind, kind_of
from medkg_testing import LocalStack
from medkg_topology.catalog import Catalog
from medkg_topology.plan import StageNode

from tests.shipped import REPOSITORY
from tests.studies import studies

pytestmark = pytest.mark.integration

ASYNCAPI = REPOSITORY / "asyncapi"
#: Programs that ask for jobs as anybody may; they are no services.
CLIENTS = {"/medkg/testing", "/medkg/sdk"}


def documented(action: str) -> list[tuple[str, Operation]]:
    """All operations of this kind, with their service."""
    return [
        (service, operation)
        for service in services(ASYNCAPI)
        if service != "cli"
        for operation in operations(ASYNCAPI, service)
        if operation.action == action
    ]


def stage_names(product: LocalStack) -> set[str]:
    """The stages of all topologies."""
    plans = Catalog(product.topologies).plans.values()
    return {node.service for plan in plans for node in plan.nodes if isinstance(node, StageNode)}


def addresses(operation: Operation, product: LocalStack) -> set[str]:
    """The topics that an operation's address stands for in this deployment."""
    if "{stage}" in operation.topic:
        return {operation.topic.replace("{stage}", stage) for stage in stage_names(product)}
    plans = Catalog(product.topologies).plans.values()
    followed = {topic for plan in plans for topic in plan.event_topics()}
    if "{gateTopic}" in operation.topic:
        return {topic for topic in followed if not topic.endswith(".done.v1")}
    if operation.topic in {"mineru.done.v1", "approvals.v1"}:
        return {operation.topic} & followed
    return {operation.topic}


async def test_groups_read_the_topics_that_are_described(product: LocalStack) -> None:
    """Each consumer group of the running services is a described one and reads exactly its described topics."""
    expected: dict[str, set[str]] = defaultdict(set)
    for _, operation in documented("receive"):
        if operation.group is not None:
            expected[operation.group] |= addresses(operation, product)
    found: dict[str, set[str]] = {}
    async with Cluster(product.kafka) as cluster:
        for group in expected:
            found[group] = {partition.topic for partition in await cluster.owners(group)}

    assert dict(expected) == found


async def test_every_record_is_described(product: LocalStack, nct_ids: list[str]) -> None:
    """Each record that a service has written is of a kind described for that service and topic, and its data fit."""
    jobs = await asyncio.to_thread(product.submit, studies(nct_ids[:1]))
    await asyncio.to_thread(product.wait_for_ends, jobs)
    allowed: set[tuple[str, str, Kind]] = set()
    for service, operation in documented("send"):
        allowed |= {(service, topic, kind) for topic in addresses(operation, product) for kind in operation.kinds}
    written: set[tuple[str, str, Kind]] = set()
    own = {topics.REQUESTS, topics.CONTROL, topics.EVENTS} | {
        name(stage) for stage in stage_names(product) for name in (topics.queue, topics.done)
    }
    async with Cluster(product.kafka) as cluster:
        ends = await cluster.ends(await cluster.partitions(*sorted(own)))
        async for record in cluster.records(ends):
            source = (dict(record.headers).get("ce_source") or b"").decode()
            if source.startswith("/medkg/") and source not in CLIENTS:
                event = from_record(record.headers, record.value)
                kind = kind_of(event)
                assert kind is not None, event.type
                model = data_model(kind)
                assert model is None or event.data is None or model.validate_json(event.data)
                written.add((writer(event.source), record.topic, kind))

    assert written - allowed == set()
    assert ("router", topics.EVENTS, Kind.JOB_ACCEPTED) in written
    assert ("ingest", topics.done("ingest"), Kind.STAGE_COMPLETED) in written


def writer(source: str) -> str:
    """The service whose CloudEvents source this is; the stage `expand` runs in the service ingest."""
    name = source.rpartition("/")[2]
    return "ingest" if name == "expand" else name
