"""Made changelogs, and what they leave to be seen: by a dictionary, to compare with."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from medkg_contracts.changelog import (
    DocumentRemoved,
    LiveModel,
    VectorChange,
    VectorDeleted,
    VectorKey,
    VectorPut,
    VisibleVersion,
    read_change,
    write_change,
)
from medkg_contracts.records import Record
from medkg_contracts.vectors import EmbeddingModel
from numpy.typing import NDArray

DIMENSION = 4
MODEL = EmbeddingModel(name="tests", revision="a" * 64, dimension=DIMENSION)
OTHER = EmbeddingModel(name="others", revision="b" * 64, dimension=DIMENSION)
TENANT = "public"


def record_id(document_id: str, version: str, chunk: int) -> str:
    """As an index makes it: no two versions share one."""
    return hashlib.sha256(f"{document_id}/{version}/{chunk}".encode()).hexdigest()[:32]


def key(document_id: str, version: str, chunk: int, model: EmbeddingModel = MODEL, tenant: str = TENANT) -> VectorKey:
    """A vector's key."""
    return VectorKey(tenant, document_id, record_id(document_id, version, chunk), model.revision[:12])


def put(
    document_id: str,
    version: str,
    chunk: int,
    vector: Sequence[float] = (1, 0, 0, 0),
    tenant: str = TENANT,
    model: EmbeddingModel = MODEL,
) -> VectorPut:
    """A vector."""
    which = replace(key(document_id, version, chunk, tenant=tenant), model=model.key)
    return VectorPut(which, version, model.ref, np.array(vector, "<f4").tobytes())


def deleted(document_id: str, version: str, chunk: int) -> VectorDeleted:
    """A tombstone."""
    return VectorDeleted(key(document_id, version, chunk))


def visible(document_id: str, version: str, order: int, tenant: str = TENANT) -> VisibleVersion:
    """That a version is to be seen."""
    return VisibleVersion(tenant=tenant, document_id=document_id, version=version, order=order, chunks=1)


def removed(document_id: str) -> DocumentRemoved:
    """That a document is there no more."""
    return DocumentRemoved(TENANT, document_id)


def live(model: EmbeddingModel, order: int) -> LiveModel:
    """That a model is the one that searches use."""
    return LiveModel(tenant=TENANT, model=model, order=order)


def as_records(changes: Iterable[VectorChange]) -> list[Record]:
    """The changes as they stand in a partition."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    written = [write_change(change, now, "/tests") for change in changes]
    return [
        Record("vectors", 0, offset, 0, each.key, each.value, each.headers if each.value else [])
        for offset, each in enumerate(written)
    ]


def compacted(records: Sequence[Record], *, tombstones: bool = True) -> list[Record]:
    """What compaction leaves: the last record of each key; without tombstones, when those are old enough."""
    last = {record.key: record.offset for record in records}
    return [each for each in records if last[each.key] == each.offset and (tombstones or each.value is not None)]


def changes_of(records: Iterable[Record]) -> list[VectorChange]:
    """The changes that stand in records."""
    return [change for record in records if (change := read_change(record)) is not None]


@dataclass
class Expected:
    """What is to be seen, by plain dictionaries."""

    vectors: dict[VectorKey, VectorPut] = field(default_factory=dict)
    documents: dict[str, VisibleVersion] = field(default_factory=dict)
    live: LiveModel | None = None

    def apply(self, change: VectorChange) -> None:
        """Take a change over."""
        match change:
            case VectorPut():
                self.vectors[change.key] = change
            case VectorDeleted():
                self.vectors.pop(change.key, None)
            case VisibleVersion():
                before = self.documents.get(change.document_id)
                if before is None or change.order >= before.order:
                    self.documents[change.document_id] = change
            case DocumentRemoved():
                self.documents.pop(change.document_id, None)
            case LiveModel():
                if self.live is None or change.order >= self.live.order:
                    self.live = change

    def records(self, model: EmbeddingModel = MODEL) -> list[tuple[str, str, str]]:
        """Record, document and version of what is seen."""
        return sorted(
            (each.record_id, each.document_id, put.version)
            for each, put in self.vectors.items()
            if each.model == model.revision[:12]
            and each.document_id in self.documents
            and self.documents[each.document_id].version == put.version
        )

    def nearest(self, query: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """The nearest records, and their cosines."""
        seen = {each[0] for each in self.records()}
        scored = []
        for each, put in self.vectors.items():
            if each.record_id in seen and each.model == MODEL.revision[:12]:
                vector = np.frombuffer(put.vector, "<f4").astype(np.float64)
                lengths = np.linalg.norm(vector) * np.linalg.norm(query.astype(np.float64))
                scored.append((each.record_id, round(float(vector @ query / (lengths or 1)), 5)))
        return sorted(scored, key=lambda each: (-each[1], each[0]))[:count]
