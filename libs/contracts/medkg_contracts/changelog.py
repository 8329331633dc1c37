"""``vectors.changelog.v1``: what every search node's view of the dense vectors is made of.

The topic is compacted. All that is about one document stands in one partition, that of ``<tenant>/<document>``, so that
it is read in the order in which it was written:

    the vectors of a version of the document, each under its own key
    that this version is what is to be seen (`VisibleVersion`)
    tombstones of the version before

A version is seen from its `VisibleVersion` on, in whole; whoever reads only a part of this has an earlier version or
none. A vector's key names its record, which no two versions share, so that compaction leaves a version whole as long as
it may be seen. The live model of a tenant (`LiveModel`) stands in every partition.

Every record is a CloudEvent in binary mode; the key says what it is about. A tombstone has no value.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, ValidationError

from .cloudevents import JSON, CloudEvent, from_record, to_headers
from .errors import PoisonRecord
from .model import Contract, first_violation
from .records import Record
from .vectors import EmbeddingModel

TYPE_PREFIX: Final = "org.medicalkg.vectors."
#: The media type of a vector: little-endian 32-bit floats.
FLOATS: Final = "application/vnd.medkg.floats"
_PUT, _DELETED = f"{TYPE_PREFIX}vector.put", f"{TYPE_PREFIX}vector.deleted"
_VISIBLE, _REMOVED = f"{TYPE_PREFIX}version.visible", f"{TYPE_PREFIX}document.removed"
_LIVE = f"{TYPE_PREFIX}model.live"
_FLOAT_BYTES: Final = 4


class VisibleVersion(Contract):
    """The version of a document that is to be seen.

    Attributes:
        tenant: whose document it is.
        document_id: the document.
        version: names the document's content, its chunks and their vectors.
        order: grows with each version of the document that was made visible; the highest counts.
        chunks: how many records the version has.
    """

    tenant: str
    document_id: str
    version: str
    order: Annotated[int, Field(ge=0)]
    chunks: Annotated[int, Field(ge=0)]


class LiveModel(Contract):
    """The model that a tenant's searches use, among those that there are vectors of.

    Attributes:
        tenant: whose searches.
        model: that they use.
        order: grows with each change; the highest counts.
        beside: of which there are, or will be, vectors of the same records: searches may be switched to it.
    """

    tenant: str
    model: EmbeddingModel
    order: Annotated[int, Field(ge=0)]
    beside: EmbeddingModel | None = None


@dataclass(frozen=True, slots=True)
class VectorKey:
    """Which vector: of a record of the search index, by a model.

    Attributes:
        record_id: the record's ``_id``: one chunk in one version of its document.
        model: the first 12 digits of the model's revision.
    """

    tenant: str
    document_id: str
    record_id: str
    model: str

    def encode(self) -> bytes:
        """``<tenant>/<document>/<record>@<model>``; a tenant has no slash, a record's id neither slash nor @."""
        return f"{self.tenant}/{self.document_id}/{self.record_id}@{self.model}".encode()


@dataclass(frozen=True, slots=True)
class VectorPut:
    """A chunk's vector.

    Attributes:
        version: of the document that the record belongs to.
        model: ``name@revision12`` of the model.
        vector: little-endian 32-bit floats.
    """

    key: VectorKey
    version: str
    model: str
    vector: bytes | memoryview


@dataclass(frozen=True, slots=True)
class VectorDeleted:
    """The record is there no more."""

    key: VectorKey


@dataclass(frozen=True, slots=True)
class DocumentRemoved:
    """The document is there no more, in no version."""

    tenant: str
    document_id: str


VectorChange = VectorPut | VectorDeleted | VisibleVersion | DocumentRemoved | LiveModel


@dataclass(frozen=True, slots=True)
class ChangelogRecord:
    """A change as a record.

    Attributes:
        place: what decides the partition, `partition_of` its UTF-8; None for a record that stands in every partition.
    """

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    place: str | None


