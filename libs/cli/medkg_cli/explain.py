"""Says why a job is where it is: gathers the facts from the ledger and from Kafka's offsets."""

from medkg_contracts import topics
from medkg_contracts.deadletter import ERROR_CODE, EXCEPTION_MESSAGE, ORIGINAL_TOPIC, Record, reason_headers
from medkg_contracts.errors import TopologyUnknown
from medkg_contracts.settings import Settings
from medkg_ledger import OPEN, JobState, JobStatus, Ledger, NodeState
from medkg_topology.plan import GateNode, Plan, StageNode

from .cluster import Cluster
from .explanation import Explanation, QueueFacts, RouterFacts, explain_ended, explain_gate, explain_stage, where


async def explain(job_id: str, settings: Settings) -> Explanation:
    """Find out why the job is where it is.

    Raises:
        LedgerUnavailable: Redis does not answer.
        KafkaUnavailable: Kafka does not answer.
    """
    ledger = Ledger.from_url(settings.redis_url)
    try:
        state = await ledger.get(job_id)
        async with Cluster(settings.kafka) as cluster:
            if state is None:
                return await _explain_stranger(cluster, job_id)
            if state.ended:
                return explain_ended(state, await _dead_letter(cluster, state))
            plan = await ledger.plan(state.pipeline_version or "")
            if plan is None:
                raise TopologyUnknown(f"the ledger does not have the plan {state.pipeline_version}")
            return await _explain_running(cluster, state, plan)
    finally:
        await ledger.close()


async def _explain_running(cluster: Cluster, state: JobState, plan: Plan) -> Explanation:
    waiting = [node for node in plan.nodes if state.node(node.name).status in OPEN]
    node = waiting[-1] if waiting else plan.nodes[-1]
    current = state.node(node.name)
    if isinstance(node, GateNode):
        spoken = await _answers(cluster, node.event_topic, state.job_id, current.started_at or 0)
        return explain_gate(state, node, current, await _router(cluster, spoken), spoken)
    facts = await _queue_facts(cluster, state, node, current)
    return explain_stage(state, node, facts, await _router(cluster, facts.answered))


async def _explain_stranger(cluster: Cluster, job_id: str) -> Explanation:
    """A job that the ledger does not know: refused, not read yet, or never asked for."""
    letters = await cluster.find(topics.ROUTER_DLQ, job_id)
    if letters:
        reason = reason_headers(letters[-1].headers)
        return Explanation(
            job_id=job_id,
            state="refused",
            cause="poison_record",
            summary=f"its record on {reason.get(ORIGINAL_TOPIC)} could not be read [{reason.get(ERROR_CODE)}]",
            record=where(letters[-1]),
            last_error=reason.get(EXCEPTION_MESSAGE),
            next_action="Correct its producer and send it again; the original bytes are kept where it says.",
        )
    requests = await cluster.find(topics.REQUESTS, job_id)
    if not requests:
        return Explanation(
            job_id=job_id,
            state="unknown",
            cause="unknown_job",
            summary="neither the ledger nor the newest requests and dead letters know this id",
            next_action="Check the id with `medkg status`; `medkg submit` prints it.",
        )
    router = await _router(cluster, requests[-1])
    return Explanation(
        job_id=job_id,
        state="requested",
        cause="router_dead" if router.owner is None else "router_behind",
        summary="no router reads its request" if router.owner is None else "the router has yet to read its request",
        record=where(requests[-1]),
        waiting_on=router.owner or "a running router",
        next_action="Start it: `medkg restart router`."
        if router.owner is None
        else "Wait, or look at `medkg logs router`.",
    )


async def _queue_facts(cluster: Cluster, state: JobState, node: StageNode, current: NodeState) -> QueueFacts:
    service = node.service
    asked = [record for record in await cluster.find(topics.queue(service), state.job_id) if _is(record, node, current)]
    record = asked[-1] if asked else None
    partition = await cluster.partition_of(topics.queue(service), state.job_id)
    committed = (await cluster.committed(topics.group(service))).get(partition, 0) if partition else 0
    owner = (await cluster.owners(topics.group(service))).get(partition) if partition else None
    story = [record for record in await cluster.find(topics.EVENTS, state.job_id) if _is(record, node, current)]
    letters = await cluster.find(topics.dlq(service), state.job_id)
    return QueueFacts(
        service=service,
        record=record,
        committed=committed,
        owner=owner,
        answered=await _answers(cluster, topics.done(service), state.job_id, current.started_at or 0),
        story=[_kind(record) for record in story],
        refused=next((letter for letter in letters if letter.timestamp >= (current.started_at or 0)), None),
    )


async def _answers(cluster: Cluster, topic: str, job_id: str, since: int) -> Record | None:
    """The newest record for the job since `since` (milliseconds since 1970)."""
    records = [record for record in await cluster.find(topic, job_id) if record.timestamp >= since]
    return records[-1] if records else None


async def _router(cluster: Cluster, record: Record | None) -> RouterFacts:
    if record is None:
        return RouterFacts(0, None)
    partition = await cluster.partition_of(record.topic, (record.key or b"").decode())
    if partition is None:
        return RouterFacts(0, None)
    committed = (await cluster.committed(topics.ROUTER_GROUP)).get(partition, 0)
    return RouterFacts(committed, (await cluster.owners(topics.ROUTER_GROUP)).get(partition))


async def _dead_letter(cluster: Cluster, state: JobState) -> Record | None:
    topic = topics.ROUTER_DLQ if state.status is JobStatus.REJECTED else topics.dlq(state.failed_stage or "")
    letters = await cluster.find(topic, state.job_id) if state.error is not None else []
    return letters[-1] if letters else None


def _is(record: Record, node: StageNode, current: NodeState) -> bool:
    headers = dict(record.headers)
    return headers.get("ce_stage") == node.name.encode() and headers.get("ce_epoch") == str(current.epoch).encode()


def _kind(record: Record) -> str:
    kind = (dict(record.headers).get("ce_type") or b"").decode(errors="replace")
    return ".".join(kind.split(".")[-2:])
