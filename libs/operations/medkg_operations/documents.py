"""Removes a document from the search index and the graph: its records, its vectors, its facts, and the mention of it.

In the index it is marked as removed first, so that whatever ends in the middle is known and the repeat goes on. The
graph comes next, and is told the order of the last version that is gone: a job that brings that, or an earlier one, to
the graph later on finds it removed, and one that has come to the index since is left alone.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import VectorChange, VectorDeleted, VectorKey
from medkg_contracts.errors import GraphUnavailable, IndexMissing, IndexUnavailable, MedkgError
from medkg_graph import GraphWriter, Held
from medkg_search import SearchServer, TenantNames, refused
from medkg_search.bulk import Operation, Outcome, send
from medkg_search.live_model import live_model
from medkg_search.manifest import Manifest
from medkg_search.manifest_record import ManifestRecord, announcement, deletes, manifest_id, read_manifest, tombstones
from medkg_search.tenant_models import TenantModels

from .settings import StoreSettings

#: How often it begins anew when somebody writes the document at the same time.
TRIES: Final = 20
#: Seconds that one request to OpenSearch may take: it is looked through, and made to see all that was written.
TIMEOUT_S: Final = 30.0
#: Seconds that Neo4j may take, asked again where it does not answer.
GRAPH_TIMEOUT_S: Final = 15.0
#: So many records are looked for at once.
PAGE: Final = 10_000

_NO_GRAPH: Final = (
    "See that Neo4j runs (`medkg up`), and remove the document again, which goes on where this has ended. "
    "Where there is no graph, say so by an empty MK_NEO4J_URL."
)


@dataclass(frozen=True, slots=True)
class DocumentRemoval:
    """What was removed of a document, or would be.

    Attributes:
        records: of the index of chunks.
        vectors: withdrawn from the changelog.
        unfinished: versions that a job may be writing at this moment. If it goes on, the document comes back.
        claims: of the knowledge graph; None where there is none.
    """

    tenant: str
    document_id: str
    records: int = 0
    vectors: int = 0
    unfinished: int = 0
    claims: int | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """All that there is of a document: what the manifest lists, and records that it does not list."""

    names: TenantNames
    record: ManifestRecord
    indexed: int
    strays: Mapping[str, bool]
    models: TenantModels | None

    @property
    def document_id(self) -> str:
        return self.record.manifest.document_id

    @property
    def nothing(self) -> bool:
        return self.record.written is None and not self.strays

    def operations(self) -> list[Operation]:
        listed = [one for version in self.record.manifest.versions for one in deletes(self.names, version)]
        return [*listed, *(Operation("delete", self.names.chunks, record) for record in self.strays)]

    def tombstones(self) -> list[VectorDeleted]:
        versions = self.record.manifest.versions
        listed = [one for version in versions for one in tombstones(self.names, self.document_id, version)]
        if self.models is None:
            return listed
        models = [one.key for one in (self.models.model, self.models.beside) if one is not None]
        strays = [one for one, its in self.strays.items() if its]
        keys = (VectorKey(self.names.tenant, self.document_id, one, model) for one in strays for model in models)
        return [*listed, *(VectorDeleted(key) for key in keys)]


class _Graph:
    """The knowledge graph's part; none where there is no graph."""

    def __init__(self, writer: GraphWriter | None) -> None:
        self._writer = writer

    async def held(self, tenant: str, document_id: str) -> Held | None:
        """What it has of the document."""
        try:
            return None if self._writer is None else await self._writer.held(tenant, document_id)
        except GraphUnavailable as error:
            raise GraphUnavailable(f"nothing was removed: {error}", remedy=_NO_GRAPH) from error

    async def remove(self, tenant: str, document_id: str, held: Held | None, order: int = 0) -> int | None:
        """Remove the document in all versions up to this order and to those that it was seen to have."""
        if self._writer is None or held is None:
            return None
        try:
            last = max(order, held.order)
            return (await self._writer.remove(tenant, {document_id: last})).get(document_id, 0)
        except GraphUnavailable as error:
            raise GraphUnavailable(f"the document is in the graph still: {error}", remedy=_NO_GRAPH) from error


async def remove_document(
    settings: StoreSettings, tenant: str, document_id: str, *, source: str, dry_run: bool = False
) -> DocumentRemoval:
    """Remove a document from the index, the changelog of vectors and the graph; again removes nothing.

    It may be done while a job writes the document: the job begins anew then, and the document comes back with its end.

    Args:
        settings: where the servers are.
        tenant: whose document it is.
        document_id: such as ``ctgov:NCT05814159``.
        source: who does it, for the changelog.
        dry_run: only count what there is.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
        IndexMissing: the tenant has no index, nor is the document in the graph.
        GraphUnavailable: Neo4j does not answer. Nothing was removed, or the repeat goes on.
        IndexUnavailable: OpenSearch does not answer, or others write the document all the time.
        KafkaUnavailable: Kafka does not take the tombstones. What was done by then is done; do it again.
        ConfigurationError: OpenSearch refused.
    """
    names = TenantNames(tenant)
    total = DocumentRemoval(tenant, document_id)
    async with _stores(settings, source) as (server, changelog, graph):
        for _ in range(TRIES):
            # The graph first: whatever it has of a version that the index does not have was removed there.
            held = await graph.held(tenant, document_id)
            try:
                found = await _find(server, names, document_id)
            except IndexMissing:
                if held is None or not held.claims:
                    raise
                found = None
            if dry_run:
                return _counted(total, found, held)
            if found is None or found.nothing:
                return _sum(total, replace(total, claims=await graph.remove(tenant, document_id, held)))
            marked = await _mark(server, found)
            if marked is None:
                continue
            claims = await graph.remove(tenant, document_id, held, marked.record.manifest.order)
            total = _sum(total, replace(await _remove(server, changelog, marked), claims=claims))
            if found.indexed < PAGE:
                return total
    raise IndexUnavailable(
        f"{document_id!r} of tenant {tenant!r} was written by others {TRIES} times while it was to be removed",
        remedy="Cancel the jobs that index it (`medkg status`, `medkg job cancel`), and remove it again.",
    )


