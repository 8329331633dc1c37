"""The manifests of all of a tenant's documents, and changes of them by compare-and-set."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from medkg_contracts.errors import IndexUnavailable
from medkg_search import refused
from medkg_search.bulk import send
from medkg_search.manifest import Manifest
from medkg_search.manifest_record import ManifestRecord, deletes, manifest_id, read_manifest, tombstones
from medkg_search.results import whole

from .stores import CHANGE_TRIES, TenantStores, now_ms

#: Manifests that are read at once.
PAGE: Final = 500


async def manifest_pages(stores: TenantStores) -> AsyncIterator[list[ManifestRecord]]:
    """All manifests that there are when it begins, some at a time, by the documents' ids.

    One that is changed meanwhile may come as it was before: a change of it is then refused.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
    """
    documents = stores.names.documents
    await stores.server.call("POST", f"/{documents}/_refresh")
    after: Mapping[str, Any] = {}
    while True:
        body = {
            "size": PAGE,
            "query": {"exists": {"field": "document_id"}},
            "sort": [{"document_id": "asc"}],
            "seq_no_primary_term": True,
            **after,
        }
        hits = whole(await stores.server.call("POST", f"/{documents}/_search", body=body))["hits"]["hits"]
        if hits:
            yield [read_manifest(hit["_source"]["document_id"], {**hit, "found": True}) for hit in hits]
        if len(hits) < PAGE:
            return
        after = {"search_after": hits[-1]["sort"]}


async def read_manifests(stores: TenantStores, document_ids: Sequence[str]) -> list[ManifestRecord]:
    """The manifests of these documents as they are now; empty ones of those that have none.

    Raises:
        IndexUnavailable: OpenSearch did not answer.
    """
    wanted = [{"_index": stores.names.documents, "_id": manifest_id(each)} for each in document_ids]
    items = (await stores.server.call("POST", "/_mget", body={"docs": wanted}))["docs"] if wanted else []
    for document_id, item in zip(document_ids, items, strict=True):
        if "error" in item:
            raise refused(f"manifest of {document_id!r}", item["error"])
    return [read_manifest(document_id, item) for document_id, item in zip(document_ids, items, strict=True)]


async def changed_at_once(
    stores: TenantStores, records: Sequence[ManifestRecord], change: Callable[[Manifest], Manifest]
) -> list[ManifestRecord]:
    """Change these manifests; those that nobody has written since they were read, as they are then.

    Raises:
        IndexUnavailable: OpenSearch did not answer, or did not write one.
    """
    changed = [change(record.manifest) for record in records]
    outcomes = await send(
        stores.server, [record.write(stores.names, each) for record, each in zip(records, changed, strict=True)]
    )
    done: list[ManifestRecord] = []
    for each, outcome in zip(changed, outcomes, strict=True):
        if outcome.written is not None:
            done.append(ManifestRecord(each, outcome.written))
        elif outcome.error is not None and not outcome.conflict:
            raise outcome.error
    return done


async def settle(
    stores: TenantStores, records: Sequence[ManifestRecord], change: Callable[[Manifest], Manifest]
) -> list[Manifest]:
    """Change these manifests, each as it is by then, and leave nothing of versions that are dead.

    Args:
        stores: the tenant's.
        records: as they were last read or written.
        change: the manifest after the change.

    Returns:
        The manifests as they were read before the change that was written, in another order.

    Raises:
        IndexUnavailable: OpenSearch did not answer, or others write one of them all the time.
        KafkaUnavailable: Kafka did not take the tombstones.
    """
    left, done = list(records), list[Manifest]()
    for _ in range(CHANGE_TRIES):
        await _clear(stores, left)
        now = now_ms()
        cleaned = [change(record.manifest).cleaned(now) for record in left]
        outcomes = await send(
            stores.server,
            [
                record.write(stores.names, each) if each.versions else record.delete(stores.names)
                for record, each in zip(left, cleaned, strict=True)
                if record.written is not None
            ],
        )
        conflicts: list[str] = []
        there = [record for record in left if record.written is not None]
        for record, outcome in zip(there, outcomes, strict=True):
            if outcome.conflict:
                conflicts.append(record.manifest.document_id)
            elif outcome.error is not None:
                raise outcome.error
        done += [record.manifest for record in left if record.manifest.document_id not in conflicts]
        if not conflicts:
            return done
        left = await read_manifests(stores, conflicts)
    raise IndexUnavailable(f"{left[0].manifest.document_id!r} is written by others all the time")


async def _clear(stores: TenantStores, records: Sequence[ManifestRecord]) -> None:
    """Delete all that is dead of these documents, in both stores."""
    dead = [(record.manifest.document_id, version) for record in records for version in record.manifest.dead]
    if not dead:
        return
    for outcome in await send(stores.server, [one for _, version in dead for one in deletes(stores.names, version)]):
        if outcome.error is not None:
            raise outcome.error
    await stores.publish([list(tombstones(stores.names, document_id, version)) for document_id, version in dead])