def write_change(change: VectorChange, time: datetime, source: str) -> ChangelogRecord:
    """The change as a record of the topic."""
    tenant, document_id = _whose(change)
    place = None if document_id is None else f"{tenant}/{document_id}"
    attributes: dict[str, str] = {}
    value: bytes | None = None
    content: str | None = None
    match change:
        case VectorPut():
            kind, key, value, content = _PUT, change.key.encode(), bytes(change.vector), FLOATS
            attributes = {"version": change.version, "model": change.model}
        case VectorDeleted():
            kind, key = _DELETED, change.key.encode()
        case VisibleVersion():
            kind, key, value, content = _VISIBLE, f"{place}/".encode(), change.model_dump_json().encode(), JSON
        case DocumentRemoved():
            kind, key = _REMOVED, f"{place}/".encode()
        case LiveModel():
            # Without the field that most never need, as releases before it wrote and read it.
            body = change.model_dump_json(exclude_none=True).encode()
            kind, key, value, content = _LIVE, f"{tenant}//".encode(), body, JSON
    identity = hashlib.sha256(b"\0".join((kind.encode(), key, value or b""))).hexdigest()[:32]
    attributes |= {"tenantid": tenant, "partitionkey": place or tenant}
    event = CloudEvent(
        id=identity, source=source, type=kind, time=time, datacontenttype=content, extensions=attributes, data=value
    )
    return ChangelogRecord(key, value, to_headers(event), place)


def read_change(record: Record) -> VectorChange | None:
    """The change that a record of the topic says; None for one of another type, which a later release may write.

    Raises:
        PoisonRecord: it breaks the form.
    """
    if record.value is None:
        return _tombstone(record.key or b"")
    event = from_record(record.headers, record.value)
    try:
        match event.type:
            case _ if event.type == _PUT:
                return _put(record, event.extensions)
            case _ if event.type == _VISIBLE:
                return VisibleVersion.model_validate_json(record.value)
            case _ if event.type == _LIVE:
                return LiveModel.model_validate_json(record.value)
    except ValidationError as error:
        raise PoisonRecord(f"{event.type}: {first_violation(error)}") from error
    return None


def _put(record: Record, attributes: Mapping[str, str]) -> VectorPut:
    value = record.value or b""
    if not value or len(value) % _FLOAT_BYTES:
        raise PoisonRecord(f"a vector of {len(value)} bytes is not one of 32-bit floats")
    for name in ("version", "model"):
        if name not in attributes:
            raise PoisonRecord(f"required attribute {name!r} is missing")
    return VectorPut(_vector_key(record.key or b""), attributes["version"], attributes["model"], value)


def _tombstone(key: bytes) -> VectorDeleted | DocumentRemoved | None:
    """What a tombstone says by its key alone: other writers' tombstones have no headers, nor has a compacted one."""
    text = _text(key)
    tenant, _, rest = text.partition("/")
    document_id, slash, record = rest.rpartition("/")
    if not slash or not document_id:
        return None
    return VectorDeleted(_vector_key(key)) if record else DocumentRemoved(tenant, document_id)


def _vector_key(key: bytes) -> VectorKey:
    tenant, _, rest = _text(key).partition("/")
    document_id, _, record = rest.rpartition("/")
    record_id, _, model = record.rpartition("@")
    if not (tenant and document_id and record_id and model):
        raise PoisonRecord(f"the key {key[:200]!r} is not <tenant>/<document>/<record>@<model>")
    return VectorKey(tenant, document_id, record_id, model)


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise PoisonRecord(f"the key is not UTF-8: {error}") from error


def _whose(change: VectorChange) -> tuple[str, str | None]:
    match change:
        case VectorPut() | VectorDeleted():
            return change.key.tenant, change.key.document_id
        case LiveModel():
            return change.tenant, None
    return change.tenant, change.document_id
