"""When snapshots are written: now and then beside the reading, and at the end."""

import asyncio
from contextlib import ExitStack
from time import monotonic

from .cut import TenantCut
from .place import Extent, Reading
from .snapshots import Snapshots
from .view import VectorView


class Snapshotting:
    """Writes snapshots of what one follower reads.

    Args:
        snapshots: where to.
        seconds: so long after the last one the next is written, if anything has been read.
        records: it is written earlier when so many have been read.
    """

    def __init__(self, snapshots: Snapshots, seconds: float, records: int) -> None:
        self._snapshots = snapshots
        self._seconds = seconds
        self._records = records
        self._unwritten = 0
        self._last = monotonic()
        self._writing: asyncio.Task[None] | None = None

    async def load(self, extent: Extent) -> tuple[VectorView, Reading] | None:
        """The newest snapshot that fits the topic, and how far it had read."""
        self._unwritten, self._last = 0, monotonic()
        return await self._snapshots.load(extent)

    async def read(self, view: VectorView, reading: Reading, records: int) -> None:
        """So many records more have been read; begin a snapshot if it is time for one."""
        self._unwritten += records
        due = self._unwritten >= self._records or monotonic() - self._last >= self._seconds
        if self._unwritten and due and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write(*await self._cut(view), reading))

    async def close(self, view: VectorView, reading: Reading) -> None:
        """Write what no snapshot has yet."""
        if self._writing is not None:
            await self._writing
        if self._unwritten:
            await self._write(*await self._cut(view), reading)

    async def _cut(self, view: VectorView) -> tuple[ExitStack, tuple[TenantCut, ...], int]:
        held = ExitStack()
        tenants = await asyncio.to_thread(held.enter_context, view.cut())
        unwritten, self._unwritten, self._last = self._unwritten, 0, monotonic()
        return held, tenants, unwritten

    async def _write(self, held: ExitStack, tenants: tuple[TenantCut, ...], unwritten: int, reading: Reading) -> None:
        with held:
            if not await self._snapshots.write(tenants, reading):
                self._unwritten += unwritten
