"""Keeps a view as the topic has it: reads on, and says how far it is."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import time
from typing import Final, Self

from medkg_artifacts import ArtifactStore
from medkg_bus.admin import Admin
from medkg_bus.cluster import Cluster
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.changelog import LiveModel, VectorChange, read_change
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable, PoisonRecord
from medkg_contracts.records import Record

from . import metrics
from .builder import Builder
from .held_models import HeldModels
from .place import Extent, Reading
from .settings import Shard, Sizes, ViewSettings
from .snapshots import Snapshots
from .snapshotting import Snapshotting
from .view import VectorView

logger = logging.getLogger(__name__)

#: Records that are taken over at once: few milliseconds of work.
BATCH: Final = 500
#: Seconds after which Kafka is tried again.
AGAIN_S: Final = 1.0
#: Seconds without an answer after which Kafka counts as away; it answers twice a second that there is nothing new.
SILENT_S: Final = 3.0
#: Seconds that reading has to come to an end.
STOP_S: Final = 10.0


class Follower:
    """A view that follows the topic, as long as the context lasts. What cannot be used of the topic is left out.

    Attributes:
        view: what has been read so far; it is another one when the topic was made anew.
        caught_up: what stood on the topic at the start has been read.
        lag: records that are yet to be read; None where that is not known: before the first answer, and while Kafka is
            away.
        poison: records that were left out since the start.
    """

    def __init__(
        self,
        bootstrap: str,
        shard: Shard,
        sizes: Sizes,
        snapshotting: Snapshotting | None = None,
        topic: str = topics.VECTORS,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._shard = shard
        self._sizes = sizes
        self._snapshotting = snapshotting
        self._builder = Builder()
        self._stopping = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._away: str | None = None
        self._reading: Reading | None = None
        self._held = HeldModels()
        self.view = VectorView(sizes)
        self.caught_up = False
        self.lag: int | None = None
        self.poison = 0

    @classmethod
    def of(cls, settings: ViewSettings, store: ArtifactStore) -> Self:
        """A follower as the settings say, with its snapshots in this store.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        shard = Shard.parse(settings.search_shard)
        sizes = Sizes(settings.search_flat_rows, settings.search_hnsw_rows)
        snapshotting = Snapshotting(
            Snapshots(store, shard, sizes), 60 * settings.search_snapshot_minutes, settings.search_snapshot_records
        )
        return cls(settings.kafka, shard, sizes, snapshotting)

    async def __aenter__(self) -> Self:
        """Begin to read: from a snapshot on, if there is one that fits.

        Raises:
            ConfigurationError: there is no such topic, or it has no partition for this node.
            KafkaUnavailable: Kafka does not answer.
        """
        await self._extent()
        self._following = asyncio.create_task(self._keep_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Read no further, and write what no snapshot has yet."""
        self._stopping.set()
        self._builder.stop()
        if self._following is not None:
            await asyncio.wait({self._following}, timeout=STOP_S)
            if not self._following.done():
                self._following.cancel()  # it waits for a Kafka that is away
            with suppress(asyncio.CancelledError):
                await self._following
        self.view.apply(self._held.all())
        if self._snapshotting is not None and self._reading is not None:
            await self._snapshotting.close(self.view, self._reading)

    @property
    def problem(self) -> str | None:
        """What keeps it from reading on; None when nothing does."""
        if self._following is not None and self._following.done() and not self._stopping.is_set():
            return f"nothing is read any more: {self._following.exception()!r}"
        return self._away

    async def _keep_on(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._follow()
            except (KafkaUnavailable, ConfigurationError) as error:
                self._away = str(error)
                logger.warning("the vectors' view waits: %s", error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), AGAIN_S)

    async def _follow(self) -> None:
        """Read on until it is to stop, or the topic is another one."""
        extent = await self._extent()
        reading = await self._begin(extent)
        async with Tail(
            self._bootstrap, self._topic, reading.positions, partitions=self._shard.holds, most=BATCH
        ) as tail:
            self._away = None
            async for records in tail.polls():
                if reading.beyond(positions := await tail.positions()):
                    logger.warning("%s was made anew, it is read from its beginning", self._topic)
                    self._forget()
                    return
                if records:
                    await asyncio.to_thread(self._take, records)
                self._listen(tail)
                self.lag = None if self._away else await tail.lag()
                await self._let_live(positions)
                reading = self._reading = Reading(positions, time() if self.lag == 0 else reading.complete)
                self._tell(extent)
                if self._snapshotting is not None and not self._held:
                    await self._snapshotting.read(self.view, reading, len(records))
                if self._stopping.is_set():
                    return

    def _listen(self, tail: Tail) -> None:
        """Notice that Kafka has gone, or is back; the client looks for it by itself meanwhile."""
        was, silent_s = self._away, tail.silent_s()
        self._away = f"Kafka at {self._bootstrap} does not answer" if silent_s > SILENT_S else None
        if self._away and not was:
            logger.warning("the vectors' view stays as it is: %s", self._away)
        elif was and not self._away:
            logger.info("the vectors' view goes on: Kafka at %s answers again", self._bootstrap)

    async def _begin(self, extent: Extent) -> Reading:
        """Where to read on."""
        misfit = self._reading and self._reading.misfit(extent, time())
        if misfit:
            logger.warning("the vectors' view is made anew: %s", misfit)
            self._forget()
        if self._reading is None and self._snapshotting is not None:
            loaded = await self._snapshotting.load(extent)
            if loaded is not None:
                self.view, self._reading = loaded
        if self._reading is None:
            self._reading = Reading(extent.begins, time())
        return self._reading

    def _forget(self) -> None:
        self.view, self._reading, self.caught_up = VectorView(self._sizes), None, False
        self._held = HeldModels()

    def _take(self, records: Sequence[Record]) -> None:
        """Take records over; in a worker thread."""
        changes: list[tuple[Record, VectorChange]] = []
        # By partition and offset: what is about one document stands in one partition, and its order counts.
        for record in sorted(records, key=lambda each: (each.partition, each.offset)):
            try:
                change = read_change(record)
            except PoisonRecord as error:
                self._left_out(record, error)
            else:
                if isinstance(change, LiveModel) and self.caught_up:
                    self._held.add(change)
                elif change is not None:
                    changes.append((record, change))
        for number, reason in self.view.apply([change for _, change in changes]):
            self._left_out(changes[number][0], reason)

    async def _let_live(self, positions: Mapping[int, int]) -> None:
        """Let searches use other models once all has been read that stood on the topic when they were made live.

        A model is told in every partition, and the vectors that it needs stand before that, each in its own: the first
        partition that tells it may be ahead of others.
        """
        if self._held and self._held.ends is None:
            self._held.ends = (await self._extent()).ends
        if self._held.reached(positions):
            self.view.apply(self._held.all())
            self._held = HeldModels()

    def _left_out(self, record: Record, reason: PoisonRecord) -> None:
        """It stays on the topic, where it can be looked at; nobody would read a dead letter of a view."""
        self.poison += 1
        metrics.POISON.inc()
        logger.error("%s is left out of the vectors' view: %s", record.place, reason)

    def _tell(self, extent: Extent) -> None:
        reading = self._reading
        if not self.caught_up and reading and all(reading.positions[each] >= extent.ends[each] for each in extent.ends):
            self.caught_up = True
            logger.info("the vectors' view has caught up: %s", self.view)
        if self.caught_up:
            self._builder.look(self.view)
        metrics.LAG.set(math.nan if self.lag is None else self.lag)
        metrics.CAUGHT_UP.set(self.caught_up)

    async def _extent(self) -> Extent:
        async with Cluster(self._bootstrap) as cluster, Admin(self._bootstrap) as admin:
            partitions = await cluster.partitions(self._topic)
            if not partitions:
                raise ConfigurationError(
                    f"Kafka at {self._bootstrap} has no topic {self._topic}",
                    remedy="Create the topics with `medkg topics provision` (`medkg up` does it too).",
                )
            own = [each for each in partitions if self._shard.holds(each.partition)]
            if not own:
                raise ConfigurationError(
                    f"MK_SEARCH_SHARD {self._shard}: {self._topic} has only {len(partitions)} partitions",
                    remedy="Share it among no more nodes than the topic has partitions.",
                )
            begins, ends = await cluster.starts(own), await cluster.ends(own)
            kept_ms = await admin.setting(self._topic, "delete.retention.ms")
        return Extent(
            {each.partition: begin for each, begin in begins.items()},
            {each.partition: end for each, end in ends.items()},
            int(kept_ms or 0) / 1000,
        )