@asynccontextmanager
async def _stores(settings: StoreSettings, source: str) -> AsyncIterator[tuple[SearchServer, VectorChangelog, _Graph]]:
    async with AsyncExitStack() as stack:
        server = SearchServer(settings.opensearch_url, timeout_s=TIMEOUT_S)
        stack.push_async_callback(server.close)
        changelog = VectorChangelog(settings.kafka, "medkg-documents", source)
        stack.push_async_callback(changelog.close)
        writer = None
        if settings.neo4j_url:
            neo4j = settings.connect(GRAPH_TIMEOUT_S)
            stack.push_async_callback(neo4j.close)
            writer = GraphWriter(neo4j)
        yield server, changelog, _Graph(writer)


async def _find(server: SearchServer, names: TenantNames, document_id: str) -> _Found:
    # The records first: whatever is found was listed before it was written, and is listed still unless it is dead.
    await server.call("POST", f"/{names.chunks}/_refresh")
    body = {"size": PAGE, "query": {"term": {"document_id": document_id}}, "_source": ["vectors"]}
    hits = (await server.call("POST", f"/{names.chunks}/_search", body=body))["hits"]["hits"]
    record = await _manifest(server, names, document_id)
    listed = {one for version in record.manifest.versions for one in version.records}
    strays = {hit["_id"]: bool(hit["_source"].get("vectors")) for hit in hits if hit["_id"] not in listed}
    return _Found(names, record, len(hits), strays, await live_model(server, names))


async def _manifest(server: SearchServer, names: TenantNames, document_id: str) -> ManifestRecord:
    wanted = [{"_index": names.documents, "_id": manifest_id(document_id)}]
    (item,) = (await server.call("POST", "/_mget", body={"docs": wanted}))["docs"]
    if "error" in item:
        raise refused(f"manifest of {document_id!r}", item["error"])
    return read_manifest(document_id, item)


def _counted(nothing: DocumentRemoval, found: _Found | None, held: Held | None) -> DocumentRemoval:
    counted = replace(nothing, claims=None if held is None else held.claims)
    if found is None:
        return counted
    return replace(
        counted, records=found.indexed, vectors=len(found.tombstones()), unfinished=_unfinished(found.record)
    )


async def _mark(server: SearchServer, found: _Found) -> _Found | None:
    """List all versions as dead, so that nobody shows one; None when somebody else has written the manifest since."""
    if found.record.written is None:
        return found
    manifest = found.record.manifest.removed()
    (outcome,) = await send(server, [found.record.write(found.names, manifest)])
    if outcome.conflict:
        return None
    _check([outcome])
    return _Found(found.names, ManifestRecord(manifest, outcome.written), found.indexed, found.strays, found.models)


async def _remove(server: SearchServer, changelog: VectorChangelog, found: _Found) -> DocumentRemoval:
    withdrawn = found.tombstones()
    if found.models is not None:
        await _announce(server, changelog, found)
    outcomes = await send(server, found.operations(), "true")
    _check(outcomes)
    await _publish(changelog, withdrawn)
    if found.record.written is not None:
        cleaned = found.record.manifest.cleaned(round(time.time() * 1000))
        await send(server, [_last(found, cleaned)])  # whoever has written it meanwhile finds the dead there
    removed = sum(outcome.removed for outcome in outcomes)
    return DocumentRemoval(found.names.tenant, found.document_id, removed, len(withdrawn), _unfinished(found.record))


async def _announce(server: SearchServer, changelog: VectorChangelog, found: _Found) -> None:
    """Say that nobody is to see the document, and look again: a job may have made a version visible meanwhile."""
    manifest, said = found.record.manifest, None
    while (change := announcement(found.names, manifest)) != said:
        await _publish(changelog, [change])
        manifest, said = (await _manifest(server, found.names, found.document_id)).manifest, change


def _last(found: _Found, cleaned: Manifest) -> Operation:
    return found.record.write(found.names, cleaned) if cleaned.versions else found.record.delete(found.names)


async def _publish(changelog: VectorChangelog, changes: Sequence[VectorChange]) -> None:
    (error,) = await changelog.write([changes])
    if error is not None:
        raise error


def _check(outcomes: Sequence[Outcome]) -> None:
    error: MedkgError | None = next((outcome.error for outcome in outcomes if outcome.error is not None), None)
    if error is not None:
        raise error


def _unfinished(record: ManifestRecord) -> int:
    return sum(version.open_since is not None for version in record.manifest.versions)


def _sum(one: DocumentRemoval, other: DocumentRemoval) -> DocumentRemoval:
    return DocumentRemoval(
        one.tenant,
        one.document_id,
        one.records + other.records,
        one.vectors + other.vectors,
        max(one.unfinished, other.unfinished),
        None if other.claims is None else (one.claims or 0) + other.claims,
    )
