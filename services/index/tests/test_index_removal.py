"""A document is removed from a real OpenSearch and a real Kafka, also while it is written."""

import asyncio
from collections.abc import Sequence

import pytest
from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import DocumentRemoved, VectorChange
from medkg_contracts.errors import IndexMissing, KafkaUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_index.stage import OpenSearchIndexStage
from medkg_operations import documents
from medkg_operations.documents import remove_document
from medkg_search import SearchServer, TenantNames, chunk_source, ensure_indices
from medkg_search.settings import SearchSettings

from .documents import make, run
from .stores import indexed, view_of

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(opensearch_url: str, bootstrap: str) -> SearchSettings:
    return SearchSettings(opensearch_url=opensearch_url, kafka=bootstrap)


async def remove(settings: SearchSettings, tenant: str, name: str, *, dry_run: bool = False) -> tuple[int, int, int]:
    """Remove a document: its records, its vectors, and how many of its versions may come back."""
    removal = await remove_document(settings, tenant, f"test:{name}", source="/test", dry_run=dry_run)
    return removal.records, removal.vectors, removal.unfinished


async def test_a_document_goes_from_both_stores(
    stage: OpenSearchIndexStage, server: SearchServer, settings: SearchSettings, tenant: str
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
    stage: OpenSearchIndexStage, server: SearchServer, settings: SearchSettings, tenant: str
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
    settings: SearchSettings,
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
    server: SearchServer, settings: SearchSettings, tenant: str
) -> None:
    """Whatever left them there, a removal finds them by the document's id."""
    _, (chunk,), _, _ = make("one", "Alpha")
    await ensure_indices(server, tenant)
    await server.call("PUT", f"/{TenantNames(tenant).chunks}/_doc/stray", body=chunk_source(chunk))

    assert (1, 0, 0) == await remove(settings, tenant, "one")
    assert {} == await indexed(server, tenant, "test:one")


async def test_a_tenant_without_an_index_is_told(settings: SearchSettings) -> None:
    """Its name may be wrong: that is not the same as a document that is not there."""
    with pytest.raises(IndexMissing):
        await remove_document(settings, "nobody-yet", "test:one", source="/test")
