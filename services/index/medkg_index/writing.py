"""Writes a batch of jobs: whatever fails or dies half-way, a repeat of the job puts right.

Chunk ids follow from the document, so writing twice is writing once. What an earlier version of the document left
behind is known from the document's manifest, a record that is read by id: that sees the last write at once, where
a search (or delete-by-query) sees only what has been refreshed and would miss chunks of a second ago.

1. read the manifests;
2. open: write to each the old and the new chunk ids, by compare-and-set, before anything else is written;
3. write the chunks;
4. remove those that the document has no more, now that the new ones are there;
5. seal: write the new ids alone, by compare-and-set.

Two jobs that write different versions of one document at the same time cannot undo each other unseen: the one that
finds the manifest changed has a conflict, and its repeat starts from what the other one left. The last to seal wins.
"""

from collections.abc import Iterable, Sequence

from medkg_contracts.errors import IndexMissing, MedkgError
from medkg_contracts.ir import IndexReceipt
from medkg_search import SearchServer, refused

from .bulk import Operation, Outcome, outcome, requests
from .document_write import DocumentWrite, Manifest, read_manifest


class BatchWriter:
    """Writes jobs of different documents.

    Attributes:
        errors: why jobs failed, by their position in the batch.
        missing: tenants whose indices turned out not to be there.
        conflicts: jobs of `errors` that another writer of the same document got ahead of.
    """

    def __init__(self, server: SearchServer, refresh: str) -> None:
        self._server = server
        self._refresh = refresh
        # OpenSearch itself waits a minute for a lost shard, and the records of all other jobs wait with it: so long no
        # answer is waited for.
        self._wait = f"{server.timeout_s / 2 * 1000:.0f}ms"
        self.errors: dict[int, MedkgError] = {}
        self.missing: set[str] = set()
        self.conflicts: set[int] = set()

    async def write(self, jobs: Sequence[DocumentWrite]) -> dict[int, IndexReceipt]:
        """A receipt for each job that has no error, by its position in the batch."""
        manifests = await self._read(jobs)
        manifests = await self._open(self._alive(jobs), manifests)
        await self._bulk(self._alive(jobs), [op for job in self._alive(jobs) for op in job.writes()], self._refresh)
        alive = self._alive(jobs)
        stale = [op for job in alive for op in job.deletes(manifests[job.position])]
        removed = await self._bulk(alive, stale, self._refresh)
        await self._seal(self._alive(jobs), manifests)
        return {
            job.position: IndexReceipt(
                document_id=job.document_id,
                index=job.names.chunks,
                chunks=len(job.chunk_ids),
                stale_removed=sum(one.removed for one in removed.get(job.position, ())),
            )
            for job in self._alive(jobs)
        }

    def _alive(self, jobs: Iterable[DocumentWrite]) -> list[DocumentWrite]:
        return [job for job in jobs if job.position not in self.errors]

    async def _read(self, jobs: Sequence[DocumentWrite]) -> dict[int, Manifest]:
        wanted = [{"_index": job.names.documents, "_id": job.manifest_id} for job in jobs]
        try:
            answer = await self._server.call("POST", "/_mget", body={"docs": wanted})
        except MedkgError as error:
            self.errors |= {job.position: error for job in jobs}
            return {}
        manifests: dict[int, Manifest] = {}
        for job, item in zip(jobs, answer["docs"], strict=True):
            if "error" in item:
                self._fail(job.position, refused(f"manifest of {job.document_id!r}", item["error"]), job.names.tenant)
            else:
                manifests[job.position] = read_manifest(item)
        return manifests

    async def _open(self, jobs: Sequence[DocumentWrite], manifests: dict[int, Manifest]) -> dict[int, Manifest]:
        growing = [job for job in jobs if not job.chunk_ids <= manifests[job.position].chunk_ids]
        unions = {job.position: manifests[job.position].chunk_ids | job.chunk_ids for job in growing}
        written = await self._bulk(
            growing, [job.manifest(unions[job.position], manifests[job.position].version) for job in growing]
        )
        opened = {job: Manifest(unions[job], outcomes[0].version) for job, outcomes in written.items()}
        return manifests | opened

    async def _seal(self, jobs: Sequence[DocumentWrite], manifests: dict[int, Manifest]) -> None:
        # Without a version there is no manifest: nothing was there and nothing was written.
        sealed = [job for job in jobs if manifests[job.position].version is not None]
        await self._bulk(sealed, [job.manifest(job.chunk_ids, manifests[job.position].version) for job in sealed])

    async def _bulk(
        self, jobs: Sequence[DocumentWrite], operations: Sequence[Operation], refresh: str = "false"
    ) -> dict[int, list[Outcome]]:
        """The operations' outcomes by job; a job's first error is kept in `errors`."""
        tenants = {job.position: job.names.tenant for job in jobs}
        outcomes: dict[int, list[Outcome]] = {}
        for sent, body in requests(operations):
            try:
                answer = await self._server.call(
                    "POST", "/_bulk", params={"refresh": refresh, "timeout": self._wait}, body=body
                )
            except MedkgError as error:
                found = [Outcome(error)] * len(sent)
            else:
                found = [outcome(op, item) for op, item in zip(sent, answer["items"], strict=True)]
            for operation, one in zip(sent, found, strict=True):
                outcomes.setdefault(operation.job, []).append(one)
                self._note(operation.job, one, tenants[operation.job])
        return outcomes

    def _note(self, job: int, one: Outcome, tenant: str) -> None:
        if one.error is not None:
            self._fail(job, one.error, tenant)
        if one.conflict:
            self.conflicts.add(job)

    def _fail(self, job: int, error: MedkgError, tenant: str) -> None:
        self.errors.setdefault(job, error)
        if isinstance(error, IndexMissing):
            self.missing.add(tenant)
