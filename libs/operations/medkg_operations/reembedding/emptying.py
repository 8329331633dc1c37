"""Removes the vectors of a model from versions of documents.

A version is marked before, so that what dies half-way is known to be incomplete, and not listed without them until all
are withdrawn.
"""

from collections.abc import Sequence

from medkg_contracts.changelog import VectorDeleted, VectorKey
from medkg_search.manifest import DocumentVersion, Manifest
from medkg_search.manifest_record import ManifestRecord

from .manifests import changed_at_once, settle
from .stores import TenantStores, now_ms


def holding(records: Sequence[ManifestRecord], model: str) -> list[ManifestRecord]:
    """The documents of which a version may have vectors of the model."""
    return [record for record in records if any(model in version.models for version in record.manifest.versions)]


async def empty(stores: TenantStores, records: Sequence[ManifestRecord], model: str) -> int:
    """Remove the model's vectors from these documents; how many vectors that were.

    One that somebody else has changed since it was read is left for the next pass.

    Raises:
        ResourceUnavailable: OpenSearch or Kafka does not answer; the next pass goes on.
    """
    now = now_ms()

    def marked(manifest: Manifest) -> Manifest:
        for version in _with(manifest, model):
            manifest = manifest.filling(version.generation, model, now)
        return manifest

    def emptied(manifest: Manifest) -> Manifest:
        for version in _with(manifest, model):
            if version.filling.get(model) == now:
                manifest = manifest.emptied(version.generation, model)
        return manifest

    done = await changed_at_once(stores, records, marked)
    withdrawn = [
        [
            VectorDeleted(VectorKey(stores.names.tenant, record.manifest.document_id, one, model))
            for version in _with(record.manifest, model)
            for one in version.records
        ]
        for record in done
    ]
    await stores.publish(withdrawn)
    await settle(stores, done, emptied)
    return sum(map(len, withdrawn))


def _with(manifest: Manifest, model: str) -> list[DocumentVersion]:
    return [version for version in manifest.versions if model in version.models]
