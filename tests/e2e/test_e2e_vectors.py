"""Trials on the topology that has all: the stores hold the same of them, whatever ends in the middle."""

import asyncio

import pytest
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.changelog import LiveModel, read_change
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.kinds import Kind, kind_of
from medkg_graph import GraphServer
from medkg_operations.graph.rebuild import RebuildReport, rebuild_graph
from medkg_search.hybrid import Arm, HybridPage
from medkg_testing import LocalStack
from medkg_vectorview.view import VectorView

from tests.graphs import expected_facts, graph_facts
from tests.studies import expected_chunks, states_of, studies
from tests.vectors import index_records

pytestmark = pytest.mark.integration

TENANT = "all-vectors"
REBUILT = "rebuilt"


def test_all_stores_hold_the_same_whatever_ends(product: LocalStack, nct_ids: list[str]) -> None:
    """Writers and stores are killed while trials are written: each chunk ends in the index and in a node's view.

    A search then finds it in all three ways, by the real models; and the graph has just the facts of the artifacts.
    """
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids[:6], topology="auto"), tenant=TENANT)
        watch.until(lambda events: any(_completed(event, "index") for event in events))
        product.kill("index")
        product.kill("opensearch")
        product.start()
        watch.until(lambda events: any(_completed(event, "kg") for event in events))
        product.kill("neo4j")
        product.kill("kg")
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
    assert expected_facts(product, states.values(), TENANT) == graph_facts(product, TENANT)


def test_a_lost_graph_is_rebuilt_from_artifacts(product: LocalStack, nct_ids: list[str]) -> None:
    """Without the documents that were deleted; a look at it says before what differs, and after that nothing does."""
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids[:3], topology="auto"), tenant=REBUILT)
        watch.ended(jobs, timeout=180)
    states = states_of(product, jobs)
    gone, *kept = states.values()
    whole = graph_facts(product, REBUILT)
    looked = [rebuild(product, dry_run=True)]
    receipt = IndexReceipt.model_validate(gone.artifacts["index_receipt"].value)
    asyncio.run(remove(product, receipt.document_id))
    expected = expected_facts(product, kept, REBUILT)
    left = graph_facts(product, REBUILT)
    asyncio.run(wipe(product))
    looked += [rebuild(product, dry_run=dry_run) for dry_run in (True, False, True)]

    assert (expected_facts(product, states.values(), REBUILT), expected) == (whole, left)
    assert [(3, 3, 0), (2, 0, 2), (2, 0, 2), (2, 2, 0)] == [(r.documents, r.exact, r.mended) for r in looked]
    assert [False, True, True, False] == [report.differs for report in looked]
    assert expected == graph_facts(product, REBUILT)


def rebuild(product: LocalStack, *, dry_run: bool) -> RebuildReport:
    """Bring the graph to what artifacts say, or look."""
    return asyncio.run(rebuild_graph(product.settings, REBUILT, lambda *_: None, dry_run=dry_run))


async def remove(product: LocalStack, document_id: str) -> None:
    """Remove a document everywhere."""
    async with product.connect(tenant=REBUILT) as kg:
        await kg.remove_document(document_id)


async def wipe(product: LocalStack) -> None:
    """Delete all that the graph has of the tenant."""
    server = GraphServer(product.settings.neo4j_url)
    await server.write(lambda tx: tx.run("MATCH (n {tenant: $tenant}) DETACH DELETE n", tenant=REBUILT))
    await server.close()


def _completed(event: CloudEvent, stage: str) -> bool:
    return kind_of(event) is Kind.STAGE_COMPLETED and event.extensions["stage"] == stage


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
