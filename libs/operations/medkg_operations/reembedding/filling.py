"""Fills versions of documents with the vectors of another model, from their stored chunks.

A version is marked in its manifest before any vector of it is written, by compare-and-set: so whoever replaces or
deletes it meanwhile withdraws these vectors with the others, and lists it until the marks are gone. What dies half-way
is found by its mark, and filled again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from medkg_contracts.changelog import VectorDeleted, VectorKey, VectorPut
from medkg_contracts.errors import InvalidDocument, MedkgError
from medkg_contracts.ir import Chunk
from medkg_models import DenseEncoder
from medkg_models.passages import chunk_error, encode_chunks
from medkg_search import refused
from medkg_search.manifest import DocumentVersion, Manifest
from medkg_search.manifest_record import ManifestRecord
from medkg_search.results import chunk_of

from .manifests import changed_at_once, read_manifests, settle
from .stores import TenantStores, now_ms

#: Chunks that are read and encoded at once.
SLICE: Final = 256


@dataclass(frozen=True, slots=True)
class Lacking:
    """A version that is to be seen and lacks vectors."""

    record: ManifestRecord
    version: DocumentVersion


@dataclass(slots=True)
class Filled:
    """What was filled.

    Attributes:
        chunks: that were embedded.
        truncated: of them, those that were longer than the model takes, and were cut.
        documents: that have all vectors now.
        failures: why documents lack some that no other try can make, by document.
        gone: documents of which records were not there any more.
    """

    chunks: int = 0
    truncated: int = 0
    documents: int = 0
    failures: dict[str, MedkgError] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Place:
    """A record that is to have a vector."""

    document_id: str
    version: str
    record_id: str


def lacking(records: Sequence[ManifestRecord], model: str) -> list[Lacking]:
    """The documents whose visible version has dense vectors, and not all of this model."""
    found = ((record, record.manifest.visible) for record in records)
    return [Lacking(record, version) for record, version in found if version is not None and version.lacks(model)]


class Filler:
    """Fills versions.

    Args:
        stores: the tenant's.
        encoder: of the model whose vectors are wanted, open.
        truncate: whether a chunk that is longer than the model takes is cut; else it is a failure.
    """

    def __init__(self, stores: TenantStores, encoder: DenseEncoder, *, truncate: bool) -> None:
        self._stores = stores
        self._encoder = encoder
        self._truncate = truncate

    async def fill(self, found: Sequence[Lacking]) -> Filled:
        """Fill these; one that somebody else has changed since it was read is left for the next pass.

        Raises:
            ResourceUnavailable: OpenSearch, Kafka or the model's server does not answer; the next pass goes on.
        """
        key, now = self._encoder.model.key, now_ms()
        generations = {each.record.manifest.document_id: each.version.generation for each in found}

        def marked(manifest: Manifest) -> Manifest:
            return manifest.filling(generations[manifest.document_id], key, now)

        records = await changed_at_once(self._stores, [each.record for each in found], marked)
        versions = {
            record.manifest.document_id: version
            for record in records
            if (version := record.manifest.version(generations[record.manifest.document_id])) is not None
        }
        filled = await self._put(versions)
        await self._finish(records, versions, filled)
        return filled

    async def _put(self, versions: dict[str, DocumentVersion]) -> Filled:
        filled = Filled()
        places = [
            _Place(document_id, version.name, record_id)
            for document_id, version in versions.items()
            for record_id in version.records
        ]
        for start in range(0, len(places), SLICE):
            await self._put_slice(places[start : start + SLICE], filled)
        return filled

    async def _put_slice(self, places: Sequence[_Place], filled: Filled) -> None:
        there = await self._read(places)
        encoded = await encode_chunks(self._encoder, [chunk for _, chunk in there], truncate=self._truncate)
        model, puts = self._encoder.model, list[list[VectorPut]]()
        for position, (place, chunk) in enumerate(there):
            error = chunk_error(chunk, encoded, position)
            if error is None:
                vector = encoded.vectors[position].astype("<f4").tobytes()
                puts.append(
                    [VectorPut(self._key(place.document_id, place.record_id), place.version, model.ref, vector)]
                )
            elif error.retryable:
                raise error
            else:
                filled.failures.setdefault(place.document_id, error)
        await self._stores.publish(puts)
        filled.gone |= {place.document_id for place in set(places).difference(place for place, _ in there)}
        filled.chunks += len(puts)
        filled.truncated += len(encoded.truncated)

    async def _read(self, places: Sequence[_Place]) -> list[tuple[_Place, Chunk]]:
        """The chunks that are there."""
        index = self._stores.names.chunks
        wanted = [{"_index": index, "_id": place.record_id, "_source": {"excludes": ["sparse"]}} for place in places]
        items = (await self._stores.server.call("POST", "/_mget", body={"docs": wanted}))["docs"]
        for item in items:
            if "error" in item:
                raise refused(f"record {item['_id']}", item["error"])
        return [(place, chunk_of(item)) for place, item in zip(places, items, strict=True) if item["found"]]

    async def _finish(
        self, records: Sequence[ManifestRecord], versions: dict[str, DocumentVersion], filled: Filled
    ) -> None:
        """Take the marks away; withdraw what was written for a version that nobody lists any more."""
        key = self._encoder.model.key
        for record in await read_manifests(self._stores, sorted(filled.gone)):
            version = record.manifest.visible
            if version == versions[record.manifest.document_id]:
                filled.failures[record.manifest.document_id] = _incomplete(record.manifest.document_id, version)
        whole = [record for record in records if record.manifest.document_id not in filled.failures]

        def finished(manifest: Manifest) -> Manifest:
            return manifest.filled(versions[manifest.document_id].generation, key)

        for manifest in await settle(self._stores, whole, finished):
            version = versions[manifest.document_id]
            now = manifest.version(version.generation)
            if now is None:
                strays = [VectorDeleted(self._key(manifest.document_id, one)) for one in version.records]
                await self._stores.publish([strays])
            elif now.standing == "visible":
                filled.documents += 1

    def _key(self, document_id: str, record_id: str) -> VectorKey:
        return VectorKey(self._stores.names.tenant, document_id, record_id, self._encoder.model.key)


def _incomplete(document_id: str, version: DocumentVersion) -> InvalidDocument:
    return InvalidDocument(
        f"the index lacks records of {document_id!r}, version {version.name}, that its manifest lists",
        remedy="Run the document's job again: `medkg job rerun`. Somebody else has deleted from the index.",
    )
