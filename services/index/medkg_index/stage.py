"""The index stage: a document's chunks into OpenSearch, their vectors into the changelog, stale ones out of both."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.errors import IndexMissing, MedkgError
from medkg_contracts.ir import Chunk, Document, IndexReceipt
from medkg_contracts.knowledge import Entities
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import Embeddings, SparseVectors
from medkg_search import SearchServer, ensure_indices

from .document_write import VERSION, DocumentWrite, Given, document_write
from .live_models import LiveModels
from .settings import IndexSettings
from .sparse_models import SparseModels
from .writing import BatchWriter

#: How often a job starts again at once when another writer of its document got ahead of it.
CONFLICT_TRIES = 5

#: What became of jobs, by their position in the batch.
Results = dict[int, IndexReceipt | Exception]


class OpenSearchIndexStage:
    """Writes the chunks of several jobs at once; a tenant's indices are made when it is first seen."""

    version: ClassVar[str] = VERSION
    outputs: ClassVar[tuple[str, ...]] = ("index_receipt",)
    pure: ClassVar[bool] = False

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._server = SearchServer(settings.opensearch_url, timeout_s=settings.timeout_s)
        self._changelog = VectorChangelog(settings.kafka, "medkg.index.vectors", "/medkg/index")
        self._models = LiveModels(self._server, self._changelog)
        self._sparse = SparseModels(self._server)
        self._tenants: set[str] = set()

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()
        await self._changelog.close()

    async def execute_batch(
        self,
        ctxs: Sequence[StageContext],
        document: Sequence[Document],
        chunks: Sequence[list[Chunk]],
        embeddings: Sequence[Embeddings | None],
        sparse_vectors: Sequence[SparseVectors | None],
        entities: Sequence[Entities | None],
        request: Sequence[JobRequest],
    ) -> Sequence[IndexReceipt | Exception]:
        """One receipt or error per context, in their order; one job's error never fails its batch mates.

        A job that is not to do again what was done writes nothing if what it would write stands already.
        """
        results: Results = {}
        jobs: list[DocumentWrite] = []
        artifacts = map(Given, document, chunks, embeddings, sparse_vectors, entities)
        for position, (ctx, its, asked) in enumerate(zip(ctxs, artifacts, request, strict=True)):
            try:
                jobs.append(document_write(position, ctx.tenant_id, its, unless_it_stands=asked.skip_completed))
            except MedkgError as error:
                results[position] = error
        for round_ in _rounds(jobs):
            results |= await self._settle(round_)
        return [results[position] for position in range(len(ctxs))]

    async def _settle(self, jobs: Sequence[DocumentWrite]) -> Results:
        results: Results = {}
        for _ in range(CONFLICT_TRIES):
            written, conflicts = await self._write(jobs)
            results |= written
            jobs = [job for job in jobs if job.position in conflicts]
            if not jobs:
                break
        return results

    async def _write(self, jobs: Sequence[DocumentWrite]) -> tuple[Results, set[int]]:
        """Results by position, and the positions of those that met a conflict."""
        known = [job for job in jobs if job.names.tenant in self._tenants]
        new: dict[str, list[DocumentWrite]] = {}
        for job in jobs:
            if job.names.tenant not in self._tenants:
                new.setdefault(job.names.tenant, []).append(job)
        # A busy OpenSearch makes an index in seconds: nobody waits for that of another tenant.
        parts = await asyncio.gather(self._bulk(known), *(self._begin(tenant, its) for tenant, its in new.items()))
        results = {position: result for written, _ in parts for position, result in written.items()}
        return results, {position for _, conflicts in parts for position in conflicts}

    async def _begin(self, tenant: str, jobs: Sequence[DocumentWrite]) -> tuple[Results, set[int]]:
        """Make the tenant's indices, then write."""
        settings = self._settings
        try:
            await ensure_indices(self._server, tenant, shards=settings.shards, replicas=settings.replicas)
        except MedkgError as error:
            return {job.position: error for job in jobs}, set()
        self._tenants.add(tenant)
        return await self._bulk(jobs)

    async def _bulk(self, jobs: Sequence[DocumentWrite]) -> tuple[Results, set[int]]:
        if not jobs:
            return {}, set()
        errors = await self._sparse.refusals(jobs)
        taken = [job for job in jobs if job.position not in errors]
        writer = BatchWriter(self._server, self._changelog, self._models, self._settings.refresh, taken)
        results: Results = {**await writer.write()}
        errors |= {each.job.position: each.error for each in writer.writings if each.error is not None}
        results |= errors
        self._tenants -= {job.names.tenant for job in jobs if isinstance(errors.get(job.position), IndexMissing)}
        return results, {each.job.position for each in writer.writings if each.conflict}


def _rounds(jobs: Sequence[DocumentWrite]) -> list[list[DocumentWrite]]:
    """The jobs in groups in which each document occurs once, so that its versions are written one after another."""
    rounds: list[list[DocumentWrite]] = []
    seen: dict[tuple[str, str], int] = {}
    for job in jobs:
        key = (job.names.tenant, job.document_id)
        number = seen.get(key, 0)
        seen[key] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(job)
    return rounds
