"""A document is removed from a real OpenSearch and a real Kafka, also while it is written."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import DocumentRemoved, VectorChange
from medkg_contracts.errors import GraphUnavailable, IndexMissing, KafkaUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.knowledge import Claims, Entities
from medkg_graph import Facts, GraphServer, GraphWriter, facts_of
from medkg_index.stage import OpenSearchIndexStage
from medkg_operations import documents
from medkg_operations.documents import remove_document
from medkg_operations.settings import StoreSettings
from medkg_search import SearchServer, TenantNames, chunk_source, ensure_indices
from medkg_stack.ports import free_port

from .documents import make, run
from .stores import indexed, view_of

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(opensearch_url: str, bootstrap: str) -> StoreSettings:
    return StoreSettings(opensearch_url=opensearch_url, kafka=bootstrap, neo4j_url="")


async def remove(settings: StoreSettings, tenant: str, name: str, *, dry_run: bool = False) -> tuple[int, int, int]:
    """Remove a document: its records, its vectors, and how many of its versions may come back."""
    removal = await remove_document(settings, tenant, f"test:{name}", source="/test", dry_run=dry_run)
    return removal.records, removal.vectors, removal.unfinished


async def test_a_document_goes_from_both_stores(
    stage: OpenSearchIndexStage, server: SearchServer, settings: StoreSettings, tenant: str
) -> None:
    """With all that names it; others stay, a second removal finds nothing, and the document may be indexed again."""
    await run(stage, tenant, make("one", "Alpha", "Beta"), make("two", "Gamma"))
    removed = [await remove(settings, tenant, "one", dry_run=dry_run) for dry_run in (True, False, True, False)]
    left = [await indexed(server, tenant, f"test:{name}") for name in ("one", "two")]
    view = await view_of(settings.kafka, tenant)
    await server.call("POST", f"/{TenantNames(tenant).documents}/_refresh")
    manifests = await server.call("GET", f"/{TenantNames(tenant).documents}/_search", params={"q": "document_id:*one"})
    (receipt,) = await run(stage, tenant, make("one", "Alpha"))
    again, seen = await indexed(server, tenant, "test:one"), await view_of(settings.kafka, tenant)

    assert [(2, 2, 0), (2, 2, 0), (0, 0, 0), (0, 0, 0)] == removed
    assert [0, 1] == [len(records) for records in left]
    assert (set(left[1]), None, 0) == (set(view.vectors), view.last["test:one"], manifests["hits"]["total"]["value"])
    assert isinstance(receipt, IndexReceipt)
    assert again.keys() == seen.records("test:one")


async def test_a_document_that_is_written_meanwhile_is_whole_or_gone(
    stage: OpenSearchIndexStage, server: SearchServer, settings: StoreSettings, tenant: str
) -> None:
    """Whoever is last, both stores have the same; a removal when nobody writes any more leaves nothing."""
    job = make("one", "Alpha", "Beta")

    async def write() -> None:
        for _ in range(4):
            await run(stage, tenant, job)

    async def delete() -> None:
        for _ in range(4):
            await remove(settings, tenant, "one")

    await run(stage, tenant, job)
    await asyncio.gather(write(), delete())
    found, view = await indexed(server, tenant, "test:one"), await view_of(settings.kafka, tenant)
    await remove(settings, tenant, "one")
    left, last = await indexed(server, tenant, "test:one"), await view_of(settings.kafka, tenant)

    visible = view.visible.get("test:one")
    seen = {record for record, one in found.items() if visible is not None and one["version"] == visible.version}
    assert seen == view.records("test:one")
    assert len(view.records("test:one")) in (0, 2)
    assert ({}, {}, None) == (left, last.vectors, last.last["test:one"])


async def test_what_is_indexed_while_the_removal_is_told_is_seen(
    stage: OpenSearchIndexStage,
    server: SearchServer,
    settings: StoreSettings,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job that comes in between tells of its version first; the removal does not have the last word all the same."""
    job = make("one", "Alpha", "Beta")
    await run(stage, tenant, job)

    class Late(VectorChangelog):
        async def write(self, groups: Sequence[Sequence[VectorChange]]) -> list[KafkaUnavailable | None]:
            if groups == [[DocumentRemoved(tenant, "test:one")]]:
                await run(stage, tenant, job)
            return await super().write(groups)

    monkeypatch.setattr(documents, "VectorChangelog", Late)
    await remove(settings, tenant, "one")
    found, view = await indexed(server, tenant, "test:one"), await view_of(settings.kafka, tenant)

    assert 2 == len(found)
    assert found.keys() == view.records("test:one") == view.vectors.keys()
    assert view.last["test:one"] == view.visible["test:one"]


async def test_records_that_no_manifest_lists_go_too(
    server: SearchServer, settings: StoreSettings, tenant: str
) -> None:
    """Whatever left them there, a removal finds them by the document's id."""
    _, (chunk,), _, _ = make("one", "Alpha")
    await ensure_indices(server, tenant)
    await server.call("PUT", f"/{TenantNames(tenant).chunks}/_doc/stray", body=chunk_source(chunk))

    assert (1, 0, 0) == await remove(settings, tenant, "one")
    assert {} == await indexed(server, tenant, "test:one")


@pytest.fixture
async def graph(neo4j_url: str) -> AsyncIterator[GraphWriter]:
    """A real Neo4j."""
    neo4j = GraphServer(neo4j_url)
    yield GraphWriter(neo4j)
    await neo4j.close()


