"""Gathers what is known of a job, and says why it is where it is."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from time import time
from typing import Final, Self, TypeVar

from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.deadletter import Letter
from medkg_contracts.errors import JobIdTaken, LedgerUnavailable, TopologyUnknown
from medkg_contracts.explanation import Explanation
from medkg_contracts.records import Record
from medkg_contracts.runs import is_about
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader, NodeState, NodeStatus
from medkg_servicekit.startup_failures import StartupFailures
from medkg_stagekit.busy import BusyReports
from medkg_stagekit.guard import BreakerState
from medkg_stagekit.shared_guard import SharedGuard
from medkg_topology.plan import GateNode, Plan, StageNode
from redis.asyncio import Redis

from .branches import open_nodes, weigh
from .ended import about_ended
from .facts import GateFacts, HeldBack, StageFacts
from .finding import Finding
from .gate import about_gate
from .router import unwritten
from .stage import about_stage
from .stranger import about_stranger
from .trail import Trail

FoundT = TypeVar("FoundT", Record, Letter)

#: A job that moves while it is looked at is looked at so often in all.
LOOKS: Final = 3


async def explain(job_id: str, settings: Settings) -> Explanation:
    """Find out why one job is where it is. Errors are those of `Explainer.explain`."""
    async with Explainer(settings) as explainer:
        return await explainer.explain(job_id)


class Explainer:
    """Explains jobs, one at a time; its connections stay open between them."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=5)
        self._ledger = LedgerReader(self._redis)
        self._guard = SharedGuard(self._redis)
        self._notices = StartupFailures(self._redis)
        self._busy = BusyReports(self._redis)
        self._cluster = Cluster(settings.kafka)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailable: Kafka does not answer.
        """
        self._stack.push_async_callback(self._redis.aclose)
        try:
            await self._stack.enter_async_context(self._cluster)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._stack.aclose()

    async def explain(self, job_id: str) -> Explanation:
        """Find out why the job is where it is.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: Kafka does not answer.
            TopologyUnknown: the ledger has lost the plan that the job is pinned to.
        """
        for _ in range(LOOKS):
            state = await self._ledger.get(job_id)
            explanation = await self._explain_stranger(job_id) if state is None else await self._explain(state)
            if state == await self._ledger.get(job_id):
                break
        return explanation

    async def _explain(self, state: JobState) -> Explanation:
        plan = await self._ledger.plan(state.pipeline_version or "")
        if state.ended:
            return (await self._ended(state, plan)).about(state, plan)
        if (refusal := await self._refusal()) is not None:
            return refusal.about(state, plan)
        if plan is None:
            raise TopologyUnknown(f"the ledger does not have the plan {state.pipeline_version}")
        now = round(time() * 1000)
        findings: dict[str, Finding] = {}
        for node in open_nodes(plan, state):
            if isinstance(node, GateNode):
                findings[node.name] = about_gate(state, await self._gate_facts(state, node), now)
            else:
                findings[node.name] = about_stage(state, await self._stage_facts(state, node), now)
        return weigh(plan, state, findings).about(state, plan)

    async def _explain_stranger(self, job_id: str) -> Explanation:
        trail = Trail(self._cluster, job_id, 0)
        request = next((record for record, _ in await trail.unread(topics.REQUESTS)), None)
        router = await trail.reader(topics.ROUTER_GROUP, topics.REQUESTS, request)
        letters = await trail.letters(topics.ROUTER_DLQ)
        held = [held for held, _ in await trail.held_back(topics.REQUESTS)]
        return about_stranger(job_id, _last(letters), request, router, _first(held), await self._refusal())

    async def _refusal(self) -> Finding | None:
        """Why the ledger, which has just been read, cannot be written."""
        try:
            await self._ledger.probe()
        except LedgerUnavailable as error:
            return unwritten(error)
        return None

    async def _ended(self, state: JobState, plan: Plan | None) -> Finding:
        trail = Trail(self._cluster, state.job_id, state.updated_at)
        match state.status:
            case JobStatus.REJECTED:
                letters = await trail.letters(topics.ROUTER_DLQ)
                # Somebody else's request under the job's id is none of the job's, and none of its reader's business.
                own = [letter for letter in letters if letter.code != JobIdTaken.code]
                return about_ended(state, _last(own), None)
            case JobStatus.CANCELLED:
                return about_ended(state, None, await trail.cancelled())
            case JobStatus.FAILED:
                node = None if plan is None else plan.by_name.get(state.failed_stage or "")
                letters = await trail.letters(topics.dlq(node.service)) if isinstance(node, StageNode) else []
                return about_ended(state, _last(letters), None)
        return about_ended(state, None, None)

    async def _gate_facts(self, state: JobState, gate: GateNode) -> GateFacts:
        current = state.node(gate.name)
        trail = _trail(self._cluster, state, current)
        spoken = [record for record, event in await trail.unread(gate.event_topic) if _opens(event, gate)]
        answer = spoken[0] if spoken else None
        router = await trail.reader(topics.ROUTER_GROUP, gate.event_topic, answer)
        held = [held for held, event in await trail.held_back(gate.event_topic) if _opens(event, gate)]
        letter = _last(_about_topic(await trail.letters(topics.ROUTER_DLQ), gate.event_topic, current))
        return GateFacts(gate, current, router, answer=answer, held_back=_first(held), letter=letter)

    async def _stage_facts(self, state: JobState, node: StageNode) -> StageFacts:
        current = state.node(node.name)
        trail = _trail(self._cluster, state, current)
        # The groups' positions come first: what a group has committed by now, it has answered by now.
        facts = StageFacts(
            node,
            current,
            reader=await trail.reader(topics.group(node.service), topics.queue(node.service)),
            router=await trail.reader(topics.ROUTER_GROUP, topics.done(node.service)),
            credit=await self._ledger.admission(node.service, state.job_id, node.name),
            guard=await self._guard.status(node.service, node.policy),
            notice=await self._notices.read(node.service),
            busy=await self._busy.read(node.service),
        )
        if facts.guard.state is not BreakerState.CLOSED:
            service = Trail(self._cluster, f"stage:{node.service}", 0)
            facts = replace(facts, opened_by=await service.opened_by(node.policy.name))
        if current.status is NodeStatus.DEFERRED:
            return replace(facts, story=await trail.story(node.name, current.epoch))
        return facts if facts.credit.held else await self._given(facts, state.job_id, trail)

    async def _given(self, facts: StageFacts, job_id: str, trail: Trail) -> StageFacts:
        """The facts with all that there is to know about a request that the service has been given."""
        node, epoch = facts.node, facts.current.epoch
        queue, done = topics.queue(node.service), topics.done(node.service)
        record = _last(
            [record for record, event in await trail.events(queue) if is_about(event.extensions, node.name, epoch)]
        )
        answers = [record for record, event in await trail.unread(done) if is_about(event.extensions, node.name, epoch)]
        answer = answers[0] if answers else None
        held = [
            held
            for topic in (done, queue)
            for held, event in await trail.held_back(topic)
            if is_about(event.extensions, node.name, epoch)
        ]
        letters = [
            *_about_topic(await trail.letters(topics.dlq(node.service)), queue, facts.current),
            *_about_topic(await trail.letters(topics.ROUTER_DLQ), done, facts.current),
        ]
        return replace(
            facts,
            record=record,
            unsent=record is None and await self._unsent(job_id),
            answer=answer,
            router=facts.router if answer is None else await trail.reader(topics.ROUTER_GROUP, done, answer),
            held_back=_first(held),
            letter=_last(letters),
            story=await trail.story(node.name, epoch),
        )

    async def _unsent(self, job_id: str) -> bool:
        return any(entry.partition(" ")[0] == job_id for entry in await self._ledger.outbox())


def _trail(cluster: Cluster, state: JobState, current: NodeState) -> Trail:
    return Trail(cluster, state.job_id, current.started_at or state.created_at)


def _opens(event: CloudEvent, gate: GateNode) -> bool:
    """Whether the event may be meant for the gate: one that names none is, where a topic opens only one."""
    return event.extensions.get("stage", gate.name) == gate.name


def _about_topic(letters: Sequence[Letter], topic: str, current: NodeState) -> list[Letter]:
    """The letters of records that stood on this topic, since the node was asked for."""
    since = current.started_at or 0
    return [letter for letter in letters if letter.original.topic == topic and letter.timestamp >= since]


def _first(held: Sequence[HeldBack]) -> HeldBack | None:
    return held[0] if held else None


def _last(found: Sequence[FoundT]) -> FoundT | None:
    return found[-1] if found else None
