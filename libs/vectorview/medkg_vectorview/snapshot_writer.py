"""Writes a view to the artifact store, piece by piece; a block of vectors is only written again if it has changed."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from medkg_artifacts import SYSTEM_TENANT, ArtifactStore, Edition
from medkg_contracts.artifacts import ArtifactRef
from numpy.typing import NDArray

from .cut import BLOCK, GenerationCut, TenantCut
from .faiss_adapter import Approximate
from .names import NameList
from .place import Reading
from .snapshot_format import (
    FORMAT,
    StoredArray,
    StoredGeneration,
    StoredIndex,
    StoredNames,
    StoredTenant,
    StoredView,
)

#: Bytes of a piece of anything but vectors.
_PIECE: Final = 16 * 1024 * 1024

Block = tuple[str, str, int]


class Written:
    """What the last snapshots have written, as far as it is still as it was.

    Attributes:
        blocks: of vectors, by tenant, model and number.
        indexes: with their pieces, by tenant and model.
    """

    def __init__(self) -> None:
        self.blocks: dict[Block, ArtifactRef] = {}
        self.indexes: dict[tuple[str, str], tuple[Approximate, list[ArtifactRef]]] = {}


class SnapshotWriter:
    """Writes one snapshot.

    Args:
        store: where to.
        written: what need not be written again; what is written is added.
    """

    def __init__(self, store: ArtifactStore, written: Written) -> None:
        self._store = store
        self._written = written
        self._pieces: list[ArtifactRef] = []

    async def write(self, tenants: Iterable[TenantCut], reading: Reading) -> Edition:
        """Write the view, which may change meanwhile, as it was when it was cut.

        Raises:
            ArtifactStoreUnavailable: the store cannot be written.
        """
        stored = StoredView(
            format=FORMAT,
            block=BLOCK,
            positions=dict(reading.positions),
            complete=reading.complete,
            tenants=tuple([await self._tenant(each) for each in tenants]),
        )
        return Edition(about=stored.model_dump(mode="json"), pieces=tuple(self._pieces))

    async def _tenant(self, cut: TenantCut) -> StoredTenant:
        return StoredTenant(
            name=cut.name,
            live=cut.live,
            documents=await self._names(cut.documents),
            versions=await self._names(cut.versions),
            visible=await self._array(cut.visible),
            orders=await self._array(cut.orders),
            generations=tuple([await self._generation(cut.name, each) for each in cut.generations]),
        )

    async def _names(self, names: NameList) -> StoredNames:
        texts = np.frombuffer(names.texts, np.uint8)
        return StoredNames(
            texts=await self._array(texts),
            starts=await self._array(names.starts),
            lengths=await self._array(names.lengths),
        )

    async def _generation(self, tenant: str, cut: GenerationCut) -> StoredGeneration:
        return StoredGeneration(
            model=cut.model,
            dimension=cut.dimension,
            size=cut.size,
            keys=await self._array(cut.keys[: cut.size]),
            documents=await self._array(cut.documents[: cut.size]),
            versions=await self._array(cut.versions[: cut.size]),
            live=await self._array(cut.live),
            visible=await self._array(cut.visible),
            vectors=await self._vectors(tenant, cut),
            index=await self._index(tenant, cut),
        )

    async def _vectors(self, tenant: str, cut: GenerationCut) -> StoredArray:
        for number in cut.written:
            self._written.blocks.pop((tenant, cut.model, number), None)
        first = len(self._pieces)
        for number, block in enumerate(cut.blocks):
            place = (tenant, cut.model, number)
            ref = self._written.blocks.get(place)
            if ref is None or not await self._store.touch(SYSTEM_TENANT, ref):
                ref = await self._put(block[: cut.size - number * BLOCK])
            self._written.blocks[place] = ref
            self._pieces.append(ref)
        return StoredArray(dtype="<f4", shape=(cut.size, cut.dimension), first=first, pieces=len(cut.blocks))

    async def _index(self, tenant: str, cut: GenerationCut) -> StoredIndex | None:
        if cut.approximate is None:
            return None
        place = (tenant, cut.model)
        index, refs = self._written.indexes.get(place, (None, []))
        if index is not cut.approximate or not all([await self._store.touch(SYSTEM_TENANT, each) for each in refs]):
            body = await asyncio.to_thread(cut.approximate.dump)
            refs = [await self._put(body[begin : begin + _PIECE]) for begin in range(0, len(body), _PIECE)]
            self._written.indexes[place] = (cut.approximate, refs)
        stored = StoredArray(dtype="|u1", shape=(cut.approximate.nbytes,), first=len(self._pieces), pieces=len(refs))
        self._pieces += refs
        return StoredIndex(kind=cut.approximate.kind, body=stored, covered=await self._array(cut.covered))

    async def _array(self, array: NDArray[Any]) -> StoredArray:
        first, rows = len(self._pieces), max(1, _PIECE // max(1, array[:1].nbytes))
        for begin in range(0, len(array), rows):
            self._pieces.append(await self._put(array[begin : begin + rows]))
        little = array.dtype.newbyteorder("<").str
        return StoredArray(dtype=little, shape=array.shape, first=first, pieces=len(self._pieces) - first)

    async def _put(self, part: NDArray[Any]) -> ArtifactRef:
        # A copy, since rows that are free may be written to meanwhile: what is stored is what its digest says.
        return await self._store.put(SYSTEM_TENANT, "piece", part.tobytes(), "application/octet-stream")
