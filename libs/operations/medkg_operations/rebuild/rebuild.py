"""Rebuilds the ledger from Kafka: the same decisions over the same records arrive at the same states.

Only records that the router has already dealt with are replayed (up to its committed offsets); it deals with the rest
itself when it starts again. Each partition number is rebuilt by itself, since all that the router hears of a job has
one: what a producer has put elsewhere the router has moved there, and is read there only.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from medkg_artifacts import ArtifactStore, deposit
from medkg_bus.cluster import Cluster, TopicPartition
from medkg_contracts import topics
from medkg_contracts.errors import ConfigurationError, TopologyUnknown
from medkg_contracts.model import Contract
from medkg_contracts.runs import StageRun, run_asked_for
from medkg_contracts.settings import Settings
from medkg_ledger import Change, Effects, JobStatus, LedgerReader, Versioned
from medkg_ledger.store import Ledger
from medkg_ledger.wiping import WipeableLedger
from medkg_routing import ScopeOrdered, to_event
from medkg_routing.outbox import ask, outbox_record
from medkg_routing.plans import stored_plan
from medkg_routing.replay import Replayed, replay
from medkg_topology.catalog import Catalog
from medkg_topology.plan import Plan

from .history import History
from .rollout_history import RolloutHistory

#: How many jobs are written in one call.
WRITE_BATCH = 500
#: So many jobs, the newest, are looked at before all of them are wiped.
LOOKED_AT = 100


class Progress(Contract):
    """How far a rebuild is: partitions done, records read and jobs written so far."""

    partitions_done: int
    partitions: int
    records: int
    jobs: int


class RebuildReport(Contract):
    """What a rebuild did.

    Attributes:
        records: read from Kafka.
        jobs: written to the ledger.
        unreadable: records that are no events; they stand in a DLQ already.
        undecided: requests without a verdict in Kafka.
        lost: jobs that the router has begun and whose requests Kafka has no more.
        paused: stages and tenants that are paused again.
    """

    records: int
    jobs: int
    unreadable: int
    undecided: int
    lost: int
    paused: list[str]


async def rebuild(settings: Settings, report: Callable[[Progress], None], *, wipe: bool) -> RebuildReport:
    """Fill the ledger from Kafka.

    Args:
        settings: where the servers are.
        report: is told how far it is.
        wipe: empty the ledger first; otherwise it must be empty.

    Raises:
        ConfigurationError: the ledger is not empty, or a router runs, or this is not the router's artifact store.
    """
    store = ArtifactStore.from_url(settings.artifacts_url)
    ledger = WipeableLedger.from_url(settings.redis_url)
    try:
        async with Cluster(settings.kafka) as cluster:
            await _check(cluster, ledger, store, wipe=wipe)
            return await _Rebuild(cluster, ledger, store, rollouts_of(settings.topologies), report).run()
    finally:
        await ledger.close()


async def _check(cluster: Cluster, ledger: WipeableLedger, store: ArtifactStore, *, wipe: bool) -> None:
    if await cluster.owners(topics.ROUTER_GROUP):
        raise ConfigurationError(
            "a router runs",
            remedy="Stop all routers (`medkg down --only router`, or `docker compose stop router`), then rebuild.",
        )
    if wipe:
        await _find_plans(ledger, store)
        await ledger.wipe()
    elif not await ledger.is_empty():
        raise ConfigurationError("the ledger is not empty", remedy="Say --wipe to empty it first.")


async def _find_plans(ledger: LedgerReader, store: ArtifactStore) -> None:
    """Whoever sees another artifact store than the router has no plans, and must not wipe before noticing it."""
    newest = (await ledger.jobs({}, limit=LOOKED_AT)).jobs
    for digest in {job.pipeline_version for job in newest if job.pipeline_version is not None}:
        try:
            await stored_plan(store, digest)
        except TopologyUnknown as error:
            raise ConfigurationError(
                f"the artifacts at {store.root} are not those of the jobs in the ledger, which is as it was: {error}",
                remedy="Let MK_ARTIFACTS_URL name the services' own artifact store; that of containers is seen by "
                "`docker compose run --rm medkg ledger rebuild --wipe --yes`.",
            ) from error


class _Rebuild:
    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        store: ArtifactStore,
        rollouts: RolloutHistory,
        report: Callable[[Progress], None],
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._store = store
        self._rollouts = rollouts
        self._report = report
        self._plans: dict[str, Plan] = {}
        self._records = self._jobs = self._unreadable = self._undecided = self._lost = 0

    async def run(self) -> RebuildReport:
        committed = await self._cluster.committed(topics.ROUTER_GROUP)
        lifecycle = await self._cluster.ends(await self._cluster.partitions(topics.EVENTS))
        # Pauses first: what is asked for a paused stage or tenant is to be held.
        paused = await self._pause({place: end for place, end in committed.items() if place.topic == topics.CONTROL})
        numbers = sorted({partition.partition for partition in committed} | {place.partition for place in lifecycle})
        for done, number in enumerate(numbers, 1):
            await self._rebuild(_of(number, lifecycle), _of(number, committed), number)
            self._report(
                Progress(partitions_done=done, partitions=len(numbers), records=self._records, jobs=self._jobs)
            )
        await self._rollouts.restore(self._ledger)
        return RebuildReport(
            records=self._records,
            jobs=self._jobs,
            unreadable=self._unreadable,
            undecided=self._undecided,
            lost=self._lost,
            paused=paused,
        )

    async def _pause(self, control: Mapping[TopicPartition, int]) -> list[str]:
        """Pause the stages and tenants again that were paused, by the last order about each."""
        history = History(self._store, self._cluster.partition_of)
        paused: set[str] = set()
        async for record in self._cluster.records(control):
            ordered = await history.read_heard(record)
            if ordered is not None:
                paused = after_order(paused, ordered)
        for scope in paused:
            await self._ledger.pause(scope)
        return sorted(paused)

    async def _rebuild(
        self, lifecycle: Mapping[TopicPartition, int], heard: Mapping[TopicPartition, int], number: int
    ) -> None:
        history = History(self._store, self._cluster.partition_of)
        async for record in self._cluster.records(lifecycle):
            event = await history.read_lifecycle(record)
            if event is not None:
                self._rollouts.hear(event, record.timestamp)
        async for record in self._cluster.records(heard):
            await history.read_heard(record)
        replayed = [found async for found in self._replayed(history)]
        self._lost += await self._count_lost(history, {found.state.job_id for found in replayed}, heard, number)
        asked = await self._asked({emit.topic for found in replayed for emit in found.asks.values()}, number)
        for batch in _batches(replayed, WRITE_BATCH):
            await self._ledger.commit([await self._change(found, asked) for found in batch])
        self._records += history.records
        self._unreadable += history.unreadable
        self._jobs += len(replayed)

    async def _replayed(self, history: History) -> AsyncIterator[Replayed]:
        for job_id in history.jobs():
            found = replay(await history.verdicts(job_id, self._plan), history.past.get(job_id, ()))
            if found is not None:
                yield found
            else:
                self._undecided += history.requested(job_id)

    async def _count_lost(
        self, history: History, rebuilt: Collection[str], heard: Mapping[TopicPartition, int], number: int
    ) -> int:
        """How many jobs cannot be rebuilt for want of a request; one that the router decides again has one."""
        missing = {job_id for job_id in history.jobs() if history.begun(job_id)}.difference(rebuilt)
        if missing:
            requests = TopicPartition(topics.REQUESTS, number)
            async for record in self._cluster.after({requests: heard.get(requests, 0)}):
                missing.discard(history.asked_for(record))
        return len(missing)

    async def _asked(self, queues: Iterable[str], number: int) -> set[StageRun]:
        """Which work the queues have been asked for: the router had not yet sent the rest."""
        partitions = [place for place in await self._cluster.partitions(*sorted(queues)) if place.partition == number]
        ends = await self._cluster.ends(partitions)
        return {run async for record in self._cluster.records(ends) if (run := run_asked_for(record)) is not None}

    async def _plan(self, digest: str) -> Plan:
        if digest not in self._plans:
            plan = self._plans[digest] = await stored_plan(self._store, digest)
            await self._ledger.save_plan(plan)
        return self._plans[digest]

    async def _change(self, replayed: Replayed, asked: set[StageRun]) -> Change:
        state, time = replayed.state, datetime.now(UTC)
        asks = []
        for node, emit in replayed.asks.items():
            event = await deposit(to_event(emit, time), self._store)
            sent = StageRun(state.job_id, node, emit.epoch) in asked
            asks.append(ask(emit, outbox_record(emit.topic, event), sent=sent))
        return Change(
            before=Versioned(),
            after=state,
            effects=Effects(
                timers=replayed.timers, fence=state.sequence if state.status is JobStatus.CANCELLED else None
            ),
            asks=asks,
            counts=self._rollouts.counts(state),
        )


def rollouts_of(folder: Path) -> RolloutHistory:
    """The rollouts of the topologies of a folder; none where there is no folder."""
    if not folder.is_dir():
        return RolloutHistory({}, {})
    catalog = Catalog(folder)
    return RolloutHistory(catalog.rollouts, {name: catalog.plans[name].digest for name in catalog.rollouts})


def after_order(paused: set[str], ordered: ScopeOrdered) -> set[str]:
    """The pauses that there are after an order; the end of a stage's pause ends its drain too."""
    return paused | {ordered.order.begins} if ordered.paused else paused - set(ordered.order.ends)


def _of(number: int, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    return {partition: offset for partition, offset in offsets.items() if partition.partition == number}


def _batches(replayed: list[Replayed], size: int) -> Iterable[list[Replayed]]:
    return (replayed[start : start + size] for start in range(0, len(replayed), size))
