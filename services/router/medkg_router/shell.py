"""The router's shell: reads a batch, decides, saves by compare-and-set with an outbox, publishes.

Round trips for a batch of any size: one to load the jobs, one to save them, one wait for Kafka, one to empty the
outbox. The decisions themselves are `medkg_routing.advance`.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from medkg_artifacts import ArtifactStore, deposit, redeem
from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import Ignored, JobAccepted
from medkg_contracts.deadletter import Record
from medkg_contracts.errors import ConfigurationError, InvalidRequest, LedgerUnavailable, MedkgError, TopologyUnknown
from medkg_contracts.requests import JobRequest
from medkg_ledger import Change, JobState, Ledger, Timer, Versioned
from medkg_routing import (
    Inbound,
    Reload,
    Requested,
    Spoke,
    Step,
    TimerFired,
    abandon,
    admit,
    advance,
    ignore,
    ignored_event,
    read,
    reject,
    to_event,
    unreadable,
)
from medkg_routing.outbound import SOURCE
from medkg_stagekit.consumer import refuse
from medkg_stagekit.kafka import Outlet

from . import metrics
from .outbox import Posting, pack, posting
from .pins import Pins
from .recent import Recent
from .reload import Reloader

logger = logging.getLogger(__name__)

#: How often a batch's losers of a compare-and-set are decided anew before the batch is given back.
CAS_ROUNDS = 5

#: A request above this many bytes of JSON stands in the ledger as a claim check.
REQUEST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it was read, with the time of its record and the error that makes it a rejection."""

    event: Requested | Spoke | TimerFired
    now: int
    error: MedkgError | None = None


@dataclass(slots=True)
class _Decision:
    """What a batch does to one job."""

    before: Versioned
    state: JobState | None
    postings: list[Posting] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    ignored: list[tuple[Ignored, JobState | None]] = field(default_factory=list)


