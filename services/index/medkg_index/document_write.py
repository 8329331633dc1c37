"""One job's part of a batch: a document's chunks and their vectors, as records and as changes."""

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from medkg_contracts.changelog import VectorKey, VectorPut
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Chunk, Document
from medkg_contracts.knowledge import Entities
from medkg_contracts.vectors import Embeddings, SparseVectors
from medkg_search import TenantNames, chunk_entities, chunk_source, document_facets, feature_weights
from medkg_search.bulk import Operation
from medkg_search.manifest import record_id

#: Of what is made of a document: with another one the same content is another version.
VERSION: Final = "2"

_FLOAT_BYTES = 4


class Given(NamedTuple):
    """What a job is given of its document."""

    document: Document
    chunks: list[Chunk]
    embeddings: Embeddings | None
    sparse_vectors: SparseVectors | None
    entities: Entities | None


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document, its chunks and the vectors that there are of them, to be written for one tenant.

    Attributes:
        position: in the batch.
        facets: what each record has of the document.
        entities: what the record of each chunk has of those; nothing where the topology makes none.
        content: digest of all that is written.
        unless_it_stands: nothing is written if this content is what is to be seen of the document already.
    """

    position: int
    names: TenantNames
    document_id: str
    facets: dict[str, Any]
    chunks: list[Chunk]
    embeddings: Embeddings | None
    sparse_vectors: SparseVectors | None
    entities: Sequence[dict[str, list[str]]]
    content: str
    unless_it_stands: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        """The model of the dense vectors, as keys name it, if there are any."""
        return () if self.embeddings is None else (self.embeddings.model.key,)

    def record_ids(self, version: str) -> list[str]:
        """The ids of the records of a version with this name."""
        return [record_id(chunk.id, version) for chunk in self.chunks]

    def writes(self, version: str) -> Iterator[Operation]:
        """Writes every chunk."""
        vectors = self.sparse_vectors.vectors if self.sparse_vectors is not None else ()
        weights = {vector.chunk_id: vector.weights for vector in vectors}
        for chunk, entities in zip(self.chunks, self.entities, strict=True):
            added = {"version": version, "vectors": self.embeddings is not None}
            source = chunk_source(chunk) | self.facets | entities | added
            if self.sparse_vectors is not None:
                source["sparse"] = feature_weights(weights[chunk.id])
            yield Operation("index", self.names.chunks, record_id(chunk.id, version), source)

    def puts(self, version: str) -> Iterator[VectorPut]:
        """Puts every dense vector."""
        if self.embeddings is None:
            return
        width = self.embeddings.model.dimension * _FLOAT_BYTES
        for row, chunk_id in enumerate(self.embeddings.chunk_ids):
            key = VectorKey(self.names.tenant, self.document_id, record_id(chunk_id, version), *self.models)
            vector = self.embeddings.rows[row * width : (row + 1) * width]
            yield VectorPut(key, version, self.embeddings.model.ref, vector)


def document_write(position: int, tenant: str, given: Given, *, unless_it_stands: bool = False) -> DocumentWrite:
    """The job at this position of the batch.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
        InvalidDocument: a chunk or the entities are another document's, there are not vectors of just these chunks, or
            one of those has a number that is not finite.
    """
    names = TenantNames(tenant)
    document, chunks, embeddings, sparse_vectors, entities = given
    for chunk in chunks:
        if chunk.document_id != document.id:
            raise InvalidDocument(f"chunk {chunk.id} is of document {chunk.document_id!r}, not of {document.id!r}")
    if embeddings is not None:
        _check("embeddings", document.id, chunks, list(embeddings.chunk_ids))
        _check_numbers(embeddings)
    if sparse_vectors is not None:
        _check("sparse_vectors", document.id, chunks, [vector.chunk_id for vector in sparse_vectors.vectors])
    if entities is not None and entities.document_id != document.id:
        raise InvalidDocument(f"the entities are of document {entities.document_id!r}, not of {document.id!r}")
    named = chunk_entities(chunks, entities)
    content = _content(given, named)
    facets = document_facets(document)
    return DocumentWrite(
        position, names, document.id, facets, chunks, embeddings, sparse_vectors, named, content, unless_it_stands
    )


def _check(artifact: str, document_id: str, chunks: list[Chunk], found: list[str]) -> None:
    missing, foreign = {chunk.id for chunk in chunks} - set(found), set(found) - {chunk.id for chunk in chunks}
    if missing or foreign:
        raise InvalidDocument(
            f"{artifact} of {document_id!r} lack {len(missing)} of its {len(chunks)} chunks and have {len(foreign)} "
            "that it does not have",
            remedy="Run the stage that made them again on these chunks; if it is a stage of your own, correct it.",
        )


def _check_numbers(embeddings: Embeddings) -> None:
    numbers = struct.unpack(f"<{len(embeddings.rows) // _FLOAT_BYTES}f", embeddings.rows)
    if math.isfinite(math.fsum(map(abs, numbers))):
        return
    wrong = next(place for place, number in enumerate(numbers) if not math.isfinite(number))
    raise InvalidDocument(
        f"the vector of chunk {embeddings.chunk_ids[wrong // embeddings.model.dimension]!r} has a number that is not "
        "finite",
        remedy="See why the model makes such numbers of this text; in half precision they may be too large.",
    )


def _content(given: Given, named: Sequence[dict[str, list[str]]]) -> str:
    """What identifies all that is written: the same is never written as two versions."""
    document, chunks, embeddings, sparse_vectors, _ = given
    parts = [document.model_dump_json().encode(), *(chunk.model_dump_json().encode() for chunk in chunks)]
    if embeddings is not None:
        parts += [embeddings.model.model_dump_json().encode(), "\0".join(embeddings.chunk_ids).encode()]
        parts.append(bytes(embeddings.rows))
    if sparse_vectors is not None:
        parts.append(sparse_vectors.model_dump_json().encode())
    if any(named):
        parts.append(json.dumps(named).encode())
    found = hashlib.sha256(VERSION.encode())
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
