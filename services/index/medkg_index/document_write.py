"""One job's part of a batch, and the manifest of its document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Document
from medkg_search import TenantNames, chunk_source

from .bulk import Operation, Version

#: OpenSearch refuses a whole bulk request, and so every job of it, for one ``_id`` that is longer in UTF-8 or empty.
MAX_ID_BYTES = 512


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which chunks of a document may be in the index: never fewer than there are.

    Attributes:
        version: of the record; None when there is none yet.
    """

    chunk_ids: frozenset[str] = frozenset()
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document and its chunks, to be written for one tenant.

    Attributes:
        position: in the batch.
    """

    position: int
    names: TenantNames
    document_id: str
    chunks: list[Chunk]

    @property
    def chunk_ids(self) -> frozenset[str]:
        """The ids of the chunks that the document has now."""
        return frozenset(chunk.id for chunk in self.chunks)

    @property
    def manifest_id(self) -> str:
        """The manifest's ``_id``: a document's own id may be longer than the 512 bytes that an ``_id`` may have."""
        return digest(self.document_id)[:32]

    def manifest(self, chunk_ids: frozenset[str], expected: Version | None) -> Operation:
        """Writes the manifest, provided that nobody else has since the `expected` version was read."""
        return Operation(
            self.position,
            "create" if expected is None else "index",
            self.names.documents,
            self.manifest_id,
            {"document_id": self.document_id, "chunk_ids": sorted(chunk_ids)},
            expected,
        )

    def writes(self) -> Iterator[Operation]:
        """Writes every chunk."""
        for chunk in self.chunks:
            yield Operation(self.position, "index", self.names.chunks, chunk.id, chunk_source(chunk))

    def deletes(self, manifest: Manifest) -> Iterator[Operation]:
        """Removes the chunks that the document had and has no more."""
        for chunk_id in sorted(manifest.chunk_ids - self.chunk_ids):
            yield Operation(self.position, "delete", self.names.chunks, chunk_id)


def document_write(position: int, tenant: str, document: Document, chunks: list[Chunk]) -> DocumentWrite:
    """The job at this position of the batch.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
        InvalidDocument: a chunk is another document's, or has an id that no record can have.
    """
    names = TenantNames(tenant)
    for chunk in chunks:
        if chunk.document_id != document.id:
            raise InvalidDocument(f"chunk {chunk.id} is of document {chunk.document_id!r}, not of {document.id!r}")
        if not 1 <= len(chunk.id.encode()) <= MAX_ID_BYTES:
            raise InvalidDocument(
                f"chunk {chunk.ordinal} has an id of {len(chunk.id.encode())} bytes, not 1 to {MAX_ID_BYTES}"
            )
    return DocumentWrite(position, names, document.id, chunks)


def read_manifest(item: dict[str, Any]) -> Manifest:
    """The manifest that an item of a multi-get holds."""
    if not item["found"]:
        return Manifest()
    return Manifest(frozenset(item["_source"]["chunk_ids"]), Version(item["_seq_no"], item["_primary_term"]))
