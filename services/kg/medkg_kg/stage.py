"""The KG stage: what documents say into Neo4j, in place of what they said before."""

from collections.abc import Sequence
from itertools import islice
from typing import ClassVar

from medkg_contracts.errors import MedkgError, ResourceUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.knowledge import Claims, Entities, GraphReceipt
from medkg_contracts.stages import StageContext
from medkg_graph import Facts, GraphWriter, facts_of, transactions

from . import metrics
from .settings import KGSettings

#: The facts of a job, and its position in the batch.
Job = tuple[int, Facts]


class Neo4jKGStage:
    """Writes the facts of several jobs in one transaction, as long as they are not too many."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("graph_receipt",)
    pure: ClassVar[bool] = False

    def __init__(self, settings: KGSettings) -> None:
        self._settings = settings
        self._server = settings.connect(settings.timeout_s)
        self._writer = GraphWriter(self._server)
        self._retries = 0

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def execute_batch(
        self,
        ctxs: Sequence[StageContext],
        entities: Sequence[Entities],
        claims: Sequence[Claims],
        index_receipt: Sequence[IndexReceipt | None],
    ) -> Sequence[GraphReceipt | Exception]:
        """One receipt or error per context, in their order; one job's error never fails its batch mates."""
        results: dict[int, GraphReceipt | Exception] = {}
        jobs: list[Job] = []
        given = zip(ctxs, entities, claims, index_receipt, strict=True)
        for position, (ctx, whose, said, indexed) in enumerate(given):
            try:
                order = 0 if indexed is None else indexed.order
                jobs.append((position, facts_of(ctx.tenant_id, whose, said, order)))
            except MedkgError as error:
                results[position] = error
        waiting = iter(jobs)
        for group in transactions((facts for _, facts in jobs), self._settings.batch_claims):
            results |= await self._write(list(islice(waiting, len(group))))
        return [results[position] for position in range(len(ctxs))]

    async def _write(self, jobs: Sequence[Job]) -> dict[int, GraphReceipt | Exception]:
        """Write them together, and each by itself where Neo4j refuses them together."""
        positions = [position for position, _ in jobs]
        try:
            receipts = await self._writer.write([facts for _, facts in jobs])
            metrics.written(receipts)
        except ResourceUnavailable as error:
            return dict.fromkeys(positions, error)
        except Exception as error:  # noqa: BLE001 - whose fault it is shows when each is written by itself
            if len(jobs) == 1:
                return {positions[0]: error}
            return {position: result for job in jobs for position, result in (await self._write([job])).items()}
        finally:
            metrics.retried(self._server.retries - self._retries)
            self._retries = self._server.retries
        return dict(zip(positions, receipts, strict=True))