def facts(tenant: str, order: int) -> Facts:
    """What the document says in the version with this order: that it is about pain."""
    trial, pain = ({"id": f"X:{n}", "category": f"biolink:{n}", "name": n} for n in ("ClinicalTrial", "Disease"))
    entities = {"document_id": "test:one", "document": trial, "entities": [pain], "mentions": []}
    evidence = {"kind": "record", "payload": "0" * 64, "pointer": "/a", "value": "pain"}
    about = {"subject": trial["id"], "predicate": "biolink:related_to", "object": pain["id"], "evidence": [evidence]}
    source = {"knowledge_source": "infores:x", "knowledge_level": "observation", "agent_type": "manual_agent"}
    return facts_of(
        tenant,
        Entities.model_validate({**entities, "extraction": {"version": "1"}}),
        Claims.model_validate({"document_id": "test:one", "claims": [{"document_id": "test:one", **about, **source}]}),
        order,
    )


async def written(stage: OpenSearchIndexStage, tenant: str, *texts: str) -> int:
    """Index the document; the order of the version."""
    (receipt,) = await run(stage, tenant, make("one", *texts))
    assert isinstance(receipt, IndexReceipt)
    return receipt.order


async def test_a_document_goes_from_the_graph_too(
    stage: OpenSearchIndexStage, settings: StoreSettings, tenant: str, graph: GraphWriter, neo4j_url: str
) -> None:
    """A job that comes to the graph late with what was removed is refused, one that indexed it anew is not."""
    stores = settings.model_copy(update={"neo4j_url": neo4j_url})
    early, late = [await written(stage, tenant, text) for text in ("Alpha", "Beta")]
    await graph.write([facts(tenant, early)])
    removed = [(await remove_document(stores, tenant, "test:one", source="/test")).claims for _ in range(2)]
    (behind,) = await graph.write([facts(tenant, late)])
    (anew,) = await graph.write([facts(tenant, await written(stage, tenant, "Beta"))])

    assert ([1, 0], True, False) == (removed, behind.superseded, anew.superseded)


async def test_a_version_that_comes_while_another_is_removed_stays_everywhere(
    stage: OpenSearchIndexStage,
    server: SearchServer,
    settings: StoreSettings,
    tenant: str,
    graph: GraphWriter,
    neo4j_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is sealed and in the graph when the removal, which has marked the one before, comes to the graph."""
    await graph.write([facts(tenant, await written(stage, tenant, "Alpha"))])

    class Slow(GraphWriter):
        async def remove(self, tenant: str, orders: Mapping[str, int]) -> dict[str, int]:
            await graph.write([facts(tenant, await written(stage, tenant, "Beta"))])
            return await super().remove(tenant, orders)

    monkeypatch.setattr(documents, "GraphWriter", Slow)
    stores = settings.model_copy(update={"neo4j_url": neo4j_url})
    removal = await remove_document(stores, tenant, "test:one", source="/test")
    held = await graph.held(tenant, "test:one")

    assert (0, 1, 1) == (removal.claims, held.claims, len(await indexed(server, tenant, "test:one")))


async def test_a_document_that_only_the_graph_has_goes_from_there(
    settings: StoreSettings, tenant: str, graph: GraphWriter, neo4j_url: str
) -> None:
    """A topology may have no index."""
    await graph.write([facts(tenant, 0)])
    stores = settings.model_copy(update={"neo4j_url": neo4j_url})
    counts = [
        (await remove_document(stores, tenant, "test:one", source="/test", dry_run=dry_run)).claims
        for dry_run in (True, False)
    ]

    assert ([1, 1], 0) == (counts, (await graph.held(tenant, "test:one")).claims)


async def test_nothing_is_removed_while_the_graph_is_away(
    stage: OpenSearchIndexStage,
    server: SearchServer,
    settings: StoreSettings,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of it would be gone; the error says so, and what to do where there is no graph at all."""
    await written(stage, tenant, "Alpha")
    monkeypatch.setattr(documents, "GRAPH_TIMEOUT_S", 0.2)
    away = settings.model_copy(update={"neo4j_url": f"bolt://127.0.0.1:{free_port()}"})
    with pytest.raises(GraphUnavailable, match="nothing was removed") as caught:
        await remove_document(away, tenant, "test:one", source="/test")
    left = await indexed(server, tenant, "test:one")

    assert 1 == len(left)
    assert "an empty MK_NEO4J_URL" in (caught.value.info.remedy or "")


async def test_a_removal_that_ended_half_way_is_finished_by_the_next(
    stage: OpenSearchIndexStage,
    server: SearchServer,
    settings: StoreSettings,
    tenant: str,
    graph: GraphWriter,
    neo4j_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neo4j goes when the index has marked the document: the graph still knows up to which version it is gone."""
    order = await written(stage, tenant, "Alpha")
    await graph.write([facts(tenant, order)])
    stores = settings.model_copy(update={"neo4j_url": neo4j_url})

    class Gone(GraphWriter):
        async def remove(self, *_: object) -> dict[str, int]:
            raise GraphUnavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(documents, "GraphWriter", Gone)
        with pytest.raises(GraphUnavailable, match="in the graph still"):
            await remove_document(stores, tenant, "test:one", source="/test")
    removal = await remove_document(stores, tenant, "test:one", source="/test")
    (late,) = await graph.write([facts(tenant, order)])

    assert (1, 1, True) == (removal.records, removal.claims, late.superseded)
    assert {} == await indexed(server, tenant, "test:one")


async def test_a_tenant_without_an_index_is_told(settings: StoreSettings) -> None:
    """Its name may be wrong: that is not the same as a document that is not there."""
    with pytest.raises(IndexMissing):
        await remove_document(settings, "nobody-yet", "test:one", source="/test")
