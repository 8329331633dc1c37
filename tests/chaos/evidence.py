"""Gathers what is to be seen after a fault, once nothing moves any more."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import StageResult
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.records import Record
from medkg_ledger import JobState, JobStatus
from medkg_stack import SERVICES
from medkg_testing import LocalStack

from tests.graphs import expected_facts, graph_facts
from tests.studies import all_states, expected_chunks, indexed_chunks
from tests.vectors import index_records, served_records

from .audit import Evidence, Holdings
from .load import Load
from .waiting import until

_GROUPS = (topics.ROUTER_GROUP, *(topics.group(name) for name in SERVICES if name not in {"router", "replay"}))
_LETTERS = (topics.ROUTER_DLQ, *(topics.dlq(name) for name in SERVICES if name not in {"router", "replay"}))
_QUIET_S = 60.0
#: So long a search node may take to read what was written last.
_READ_S = 15.0
#: A write that was cut off leaves a file of such a name, which is no artifact: nothing refers to it.
_UNFINISHED = ".new-"


@dataclass(frozen=True)
class Mark:
    """Where the topics ended when a fault's row began."""

    ends: Mapping[TopicPartition, int]


async def mark(product: LocalStack) -> Mark:
    """Remember where the topics end now."""
    async with Cluster(product.kafka) as cluster:
        return Mark(await cluster.ends(await cluster.partitions(topics.EVENTS, *_LETTERS)))


async def gather(product: LocalStack, since: Mark, load: Load) -> Evidence:
    """All that is to be seen of the load's jobs, once nothing moves any more."""
    submitted = frozenset(load.sent)
    async with Cluster(product.kafka) as cluster:
        undone = await _undone(cluster)
        events = [from_record(record.headers, record.value) for record in await _news(cluster, since, [topics.EVENTS])]
        letters = [(record.key or b"").decode() for record in await _news(cluster, since, _LETTERS)]
    states = {tenant: await asyncio.to_thread(all_states, product, tenant=tenant) for tenant in load.jobs}
    mine = [event for event in events if event.extensions.get("jobid") in submitted]
    return Evidence(
        submitted=submitted,
        states={job: state for each in states.values() for job, state in each.items()},
        events=mine,
        holdings=[
            holding
            for tenant in load.jobs
            for holding in [
                *await asyncio.to_thread(_holdings, product, tenant, states[tenant], mine),
                *await _vectors(product, tenant, states[tenant]),
                *await asyncio.to_thread(_graph, product, tenant, states[tenant]),
            ]
        ],
        letters=letters,
        undone=undone,
        withdrawn=frozenset(load.withdrawn),
    )


async def _undone(cluster: Cluster) -> list[str]:
    """Wait until every group has dealt with every record; what is left when that takes too long."""

    async def left() -> list[str]:
        return [line for group in _GROUPS for line in await _behind(cluster, group)]

    async def quiet() -> bool:
        return not await left()

    with suppress(TimeoutError):
        await until(quiet, _QUIET_S)
    return await left()


async def _behind(cluster: Cluster, group: str) -> list[str]:
    committed = await cluster.committed(group)
    ends = await cluster.ends(list(committed))
    return [
        f"{group} has not dealt with {ends[each] - offset} records of {each.topic}/{each.partition}"
        for each, offset in committed.items()
        if offset != ends[each]
    ]


async def _news(cluster: Cluster, since: Mark, names: tuple[str, ...] | list[str]) -> list[Record]:
    ends = await cluster.ends([partition for partition in since.ends if partition.topic in names])
    longest = max(end - since.ends[partition] for partition, end in ends.items())
    if longest == 0:
        return []
    found = [record async for record in cluster.records(ends, last=longest)]
    return [each for each in found if each.offset >= since.ends[TopicPartition(each.topic, each.partition)]]


def _holdings(
    product: LocalStack, tenant: str, states: Mapping[str, JobState], events: Sequence[CloudEvent]
) -> list[Holdings]:
    with_chunks = {job: state for job, state in states.items() if "chunks" in state.artifacts}
    completed = {job: state for job, state in with_chunks.items() if state.status is JobStatus.COMPLETED}
    cut_short = {job: state for job, state in with_chunks.items() if state.status is JobStatus.CANCELLED}
    referred = {ref.sha256 for state in states.values() for ref in state.artifacts.values() if ref.uri is not None}
    return [
        Holdings(
            f"index of {tenant}",
            frozenset(expected_chunks(product, completed, tenant)),
            indexed_chunks(product, tenant),
            frozenset(expected_chunks(product, cut_short, tenant)),
        ),
        Holdings(
            f"store of {tenant}",
            frozenset(referred),
            list(_stored(product.servers.root / "artifacts" / tenant / "artifacts")),
            frozenset(_made_by(events, {job for job, state in states.items() if state.status is JobStatus.CANCELLED})),
        ),
    ]


async def _vectors(product: LocalStack, tenant: str, states: Mapping[str, JobState]) -> list[Holdings]:
    """The search node's part of the tenant's index, once it has read all; none where chunks have no vectors."""
    if not any("embeddings" in state.artifacts for state in states.values()):
        return []
    recorded = frozenset(await asyncio.to_thread(index_records, product, tenant))

    async def same() -> bool:
        return recorded == set(await asyncio.to_thread(served_records, product, tenant))

    with suppress(TimeoutError):
        await until(same, _READ_S)
    return [Holdings(f"vectors of {tenant}", recorded, await asyncio.to_thread(served_records, product, tenant))]


def _graph(product: LocalStack, tenant: str, states: Mapping[str, JobState]) -> list[Holdings]:
    """The tenant's graph, fact by fact; none where no job was to bring anything there."""
    written = [state for state in states.values() if "claims" in state.artifacts and "kg" in state.nodes]
    if not written:
        return []
    completed = [state for state in written if state.status is JobStatus.COMPLETED]
    expected = frozenset(expected_facts(product, completed, tenant))
    return [Holdings(f"graph of {tenant}", expected, graph_facts(product, tenant))]


def _made_by(events: Sequence[CloudEvent], jobs: Collection[str]) -> Iterator[str]:
    for event in events:
        if kind_of(event) is Kind.STAGE_COMPLETED and event.extensions["jobid"] in jobs:
            yield from (ref.sha256 for ref in read_data(event, StageResult).artifacts.values())


def _stored(folder: Path) -> Iterator[str]:
    return (file.name for file in folder.glob("*/*") if not file.name.startswith(_UNFINISHED))
