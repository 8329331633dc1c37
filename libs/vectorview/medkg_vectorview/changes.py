"""What remains of a batch of changes once each key's last one counts, and what cannot be taken over."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from medkg_contracts.changelog import (
    DocumentRemoved,
    LiveModel,
    VectorChange,
    VectorDeleted,
    VectorKey,
    VectorPut,
    VisibleVersion,
)
from medkg_contracts.errors import PoisonRecord

from .faiss_adapter import Matrix

_ID_DIGITS: Final = 32
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


@dataclass(slots=True)
class VectorBatch:
    """The vectors of a model: by record id what to store, or None for what to delete."""

    dimension: int
    last: dict[bytes, VectorPut | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What is said of a document.

    Attributes:
        visible: its version; None when it is there no more.
        anew: whatever was known of it does not count, since it was removed.
    """

    visible: VisibleVersion | None
    anew: bool


@dataclass(slots=True)
class TenantBatch:
    """The changes of a tenant."""

    vectors: dict[str, VectorBatch] = field(default_factory=dict)
    documents: dict[str, DocumentState] = field(default_factory=dict)
    live: LiveModel | None = None

    def take(self, change: VectorChange, dimension: int | None) -> None:
        """Take a change in, the newest so far.

        Args:
            change: of this tenant.
            dimension: of the model that it has a vector of, as far as that is known.

        Raises:
            PoisonRecord: no search could use it.
        """
        match change:
            case VectorPut():
                self._put(change, dimension)
            case VectorDeleted():
                self._delete(change, dimension)
            case VisibleVersion():
                self._visible(change)
            case DocumentRemoved():
                self.documents[change.document_id] = DocumentState(None, anew=True)
            case LiveModel():
                if self.live is None or change.order >= self.live.order:
                    self.live = change

    def _delete(self, deleted: VectorDeleted, dimension: int | None) -> None:
        record_id = _id_of(deleted.key)
        if (batch := self.vectors.get(deleted.key.model)) is None:
            batch = self.vectors[deleted.key.model] = VectorBatch(dimension or 0)
        batch.last[record_id] = None

    def _put(self, put: VectorPut, dimension: int | None) -> None:
        record_id = _id_of(put.key)
        if not put.version:
            raise PoisonRecord("the version is empty")
        vector = np.frombuffer(put.vector, "<f4")
        batch = self.vectors.get(put.key.model)
        expected = (batch.dimension if batch else dimension) or len(vector)
        if len(vector) != expected:
            raise PoisonRecord(f"a vector of {len(vector)} numbers, where those of model {put.model} have {expected}")
        if not np.isfinite(vector).all():
            raise PoisonRecord("the vector has a number that is not finite")
        if batch is None:
            batch = self.vectors[put.key.model] = VectorBatch(expected)
        batch.dimension = expected
        batch.last[record_id] = put

    def _visible(self, change: VisibleVersion) -> None:
        if not change.version:
            raise PoisonRecord("the version is empty")
        before = self.documents.get(change.document_id)
        if before is None or before.visible is None or change.order >= before.visible.order:
            self.documents[change.document_id] = DocumentState(change, anew=before is not None and before.anew)


def id_of(record_id: str) -> bytes:
    """A record's id as bytes.

    Raises:
        ValueError: it is not of 32 hexadecimal digits.
    """
    if len(record_id) != _ID_DIGITS or not _HEXADECIMAL.issuperset(record_id):
        raise ValueError(f"the record's id {record_id[:100]!r} is not of {_ID_DIGITS} hexadecimal digits")
    return bytes.fromhex(record_id)


def _id_of(key: VectorKey) -> bytes:
    try:
        return id_of(key.record_id)
    except ValueError as error:
        raise PoisonRecord(str(error)) from error


def tenant_of(change: VectorChange) -> str:
    """Whose change it is."""
    return change.key.tenant if isinstance(change, VectorPut | VectorDeleted) else change.tenant


def model_of(change: VectorChange) -> str | None:
    """Of which model it has a vector."""
    return change.key.model if isinstance(change, VectorPut | VectorDeleted) else None


def units(vectors: Matrix) -> Matrix:
    """The vectors with length 1, so that the inner product is the cosine; one of length 0 stays."""
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)
