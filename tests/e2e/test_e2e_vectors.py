"""Trials on the topology that has all vectors: both stores hold the same of them, whatever ends in the middle."""

import asyncio

import pytest
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.changelog import LiveModel, read_change
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.kinds import Kind, kind_of
from medkg_search.hybrid import Arm, HybridPage
from medkg_testing import LocalStack
from medkg_vectorview.view import VectorView

from tests.studies import expected_chunks, states_of, studies
from tests.vectors import index_records

pytestmark = pytest.mark.integration

TENANT = "all-vectors"


def test_both_stores_hold_the_same_whatever_ends(product: LocalStack, nct_ids: list[str]) -> None:
    """Index and OpenSearch are killed while trials are written: each chunk ends in the index and in a node's view.

    A search then finds it in all three ways, by the real models.
    """
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids[:6], topology="auto"), tenant=TENANT)
        watch.until(lambda events: any(_indexed(event) for event in events))
        product.kill("index")
        product.kill("opensearch")
        product.start()
        watch.ended(jobs, timeout=180)
    states = states_of(product, jobs)
    failed = [(state.failed_stage, state.error) for state in states.values() if state.error is not None]
    chunks = expected_chunks(product, states, TENANT)
    indexed = index_records(product, TENANT)
    dense = asyncio.run(vectors_of(product))
    page = asyncio.run(search(product, "surgery for lumbar disc herniation"))

    assert [] == failed
    assert chunks == {chunk_id for chunk_id, _ in indexed.values()}
    assert len(chunks) == len(indexed)
    assert {record: version for record, (_, version) in indexed.items()} == dense
    assert ([], set(Arm)) == (page.partial, set(page.hits[0].arms))


def _indexed(event: CloudEvent) -> bool:
    return kind_of(event) is Kind.STAGE_COMPLETED and event.extensions["stage"] == "index"


async def search(product: LocalStack, text: str) -> HybridPage:
    """What the product's search service answers for the tenant."""
    async with product.connect(tenant=TENANT) as kg:
        return await kg.search(text)


async def vectors_of(product: LocalStack) -> dict[str, str]:
    """The version of each of the tenant's records that a search node's view sees."""
    view, models = VectorView(), set()
    async with Cluster(product.kafka) as cluster:
        async for record in cluster.records(await cluster.ends(await cluster.partitions(topics.VECTORS))):
            change = read_change(record)
            if change is not None:
                view.apply([change])
            if isinstance(change, LiveModel) and change.tenant == TENANT:
                models.add(change.model)
    (model,) = models
    return {record: version for record, _, version in view.visible_records(TENANT, model)}
