"""The servers that the index stage writes to end in the middle of it, and are started again."""

import asyncio
import uuid
from collections.abc import Sequence

import pytest
from medkg_contracts.ir import IndexReceipt
from medkg_index.stage import OpenSearchIndexStage
from medkg_search import SearchServer, TenantNames
from medkg_stack import Stack

from .documents import MODEL, Job, make, run, stage_of
from .stores import indexed, make_topic, view_of

pytestmark = pytest.mark.integration

DOCUMENTS = 24
BATCH = 4


class Writer:
    """Writes batches one after the other; what fails is written again when the servers are back.

    Attributes:
        written: batches that are done.
        failed: batches that had to be written again.
    """

    def __init__(self, stage: OpenSearchIndexStage, tenant: str) -> None:
        self._stage = stage
        self._tenant = tenant
        self._moved = asyncio.Condition()
        self.back = asyncio.Event()
        self.written = 0
        self.failed = 0

    async def write(self, jobs: Sequence[Job]) -> None:
        """Write all."""
        for first in range(0, len(jobs), BATCH):
            batch = list(jobs[first : first + BATCH])
            while not await self._done(batch):
                self.failed += 1
                await self.back.wait()
            async with self._moved:
                self.written += 1
                self._moved.notify_all()

    async def past(self, batches: int) -> None:
        """Wait until so many are done."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.written >= batches)

    async def _done(self, batch: Sequence[Job]) -> bool:
        return all(isinstance(one, IndexReceipt) for one in await run(self._stage, self._tenant, *batch))


async def test_servers_that_are_killed_in_the_middle_leave_both_stores_alike(stack: Stack) -> None:
    """OpenSearch, then Kafka, end while versions are replaced: in the end both hold the new versions, and no more."""
    stack.up(only=["kafka", "opensearch"])
    await make_topic(stack.kafka.address)
    tenant = f"k-{uuid.uuid4().hex[:12]}"
    stage, server = stage_of(stack.opensearch.address, stack.kafka.address), SearchServer(stack.opensearch.address)
    writer = Writer(stage, tenant)
    old = [make(f"d{number}", "Alpha", "Beta") for number in range(DOCUMENTS)]
    new = [make(f"d{number}", "Beta", "Gamma", "Delta") for number in range(DOCUMENTS)]

    writing = asyncio.create_task(writer.write([*old, *new]))
    for victim, batches in ((stack.opensearch, 7), (stack.kafka, 9)):
        await writer.past(batches)
        writer.back.clear()
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        writer.back.set()
    await writing
    view = await view_of(stack.kafka.address, tenant)
    found = {job[0].id: await indexed(server, tenant, job[0].id) for job in new}
    names = TenantNames(tenant)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}")
    await server.close()
    await stage.close()

    assert writer.failed > 0
    assert {frozenset({"Beta", "Gamma", "Delta"})} == {
        frozenset(record["text"] for record in records.values()) for records in found.values()
    }
    records = {record for its in found.values() for record in its}
    assert records == view.vectors.keys() == {one for one, _, _ in view.node.visible_records(tenant, MODEL)}
