"""Reads a view from the artifact store."""

import asyncio
from typing import Any

import numpy as np
from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from numpy.typing import NDArray

from .cut import BLOCK, GenerationCut, TenantCut
from .disk_blocks import DiskBlocks
from .faiss_adapter import Approximate, Matrix
from .names import NameList
from .snapshot_format import StoredArray, StoredGeneration, StoredNames, StoredTenant
from .snapshot_writer import Written


class SnapshotReader:
    """Reads the pieces of one edition.

    Args:
        store: where they are.
        pieces: all of them.
        written: told what is in the store, so that the next snapshot need not write it.
    """

    def __init__(self, store: ArtifactStore, pieces: tuple[ArtifactRef, ...], written: Written) -> None:
        self._store = store
        self._pieces = pieces
        self._written = written

    async def tenant(self, stored: StoredTenant) -> TenantCut:
        """A tenant as it was.

        Raises:
            ArtifactMissing: a piece is not there.
            ArtifactCorrupt: a piece has other bytes than its digest says.
            ArtifactStoreUnavailable: the store cannot be read.
            ValueError: the pieces are not what they are said to be.
        """
        return TenantCut(
            stored.name,
            stored.live,
            await self._names(stored.documents),
            await self._names(stored.versions),
            await self._array(stored.visible),
            await self._array(stored.orders),
            tuple([await self._generation(stored.name, each) for each in stored.generations]),
        )

    async def _names(self, stored: StoredNames) -> NameList:
        texts = await self._array(stored.texts)
        return NameList(texts.tobytes(), await self._array(stored.starts), await self._array(stored.lengths))

    async def _generation(self, tenant: str, stored: StoredGeneration) -> GenerationCut:
        on_disk = stored.index is not None and stored.index.kind == "ivfpq"
        blocks = await self._blocks(stored.vectors, on_disk=on_disk)
        for number, ref in enumerate(self._refs(stored.vectors)):
            self._written.blocks[tenant, stored.model, number] = ref
        approximate, covered = None, np.zeros(0, np.uint8)
        if stored.index is not None:
            body = await self._array(stored.index.body)
            approximate = await asyncio.to_thread(Approximate.load, stored.index.kind, body)
            covered = await self._array(stored.index.covered)
            self._written.indexes[tenant, stored.model] = (approximate, list(self._refs(stored.index.body)))
        return GenerationCut(
            stored.model,
            stored.dimension,
            stored.size,
            await self._array(stored.keys),
            await self._array(stored.documents),
            await self._array(stored.versions),
            await self._array(stored.live),
            await self._array(stored.visible),
            blocks,
            on_disk,
            frozenset(),
            approximate,
            covered,
        )

    async def _blocks(self, stored: StoredArray, *, on_disk: bool) -> tuple[Matrix, ...]:
        size, dimension = stored.shape
        disk = DiskBlocks(dimension)
        blocks = []
        for number, ref in enumerate(self._refs(stored)):
            rows = min(BLOCK, size - number * BLOCK)
            block = disk.take() if on_disk else np.zeros((BLOCK, dimension), np.float32)
            body = await self._store.get(SYSTEM_TENANT, ref)
            block[:rows] = np.frombuffer(body, "<f4").reshape(rows, dimension)
            blocks.append(block)
        if len(blocks) * BLOCK < size:
            raise ValueError(f"{len(blocks)} blocks are too few for {size} vectors")
        return tuple(blocks)

    async def _array(self, stored: StoredArray) -> NDArray[Any]:
        array = np.empty(stored.shape, stored.dtype)
        flat, begin = array.reshape(-1), 0
        for ref in self._refs(stored):
            part = np.frombuffer(await self._store.get(SYSTEM_TENANT, ref), stored.dtype)
            flat[begin : begin + len(part)] = part
            begin += len(part)
        if begin != len(flat):
            raise ValueError(f"{begin} numbers are not the {len(flat)} of an array of the shape {stored.shape}")
        return array

    def _refs(self, stored: StoredArray) -> tuple[ArtifactRef, ...]:
        return self._pieces[stored.first : stored.first + stored.pieces]
