"""The KG stage on a real Neo4j: which version of a document the graph ends with."""

import itertools
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.knowledge import GraphReceipt
from medkg_contracts.stages import StageContext
from medkg_graph import GraphWriter
from medkg_kg.settings import KGSettings
from medkg_kg.stage import Neo4jKGStage
from prometheus_client import REGISTRY

from .examples import example

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(neo4j_url: str) -> AsyncIterator[Neo4jKGStage]:
    one = Neo4jKGStage(KGSettings(neo4j_url=neo4j_url))
    yield one
    await one.close()


async def run(stage: Neo4jKGStage, tenant: str, orders: Sequence[int]) -> list[bool]:
    """Run jobs of one document whose versions were indexed in this order; which of them came too late."""
    artifacts = example("NCT1").inputs
    receipts = [IndexReceipt(document_id="ctgov:NCT1", index="i", chunks=1, stale_removed=0, order=n) for n in orders]
    ctx = StageContext(tenant_id=tenant, doc_id="d", job_id="j", correlation_id="c", pipeline="p", digest="0" * 12)
    entities, claims = [artifacts["entities"]] * len(orders), [artifacts["claims"]] * len(orders)
    results = await stage.execute_batch([ctx] * len(orders), entities, claims, receipts)
    return [isinstance(each, GraphReceipt) and each.superseded for each in results]


async def test_the_graph_ends_with_the_version_that_the_index_ends_with(stage: Neo4jKGStage, neo4j_url: str) -> None:
    """In whatever order two jobs come here, each perhaps twice, in one batch or in several."""
    graph = GraphWriter(KGSettings(neo4j_url=neo4j_url).connect(timeout_s=5))
    ends = []
    for arrivals in sorted(set(itertools.permutations((5, 5, 7, 7)))):
        for batches in ([arrivals], [[one] for one in arrivals]):
            tenant = f"kg-{uuid.uuid4().hex[:12]}"
            late = [superseded for batch in batches for superseded in await run(stage, tenant, batch)]
            expected = [order < max(arrivals[: place + 1]) for place, order in enumerate(arrivals)]
            ends.append((late == expected, (await graph.held(tenant, "ctgov:NCT1")).order))

    assert {(True, 7)} == set(ends)


async def test_what_was_written_and_what_came_too_late_is_counted(stage: Neo4jKGStage) -> None:
    """A document's claims count with each write, and nothing of one that was superseded."""
    names = [("medkg_kg_documents_total", {"outcome": each}) for each in ("written", "superseded")]
    names += [("medkg_kg_claims_total", {"change": each}) for each in ("supported", "removed")]
    before = [REGISTRY.get_sample_value(*name) or 0 for name in names]
    await run(stage, f"kg-{uuid.uuid4().hex[:12]}", (5, 7, 6))
    after = [REGISTRY.get_sample_value(*name) or 0 for name in names]

    assert [2, 1, 2, 0] == [now - then for then, now in zip(before, after, strict=True)]
