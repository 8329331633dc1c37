"""Rebuilds the ledger from Kafka: the same decisions over the same records arrive at the same states.

Only records that the router has already dealt with are replayed (up to its committed offsets); it deals with the rest
itself when it starts again. Each partition number is rebuilt by itself, since a job's records all have one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from aiokafka import TopicPartition
from medkg_artifacts import ArtifactStore, redeem
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import JobAccepted, JobEnded
from medkg_contracts.deadletter import Record
from medkg_contracts.errors import ConfigurationError, InvalidRequest, MedkgError
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import Contract
from medkg_contracts.settings import Settings
from medkg_ledger import Change, Ledger, Timer, Versioned
from medkg_routing import Reload, read, unreadable
from medkg_routing.plans import stored_plan
from medkg_routing.replay import Accepted, Past, Rejected, Replayed, replay
from medkg_topology.plan import Plan

from .cluster import Cluster

#: How many jobs are written in one call.
WRITE_BATCH = 500


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
        undecided: requests without a verdict in the events' retention; the router was not finished with them.
    """

    records: int
    jobs: int
    unreadable: int
    undecided: int


class _Partition:
    """The history of all jobs of one partition number."""

    def __init__(self) -> None:
        self.past: dict[str, list[Past]] = defaultdict(list)
        self.verdicts: dict[str, JobAccepted | JobEnded] = {}


async def rebuild(settings: Settings, report: Callable[[Progress], None], *, wipe: bool) -> RebuildReport:
    """Fill the ledger from Kafka.

    Args:
        settings: where the servers are.
        report: is told how far it is.
        wipe: empty the ledger first; otherwise it must be empty.

    Raises:
        ConfigurationError: the ledger is not empty, or a router runs.
    """
    store = ArtifactStore.from_url(settings.artifacts_url)
    ledger = Ledger.from_url(settings.redis_url)
    try:
        async with Cluster(settings.kafka) as cluster:
            await _check(cluster, ledger, wipe=wipe)
            return await _Rebuild(cluster, ledger, store, report).run()
    finally:
        await ledger.close()


async def _check(cluster: Cluster, ledger: Ledger, *, wipe: bool) -> None:
    if await cluster.owners(topics.ROUTER_GROUP):
        raise ConfigurationError("a router runs", remedy="Stop all routers (`medkg down --only router`), then rebuild.")
    if wipe:
        await ledger.wipe()
    elif not await ledger.is_empty():
        raise ConfigurationError("the ledger is not empty", remedy="Say --wipe to empty it first.")


class _Rebuild:
    def __init__(
        self, cluster: Cluster, ledger: Ledger, store: ArtifactStore, report: Callable[[Progress], None]
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._store = store
        self._report = report
        self._plans: dict[str, Plan] = {}
        self._records = self._jobs = self._unreadable = self._undecided = 0

    async def run(self) -> RebuildReport:
        committed = await self._cluster.committed(topics.ROUTER_GROUP)
        lifecycle = await self._cluster.ends(await self._cluster.partitions(topics.EVENTS))
        numbers = sorted({partition.partition for partition in committed})
        for done, number in enumerate(numbers, 1):
            history = _Partition()
            await self._read_verdicts(history, _of(number, lifecycle))
            await self._read_past(history, _of(number, committed))
            await self._write(history)
            self._report(
                Progress(partitions_done=done, partitions=len(numbers), records=self._records, jobs=self._jobs)
            )
        return RebuildReport(
            records=self._records, jobs=self._jobs, unreadable=self._unreadable, undecided=self._undecided
        )

    async def _read_verdicts(self, history: _Partition, ends: Mapping[TopicPartition, int]) -> None:
        async for record in self._cluster.records(ends):
            event = await self._event(record)
            if event is None:
                continue
            match kind_of(event):
                case Kind.JOB_ACCEPTED:
                    history.verdicts.setdefault(event.extensions["jobid"], read_data(event, JobAccepted))
                case Kind.JOB_REJECTED:
                    history.verdicts.setdefault(event.extensions["jobid"], read_data(event, JobEnded))

    async def _read_past(self, history: _Partition, ends: Mapping[TopicPartition, int]) -> None:
        async for record in self._cluster.records(ends):
            event = await self._event(record)
            if event is None:
                continue
            try:
                inbound = read(record.topic, event)
            except InvalidRequest:
                inbound = unreadable(record.topic, event)
            except MedkgError:
                self._unreadable += 1
                continue
            if inbound is not None and not isinstance(inbound, Reload):
                history.past[inbound.job_id].append(Past(inbound, record.timestamp))

    async def _event(self, record: Record) -> CloudEvent | None:
        self._records += 1
        try:
            return await redeem(from_record(record.headers, record.value), self._store)
        except MedkgError as error:
            if error.retryable:
                raise
            self._unreadable += 1
            return None

    async def _write(self, history: _Partition) -> None:
        changes: list[Change] = []
        for job_id, past in history.past.items():
            verdict = history.verdicts.get(job_id)
            if verdict is None:
                self._undecided += 1
                continue
            replayed = replay(await self._verdict(verdict), past)
            if replayed is not None:
                changes.append(_change(replayed))
        for batch in _batches(changes, WRITE_BATCH):
            await self._ledger.commit(batch)
        self._jobs += len(changes)

    async def _verdict(self, verdict: JobAccepted | JobEnded) -> Accepted | Rejected:
        if isinstance(verdict, JobEnded):
            if verdict.error is None:
                raise ConfigurationError("a job.rejected event gives no reason")
            return Rejected(verdict.error)
        if verdict.digest not in self._plans:
            plan = self._plans[verdict.digest] = await stored_plan(self._store, verdict.digest)
            await self._ledger.save_plan(plan)
        return Accepted(self._plans[verdict.digest], verdict)


def _change(replayed: Replayed) -> Change:
    state = replayed.state
    timers = [Timer(state.job_id, node, due) for node, due in replayed.timers.items()]
    return Change(before=Versioned(), after=state, set_timers=timers)


def _of(number: int, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    return {partition: offset for partition, offset in offsets.items() if partition.partition == number}


def _batches(changes: list[Change], size: int) -> Iterable[list[Change]]:
    return (changes[start : start + size] for start in range(0, len(changes), size))