class Router:
    """Handles batches of everything that the router reads."""

    def __init__(self, ledger: Ledger, pins: Pins, store: ArtifactStore, outlet: Outlet, reloader: Reloader) -> None:
        self._ledger = ledger
        self._pins = pins
        self._store = store
        self._outlet = outlet
        self._reloader = reloader
        self._recent = Recent()
        self._forgetting: set[asyncio.Future[None]] = set()

    async def handle(self, records: Sequence[Record]) -> None:
        """Decide all that the records say; what cannot be read goes to the DLQ.

        Raises:
            LedgerUnavailable: Redis did not answer; the batch has to be handled again.
            KafkaUnavailable: nor did Kafka; likewise.
        """
        heard: dict[str, list[Heard]] = {}
        for record in sorted(records, key=lambda record: record.topic != topics.CONTROL):
            for item in await self._read(record):
                heard.setdefault(item.event.job_id, []).append(item)
        for _ in range(CAS_ROUNDS):
            if not heard:
                return
            lost = await self._decide(heard)
            heard = {job_id: heard[job_id] for job_id in lost}
        raise LedgerUnavailable(f"{len(heard)} jobs were changed by others {CAS_ROUNDS} times over")

    async def _decide(self, heard: dict[str, list[Heard]]) -> set[str]:
        """Decide, save and publish; the jobs that somebody else changed meanwhile."""
        loaded = await self._recent.load(self._ledger, list(heard))
        decisions = {job_id: await self._decide_job(loaded[job_id], items) for job_id, items in heard.items()}
        changes = {job_id: _change(decision) for job_id, decision in decisions.items() if _changed(decision)}
        written = await self._ledger.commit(list(changes.values()))
        won = {job_id for job_id, flag in zip(changes, written, strict=True) if flag}
        lost = set(changes) - won
        self._recent.forget(lost)
        self._recent.keep(changes[job_id] for job_id in won)
        await self._publish({job_id: decision for job_id, decision in decisions.items() if job_id not in lost})
        self._forget_outbox([changes[job_id] for job_id in won])
        return lost

    def _forget_outbox(self, changes: Sequence[Change]) -> None:
        """Empty the outbox beside the work: what stays in it after a crash is sent once more, which changes nothing."""
        task = asyncio.ensure_future(self._ledger.sent(changes))
        self._forgetting.add(task)
        task.add_done_callback(self._forgotten)

    def _forgotten(self, task: asyncio.Future[None]) -> None:
        self._forgetting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("the outbox could not be emptied, its entries will be sent again: %s", error)

    async def _decide_job(self, before: Versioned, items: Iterable[Heard]) -> _Decision:
        decision = _Decision(before, before.state)
        for heard in items:
            step = await self._step(decision.state, heard)
            if step.ignored is not None:
                decision.ignored.append((step.ignored, step.state))
                metrics.ignored(step.ignored.reason)
            if step.state is None:
                continue
            decision.state = step.state
            time = datetime.now(UTC)
            for emit in step.emits:
                event = await deposit(to_event(emit, step.state, time), self._store)
                decision.postings.append(posting(emit.topic, event))
            decision.drop = (decision.drop | set(step.drop_timers)) - {node for node, _ in step.set_timers}
            decision.timers = {node: due for node, due in decision.timers.items() if node not in decision.drop}
            decision.timers |= dict(step.set_timers)
        return decision

    async def _step(self, state: JobState | None, heard: Heard) -> Step:
        event = heard.event
        if state is None:
            return await self._begin(event, heard)
        if state.pipeline_version is None:
            return ignore(state, event.origin, "job_ended")
        try:
            plan = await self._pins.plan(state.pipeline_version)
        except TopologyUnknown as error:
            logger.error("job %s cannot go on: %s", state.job_id, error)  # noqa: TRY400 - no bug, so no stack trace
            return abandon(state, event.origin, error.info, heard.now)
        return advance(plan, state, event, heard.now)

    async def _begin(self, event: Requested | Spoke | TimerFired, heard: Heard) -> Step:
        if not isinstance(event, Requested):
            if isinstance(event, TimerFired):
                await self._ledger.drop_timers([Timer(event.job_id, event.node, 0)])
            return ignore(None, event.origin, "foreign")
        if heard.error is not None or not isinstance(event.request, JobRequest):
            error = heard.error or InvalidRequest("the request cannot be read")
            return reject(event, error.info, heard.now)
        request = event.request
        try:
            plan, ref = await self._pins.pin(event, request.source, request.topology)
            kept = await self._small(event.tenant_id, request)
            accepted = JobAccepted(pipeline=plan.name, digest=plan.digest, plan=ref, request=kept)
            return admit(plan, replace(event, request=kept), heard.now, accepted=accepted)
        except (ConfigurationError, InvalidRequest) as error:
            return reject(event, error.info, heard.now)

    async def _small(self, tenant: str, request: JobRequest) -> JobRequest | ArtifactRef:
        if request.ids is None:
            return request
        body = request.model_dump_json(exclude_defaults=True).encode()
        return request if len(body) <= REQUEST_BYTES else await self._store.put(tenant, "request", body)

    async def _publish(self, decisions: Mapping[str, _Decision]) -> None:
        now = datetime.now(UTC)
        postings: list[Posting] = []
        for job_id, decision in decisions.items():
            postings += decision.postings
            ignored = (ignored_event(what, state, job_id, now) for what, state in decision.ignored)
            postings += [posting(topics.EVENTS, event) for event in ignored]
        futures = [await self._outlet.raw(each.topic, each.key.encode(), each.value, each.headers) for each in postings]
        await self._outlet.acknowledged(futures)

    async def _read(self, record: Record) -> list[Heard]:
        event: CloudEvent | None = None
        try:
            event = await redeem(from_record(record.headers, record.value), self._store)
            inbound: Inbound | None = read(record.topic, event)
        except MedkgError as error:
            if error.retryable:
                raise
            await self._refuse(record, error)
            if isinstance(error, InvalidRequest) and event is not None:
                return [Heard(unreadable(record.topic, event), record.timestamp, error)]
            return []
        if isinstance(inbound, Reload):
            await self._reloader.reload()
            return []
        return [] if inbound is None else [Heard(inbound, record.timestamp)]

    async def _refuse(self, record: Record, error: MedkgError) -> None:
        logger.warning("%s/%d@%d goes to the DLQ: %s", record.topic, record.partition, record.offset, error)
        futures = await refuse(self._outlet, record, error, topics.ROUTER_GROUP, topics.ROUTER_DLQ, SOURCE)
        await self._outlet.acknowledged(futures)


def _changed(decision: _Decision) -> bool:
    return decision.state is not decision.before.state or bool(decision.timers or decision.drop)


def _change(decision: _Decision) -> Change:
    state = decision.state
    if state is None:
        raise AssertionError("a decision that changed something has a state")
    return Change(
        before=decision.before,
        after=state,
        set_timers=[Timer(state.job_id, node, due) for node, due in decision.timers.items()],
        drop_timers=sorted(decision.drop),
        outbox=pack(decision.postings) if decision.postings else b"",
    )
