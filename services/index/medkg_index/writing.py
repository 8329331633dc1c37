"""Writes a batch of jobs: whatever fails or dies half-way, a repeat of the job puts right.

What a document has in the index is known from its manifest, a record that is read by id: that sees the last write at
once, where a search (or delete-by-query) sees only what has been refreshed and would miss records of a second ago.

1. read the manifests;
2. open: list the version in the manifest, by compare-and-set, before anything of it is written; only then read whose
   vectors the tenant takes: a migration to another model, which changes that first and then looks at the manifests,
   finds there whatever was still let in;
3. put the vectors into the changelog;
4. write the records, until searches could see them; a version that was sealed before has them all, and they are not
   analysed once more unless one is gone or was written by somebody else;
5. seal: the version is the visible one now, by compare-and-set;
6. show: say so in the changelog, from which search nodes know it. Another writer may have sealed a version meanwhile,
   and have said so first: who finds that says it again, so that the last word is the last version's;
7. clean: delete the records of dead versions, withdraw their vectors, and list them no more; those of the version that
   was seen until now only when search nodes have had time to read of the new one, as nothing of the document would be
   found meanwhile.

A job that is to write only what does not stand leaves out 2 to 5 where its version is the visible one. It says so all
the same, and cleans: whoever sealed that version may have died before.

Up to 6 a search sees the earlier version and from then on this one, in whole, wherever it looks. Two jobs that write
different versions of one document at the same time cannot undo each other unseen: when one seals, the other's version
is dead, which it finds when it wants to seal; then it begins anew, as another version. The last to seal wins.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import VectorChange
from medkg_contracts.errors import IndexUnavailable, MedkgError
from medkg_contracts.ir import IndexReceipt
from medkg_search import SearchServer, refused
from medkg_search.bulk import Operation, Outcome, send
from medkg_search.manifest import DocumentVersion, Manifest, version_name
from medkg_search.manifest_record import ManifestRecord, announcement, deletes, manifest_id, read_manifest, tombstones

from .document_write import DocumentWrite
from .live_models import LiveModels

#: How often a manifest that others write at the same time is read again and changed as it is then.
CHANGE_TRIES: Final = 5

#: Seconds that search nodes have to read what was said. They wait for it, and have it in a few hundredths.
READ_S: Final = 0.25

_OVERTAKEN: Final = "Wait: the write begins anew. If it stays so, several jobs write the document all the time."


@dataclass(eq=False, slots=True)
class Writing:
    """How far a job's write has come.

    Attributes:
        record: the document's manifest as it was last read or written.
        generation: of the version that is written, once it is open.
        replaces: another version was seen until this one was sealed.
        removed: how many records of earlier versions were deleted.
        order: of the version's becoming visible, once it is.
        error: why it failed.
        conflict: it failed since another writer of the same document got ahead.
    """

    job: DocumentWrite
    record: ManifestRecord = field(init=False)
    generation: int | None = None
    replaces: bool = False
    removed: int = 0
    order: int = 0
    error: MedkgError | None = None
    conflict: bool = False

    @property
    def version(self) -> DocumentVersion | None:
        """The version that is written, as the manifest has it."""
        return next((one for one in self.record.manifest.versions if one.generation == self.generation), None)

    @property
    def stands(self) -> bool:
        """Whether nothing has to be written: this content, with its vectors, is what is to be seen already."""
        visible = self.record.manifest.visible
        if not self.job.unless_it_stands or visible is None or visible.content != self.job.content:
            return False
        return set(self.job.models) <= set(visible.models)

    @property
    def version_name(self) -> str:
        """What its records and the changelog call the version, once it is open."""
        return version_name(self.generation or 0, self.job.content)

    @property
    def given_up(self) -> bool:
        """It is open and was not sealed, and no other try can help."""
        if self.error is None or self.error.retryable:
            return False
        return self.version is not None and self.version.standing == "new"


class BatchWriter:
    """Writes jobs of different documents.

    Attributes:
        writings: how far each has come.
    """

    def __init__(
        self,
        server: SearchServer,
        changelog: VectorChangelog,
        models: LiveModels,
        refresh: str,
        jobs: Sequence[DocumentWrite],
    ) -> None:
        self._server = server
        self._changelog = changelog
        self._models = models
        self._refresh = refresh
        self.writings = [Writing(job) for job in jobs]

    async def write(self) -> dict[int, IndexReceipt]:
        """A receipt for each job that has no error, by its position in the batch."""
        await self._read(self._alive())
        written = [each for each in self._alive() if not each.stands]
        for each in self._alive():
            each.order = _visible_order(each.record.manifest)
        await self._open(written)
        await self._check()
        await self._put(written)
        await self._write_records(written)
        await self._seal(written)
        await self._show()
        if any(each.replaces and each.record.manifest.tracked for each in self._alive()):
            await asyncio.sleep(READ_S)
        await self._clean(self._alive())
        await self._withdraw()
        return {
            each.job.position: IndexReceipt(
                document_id=each.job.document_id,
                index=each.job.names.chunks,
                chunks=len({chunk.id for chunk in each.job.chunks}),
                stale_removed=each.removed,
                order=each.order,
            )
            for each in self._alive()
        }

    def _alive(self) -> list[Writing]:
        return _sound(self.writings)

    async def _read(self, writings: Sequence[Writing]) -> None:
        """Reads the manifests of all."""
        if not writings:
            return
        wanted = [(each.job.names.documents, manifest_id(each.job.document_id)) for each in writings]
        body = {"docs": [{"_index": alias, "_id": id_} for alias, id_ in wanted]}
        try:
            items = (await self._server.call("POST", "/_mget", body=body))["docs"]
        except MedkgError as error:
            for each in writings:
                each.error = error
            return
        for each, item in zip(writings, items, strict=True):
            try:
                if "error" in item:
                    raise refused(f"manifest of {each.job.document_id!r}", item["error"])
                each.record = read_manifest(each.job.document_id, item)
            except MedkgError as error:
                each.error = error

    async def _check(self) -> None:
        errors = await self._models.check([each.job for each in self._alive()])
        for each in self._alive():
            each.error = errors.get(each.job.position)

    async def _open(self, writings: Sequence[Writing]) -> None:
        def opened(each: Writing) -> Manifest:
            job = each.job
            manifest, version = each.record.manifest.opened(job.content, job.record_ids, job.models, _now_ms())
            each.generation = version.generation
            return manifest

        await self._write_manifests(writings, opened)

    async def _put(self, writings: Sequence[Writing]) -> None:
        await self._publish([(each, list(each.job.puts(each.version_name))) for each in _sound(writings)])

    async def _write_records(self, writings: Sequence[Writing]) -> None:
        whole = await self._whole(
            [one for one in _sound(writings) if one.version and one.version.standing == "visible"]
        )
        lacking = [each for each in _sound(writings) if each not in whole]
        # What the changelog then says is to be seen is there to be seen.
        shown = self._refresh == "false" and any(each.job.embeddings is not None for each in lacking)
        operations = [(each, one) for each in lacking for one in each.job.writes(each.version_name)]
        await self._bulk(operations, "true" if shown else self._refresh)

    async def _whole(self, writings: Sequence[Writing]) -> set[Writing]:
        """Those of whose versions every record is in the index, and was written once."""
        wanted = [(each, record) for each in writings for record in each.job.record_ids(each.version_name)]
        if not wanted:
            return set(writings)
        docs = [{"_index": each.job.names.chunks, "_id": record, "_source": False} for each, record in wanted]
        try:
            items = (await self._server.call("POST", "/_mget", body={"docs": docs}))["docs"]
        except MedkgError as error:
            for each in writings:
                each.error = error
            return set()
        lacking = {each for (each, _), item in zip(wanted, items, strict=True) if item.get("_version") != 1}
        return set(writings) - lacking

    async def _seal(self, writings: Sequence[Writing]) -> None:
        def sealed(each: Writing) -> Manifest | None:
            manifest, version = each.record.manifest, each.version
            if version is None or version.standing == "dead":
                return None
            each.replaces = manifest.visible not in (None, version)
            after = manifest.sealed(version.generation, _now_ms())
            each.order = _visible_order(after)
            return after

        await self._write_manifests(_sound(writings), sealed)

    async def _show(self) -> None:
        writings = [each for each in self._alive() if each.record.manifest.tracked]
        while writings:
            said = {each: announcement(each.job.names, each.record.manifest) for each in writings}
            await self._publish([(each, [change]) for each, change in said.items()])
            writings = [each for each in writings if each.error is None]
            await self._read(writings)
            writings = [
                each
                for each in writings
                if each.error is None and announcement(each.job.names, each.record.manifest) != said[each]
            ]

    async def _clean(self, writings: Sequence[Writing]) -> None:
        """Deletes all that is dead of these documents, in both stores, and then lists it no more."""
        dead = [(each, version) for each in writings for version in each.record.manifest.dead]
        operations = [(each, one) for each, version in dead for one in deletes(each.job.names, version)]
        for (each, _), outcome in zip(operations, await self._bulk(operations, self._refresh), strict=True):
            each.removed += outcome.removed
        await self._publish(
            [(each, list(tombstones(each.job.names, each.job.document_id, version))) for each, version in dead]
        )
        now = _now_ms()
        cleaned = dict.fromkeys(each for each, _ in dead if each.error is None)
        # Whoever has written the manifest meanwhile finds the dead there, and deletes them again.
        await send(
            self._server,
            [each.record.write(each.job.names, each.record.manifest.cleaned(now)) for each in cleaned],
        )

    async def _withdraw(self) -> None:
        """Leaves nothing of what no other try can write."""
        given_up = [each for each in self.writings if each.given_up]
        if not given_up:
            return
        errors = {each: each.error for each in given_up}
        for each in given_up:
            each.error = None
        await self._write_manifests(given_up, lambda each: each.record.manifest.withdrawn(each.generation or 0))
        await self._clean([each for each in given_up if each.error is None])
        for each, error in errors.items():
            each.error = error

    async def _write_manifests(self, writings: Sequence[Writing], change: Callable[[Writing], Manifest | None]) -> None:
        """Changes each one's manifest; the one that somebody else has written meanwhile, as it is then.

        Args:
            writings: whose.
            change: the manifest after the change; None when the version is dead, so that the job has to begin anew.
        """
        for _ in range(CHANGE_TRIES):
            changed = [(each, change(each)) for each in writings]
            for each in (each for each, manifest in changed if manifest is None):
                each.conflict, each.error = True, IndexUnavailable(_overtaken(each.job), remedy=_OVERTAKEN)
            live = [(each, manifest) for each, manifest in changed if manifest is not None]
            outcomes = await send(self._server, [each.record.write(each.job.names, one) for each, one in live])
            writings = []
            for (each, manifest), outcome in zip(live, outcomes, strict=True):
                if outcome.written is not None:
                    each.record = ManifestRecord(manifest, outcome.written)
                elif outcome.conflict:
                    writings.append(each)
                else:
                    each.error = outcome.error
            if not writings:
                return
            await self._read(writings)
            writings = [each for each in writings if each.error is None]
        for each in writings:
            each.conflict, each.error = True, IndexUnavailable(_overtaken(each.job), remedy=_OVERTAKEN)

    async def _publish(self, changes: Sequence[tuple[Writing, list[VectorChange]]]) -> None:
        for (each, _), error in zip(changes, await self._changelog.write([one for _, one in changes]), strict=True):
            each.error = each.error or error

    async def _bulk(self, operations: Iterable[tuple[Writing, Operation]], refresh: str = "false") -> list[Outcome]:
        """The operations' outcomes; a job's first error is kept."""
        pairs = list(operations)
        outcomes = await send(self._server, [one for _, one in pairs], refresh)
        for (each, _), outcome in zip(pairs, outcomes, strict=True):
            each.error = each.error or outcome.error
        return outcomes


def _sound(writings: Iterable[Writing]) -> list[Writing]:
    """Those that have not failed."""
    return [each for each in writings if each.error is None]


def _visible_order(manifest: Manifest) -> int:
    return manifest.visible.order if manifest.visible is not None else 0


def _overtaken(job: DocumentWrite) -> str:
    return f"another version of {job.document_id!r} was sealed while this one was written"


def _now_ms() -> int:
    return round(time.time() * 1000)
