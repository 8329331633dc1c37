"""How a manifest stands in the tenant's index of documents: read by id, and so always current. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medkg_contracts.changelog import DocumentRemoved, VectorDeleted, VectorKey, VisibleVersion
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.ids import digest
from medkg_contracts.model import first_violation
from pydantic import ValidationError

from .bulk import Operation, Written
from .manifest import DocumentVersion, Manifest, earlier_manifest
from .names import TenantNames


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """A manifest as it was read or written.

    Attributes:
        written: which write of it that was; None while there is no record.
    """

    manifest: Manifest
    written: Written | None = None

    def write(self, names: TenantNames, manifest: Manifest) -> Operation:
        """Puts this manifest in its place, provided that nobody else has written it since."""
        return Operation(
            "create" if self.written is None else "index",
            names.documents,
            manifest_id(manifest.document_id),
            {"document_id": manifest.document_id, "manifest": manifest.model_dump(mode="json")},
            self.written,
        )

    def delete(self, names: TenantNames) -> Operation:
        """Removes the record, provided likewise."""
        return Operation("delete", names.documents, manifest_id(self.manifest.document_id), expected=self.written)


def manifest_id(document_id: str) -> str:
    """The record's ``_id``: a document's own id may be longer than the 512 bytes that an ``_id`` may have."""
    return digest(document_id)[:32]


def read_manifest(document_id: str, item: Mapping[str, Any]) -> ManifestRecord:
    """The document's manifest, which an item of a multi-get holds or does not find.

    Raises:
        ConfigurationError: the record is none.
    """
    if not item["found"]:
        return ManifestRecord(Manifest(document_id=document_id))
    source = item["_source"]
    written = Written(item["_seq_no"], item["_primary_term"])
    try:
        if "manifest" not in source:
            return ManifestRecord(earlier_manifest(document_id, source["chunk_ids"]), written)
        return ManifestRecord(Manifest.model_validate(source["manifest"]), written)
    except (ValidationError, KeyError) as error:
        reason = first_violation(error) if isinstance(error, ValidationError) else f"{error} is missing"
        raise ConfigurationError(
            f"record {item['_id']} of index {item['_index']} is no manifest of a document: {reason}",
            remedy="Find who else writes into the index, or which version of medkg did; delete the record, and run its "
            "document again.",
        ) from error


def deletes(names: TenantNames, version: DocumentVersion) -> Iterator[Operation]:
    """Deletes every record of a version."""
    for record in version.records:
        yield Operation("delete", names.chunks, record)


def tombstones(names: TenantNames, document_id: str, version: DocumentVersion) -> Iterator[VectorDeleted]:
    """Withdraws every vector of a version of the document."""
    for model in version.models:
        for record in version.records:
            yield VectorDeleted(VectorKey(names.tenant, document_id, record, model))


def announcement(names: TenantNames, manifest: Manifest) -> VisibleVersion | DocumentRemoved:
    """What the changelog is to say of the document: which version is to be seen, or that none is."""
    version = manifest.visible
    if version is None:
        return DocumentRemoved(names.tenant, manifest.document_id)
    return VisibleVersion(
        tenant=names.tenant,
        document_id=manifest.document_id,
        version=version.name,
        order=version.order,
        chunks=len(version.records),
    )
