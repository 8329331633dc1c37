"""Snapshots of a node's view in the artifact store: from the newest that fits, the topic is read on."""

import asyncio
import logging
from time import time
from typing import Final

from medkg_artifacts import SYSTEM_TENANT, ArtifactStore, Edition, Series
from medkg_contracts import topics
from medkg_contracts.errors import ArtifactCorrupt, ArtifactMissing, ArtifactStoreUnavailable
from medkg_contracts.model import first_violation
from pydantic import ValidationError

from . import metrics
from .cut import BLOCK, TenantCut
from .place import Extent, Reading
from .settings import Shard, Sizes
from .snapshot_format import FORMAT, StoredView
from .snapshot_reader import SnapshotReader
from .snapshot_writer import SnapshotWriter, Written
from .view import VectorView

logger = logging.getLogger(__name__)

#: So many snapshots stay: the newest, and the one before for when it is damaged.
KEPT: Final = 2


class Snapshots:
    """The snapshots of all nodes with the same part of the topic; any of them may write and read them."""

    def __init__(self, store: ArtifactStore, shard: Shard, sizes: Sizes, topic: str = topics.VECTORS) -> None:
        self._store = store
        self._sizes = sizes
        name = topic.replace(".", "-")
        self._series = Series(store, SYSTEM_TENANT, f"view-{name}-{shard.index}-of-{shard.count}")
        self._written = Written()

    async def load(self, extent: Extent) -> tuple[VectorView, Reading] | None:
        """The newest snapshot from which the topic can be read on; None when there is none.

        One that is damaged, of another format, or does not fit the topic is passed over with a line in the log.
        """
        try:
            editions = await self._series.newest()
        except ArtifactStoreUnavailable as error:
            logger.warning("no snapshot of the vectors' view can be read: %s", error)
            return None
        for place, edition in editions:
            try:
                return await self._read(edition, extent)
            except (ArtifactMissing, ArtifactCorrupt, ArtifactStoreUnavailable, ValueError, RuntimeError) as error:
                metrics.SNAPSHOTS.labels("passed_over").inc()
                logger.warning("the snapshot %s is passed over: %s", place, _reason(error))
        return None

    async def write(self, tenants: tuple[TenantCut, ...], reading: Reading) -> bool:
        """Write a snapshot; whether it could be written."""
        began = time()
        try:
            edition = await SnapshotWriter(self._store, self._written).write(tenants, reading)
            await self._series.add(edition, keep=KEPT)
        except ArtifactStoreUnavailable as error:
            metrics.SNAPSHOTS.labels("failed").inc()
            logger.warning("no snapshot of the vectors' view could be written: %s", error)
            return False
        metrics.SNAPSHOTS.labels("written").inc()
        logger.info("a snapshot of the vectors' view was written in %.1f s", time() - began)
        return True

    async def _read(self, edition: Edition | None, extent: Extent) -> tuple[VectorView, Reading]:
        if edition is None:
            raise ValueError("it cannot be read")
        if not isinstance(edition.about, dict) or edition.about.get("format") != FORMAT:
            raise ValueError(f"it is of another format than {FORMAT}")
        stored = StoredView.model_validate(edition.about)
        if stored.block != BLOCK:
            raise ValueError(f"its blocks have {stored.block} rows, not {BLOCK}")
        reading = Reading(stored.positions, stored.complete)
        if misfit := reading.misfit(extent, time()):
            raise ValueError(misfit)
        began = time()
        written = Written()
        reader = SnapshotReader(self._store, edition.pieces, written)
        tenants = [await reader.tenant(each) for each in stored.tenants]
        view = await asyncio.to_thread(VectorView.of, tenants, self._sizes)
        self._written = written
        metrics.SNAPSHOTS.labels("loaded").inc()
        logger.info("a snapshot of the vectors' view was read in %.1f s: %s", time() - began, view)
        return view, reading


def _reason(error: Exception) -> str:
    return first_violation(error) if isinstance(error, ValidationError) else str(error)
