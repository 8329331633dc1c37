"""Reloads the topologies, tells everybody what came of it, and follows the topics of new plans."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import TopologyNotice
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_ledger.store import Ledger
from medkg_routing.outbound import SOURCE
from medkg_topology.catalog import Catalog
from medkg_topology.changes import Change, Loaded, Refused
from medkg_topology.watch import watch

from .rollout import Rollouts

logger = logging.getLogger(__name__)


class Reloader:
    """Keeps the router up to date with the topologies' folder."""

    def __init__(self, catalog: Catalog, ledger: Ledger, producer: EventProducer, rollouts: Rollouts) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._producer = producer
        self._rollouts = rollouts
        self.follow: Callable[[Sequence[str]], None] = lambda _: None

    async def topics(self) -> list[str]:
        """All that the router reads: the fixed topics, and those of every plan that a job can be on."""
        plans = [*self._catalog.plans.values(), *(await self._ledger.plans()).values()]
        followed = {topic for plan in plans for topic in plan.event_topics()}
        return [topics.REQUESTS, topics.CONTROL, *sorted(followed)]

    async def announce(self) -> None:
        """Put into effect what stands in the folder and tell how every file stands, once at the start."""
        await self._enact()
        await self._tell(self._catalog.status())

    async def reload(self) -> None:
        """Read the folder again, because somebody asked for it."""
        await self._apply(self._catalog.reload())

    async def watch(self) -> None:
        """Reload whenever a file changes; never returns."""
        async for changes in watch(self._catalog):
            await self._apply(changes)

    async def _apply(self, changes: Sequence[Change]) -> None:
        self.follow(await self.topics())
        await self._enact()
        await self._tell(changes)

    async def _enact(self) -> None:
        """What new jobs and new requests for work find: rollouts, windows and weights."""
        await self._rollouts.follow()
        admission = self._catalog.admission
        await self._ledger.configure(admission.windows, admission.window, admission.weights)

    async def _tell(self, changes: Sequence[Change]) -> None:
        futures = []
        for change in changes:
            if isinstance(change, Refused):
                kept = f"version {change.kept[:12]} stays in use" if change.kept else "no version of it is in use"
                logger.error("topology refused, %s: %s", kept, change.error)
                notice = TopologyNotice(
                    pipeline=change.name, digest=change.kept, file=change.file, error=change.error.info
                )
                kind = Kind.TOPOLOGY_REFUSED
            elif isinstance(change, Loaded):
                logger.info("topology %s loaded from %s: %s", change.name, change.file, change.digest[:12])
                notice = TopologyNotice(pipeline=change.name, digest=change.digest, file=change.file)
                kind = Kind.TOPOLOGY_LOADED
            else:
                logger.warning("topology %s is gone: %s was removed; its jobs go on", change.name, change.file)
                continue
            futures.append(await self._producer.send(topics.EVENTS, _event(kind, notice)))
        await self._producer.acknowledged(futures)


def _event(kind: Kind, notice: TopologyNotice) -> CloudEvent:
    now = datetime.now(UTC)
    return make_event(
        kind,
        id=digest(kind, notice.file, notice.digest or "", now.isoformat())[:32],
        source=SOURCE,
        time=now,
        data=notice,
        job_id=f"topology:{notice.pipeline}",
        subject=notice.pipeline,
    )
