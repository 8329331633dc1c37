"""The index stage: chunks into OpenSearch, stale ones out of it."""

from collections.abc import Sequence
from typing import ClassVar

from medkg_contracts.errors import MedkgError
from medkg_contracts.ir import Chunk, Document, IndexReceipt
from medkg_contracts.stages import StageContext
from medkg_search import SearchServer, ensure_indices

from .job import Job, make_job
from .settings import IndexSettings
from .writing import BatchWriter

#: How often a job starts again at once when another writer of its document got ahead of it.
CONFLICT_TRIES = 5


class OpenSearchIndexStage:
    """Writes the chunks of several jobs at once; a tenant's indices are made when it is first seen."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("index_receipt",)
    pure: ClassVar[bool] = False

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._server = SearchServer(settings.opensearch_url, timeout_s=settings.timeout_s)
        self._tenants: set[str] = set()

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def execute_batch(
        self, ctxs: Sequence[StageContext], document: Sequence[Document], chunks: Sequence[list[Chunk]]
    ) -> Sequence[IndexReceipt | Exception]:
        """One receipt or error per context, in their order; one job's error never fails its batch mates."""
        results: dict[int, IndexReceipt | Exception] = {}
        jobs: list[Job] = []
        for position, (ctx, one, its_chunks) in enumerate(zip(ctxs, document, chunks, strict=True)):
            try:
                jobs.append(make_job(position, ctx.tenant_id, one, its_chunks))
            except MedkgError as error:
                results[position] = error
        for round_ in _rounds(jobs):
            results |= await self._settle(round_)
        return [results[position] for position in range(len(ctxs))]

    async def _settle(self, jobs: Sequence[Job]) -> dict[int, IndexReceipt | Exception]:
        results: dict[int, IndexReceipt | Exception] = {}
        for _ in range(CONFLICT_TRIES):
            written, conflicts = await self._write(jobs)
            results |= written
            jobs = [job for job in jobs if job.position in conflicts]
            if not jobs:
                break
        return results

    async def _write(self, jobs: Sequence[Job]) -> tuple[dict[int, IndexReceipt | Exception], set[int]]:
        """Results by position, and the positions of those that met a conflict."""
        unready = await self._ensure({job.names.tenant for job in jobs} - self._tenants)
        results: dict[int, IndexReceipt | Exception] = {
            job.position: unready[job.names.tenant] for job in jobs if job.names.tenant in unready
        }
        ready = [job for job in jobs if job.names.tenant not in unready]
        if not ready:
            return results, set()
        writer = BatchWriter(self._server, self._settings.refresh)
        receipts = await writer.write(ready)
        self._tenants -= writer.missing
        return results | receipts | writer.errors, writer.conflicts

    async def _ensure(self, tenants: set[str]) -> dict[str, MedkgError]:
        """Makes the tenants' indices; the error of each whose indices could not be made."""
        errors: dict[str, MedkgError] = {}
        for tenant in sorted(tenants):
            try:
                await ensure_indices(
                    self._server, tenant, shards=self._settings.shards, replicas=self._settings.replicas
                )
                self._tenants.add(tenant)
            except MedkgError as error:
                errors[tenant] = error
        return errors


def _rounds(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs in groups in which each document occurs once, so that its versions are written one after another."""
    rounds: list[list[Job]] = []
    seen: dict[tuple[str, str], int] = {}
    for job in jobs:
        key = (job.names.tenant, job.document_id)
        number = seen.get(key, 0)
        seen[key] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(job)
    return rounds
