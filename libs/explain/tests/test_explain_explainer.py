"""Explanations of jobs that are stuck in a real ledger and on real topics. No router and no stage service runs."""

from datetime import UTC, datetime
from time import time
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from medkg_bus.clients import partition_of
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import JobEnded, StageDeferred, StageStarted
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import JobIdTaken, KafkaUnavailable, PoisonRecord, SourceUnavailable, TopologyUnknown
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_contracts.requests import JobRequest
from medkg_explain import Explainer, explain
from medkg_ledger import Ask, JobStatus, NodeState, NodeStatus
from medkg_stack.ports import free_port
from medkg_stagekit.shared_guard import SharedGuard
from redis.asyncio import Redis

from .scene import GATE_TOPIC, PARTITIONS, Scene, requested

pytestmark = pytest.mark.integration

SOON_S = 100


def waiting() -> NodeState:
    """A gate whose deadline is not near."""
    now = round(time() * 1000)
    return NodeState(status=NodeStatus.WAITING, epoch=1, started_at=now, deadline=now + SOON_S * 1000)


async def test_a_request_that_nobody_reads(scene: Scene) -> None:
    """The service's group has no member: the consumer is dead, and the record is named."""
    state = await scene.asked()
    found = await explain(state.job_id, scene.settings)

    assert ("dead_consumer", "work") == (found.cause, found.stage)
    assert (found.record or "").startswith(f"{scene.service}.queue.v1/")
    assert f"`medkg restart {scene.service}`" in found.next_action


async def test_an_answer_that_nobody_reads(scene: Scene) -> None:
    """A stage that has answered is explained by the router that does not run, whatever else is dead."""
    state = await scene.asked()
    answer = await scene.tell(topics.done(scene.service), state, Kind.STAGE_COMPLETED)

    found = await explain(state.job_id, scene.settings)

    assert ("router_dead", str(answer.place)) == (found.cause, found.record)


async def test_what_an_open_transaction_holds_back(scene: Scene) -> None:
    """A request, an answer and a gate's event that stand behind an open transaction are explained by that."""
    asked = await scene.job({"work": requested()})
    answered = await scene.asked()
    gated = await scene.job({"approval": waiting()})
    told = {
        "a-stranger": (topics.REQUESTS, asked, Kind.JOB_REQUESTED, "work"),
        asked.job_id: (topics.queue(scene.service), asked, Kind.STAGE_REQUESTED, "work"),
        answered.job_id: (topics.done(scene.service), answered, Kind.STAGE_COMPLETED, "work"),
        gated.job_id: (GATE_TOPIC, gated, Kind.STAGE_COMPLETED, "approval"),
    }
    async with AIOKafkaProducer(bootstrap_servers=scene.settings.kafka, transactional_id=scene.service) as client:
        await client.begin_transaction()
        begun = {
            (topic, number): (await client.send_and_wait(topic, b"foreign", partition=number)).offset
            for topic, *_ in told.values()
            for number in range(4)
        }
        records = {
            job_id: await scene.tell(topic, state.model_copy(update={"job_id": job_id}), kind, stage=stage)
            for job_id, (topic, state, kind, stage) in told.items()
        }
        found = {job_id: await explain(job_id, scene.settings) for job_id in told}
        await client.abort_transaction()

    assert {"open_transaction"} == {explanation.cause for explanation in found.values()}
    assert {job_id: str(record.place) for job_id, record in records.items()} == {
        job_id: explanation.record for job_id, explanation in found.items()
    }
    since = {job_id: begun[record.topic, record.partition] for job_id, record in records.items()}
    assert all(f"since offset {since[job_id]}" in each.summary for job_id, each in found.items())


@pytest.mark.parametrize("number", range(PARTITIONS))
async def test_a_request_that_another_client_has_placed(scene: Scene, number: int) -> None:
    """A request that the router has not read is found by its event, whatever its key and partition."""
    job_id = f"asked-{uuid4().hex[:8]}"
    event = make_event(
        Kind.JOB_REQUESTED, id=job_id, source="/rdk", time=datetime.now(UTC), data=JobRequest(source="ctgov", id="N1"),
        job_id=job_id,
    )  # fmt: skip
    request = await scene.put(topics.REQUESTS, "rdk-0", event.data, to_headers(event), number)

    found = await explain(job_id, scene.settings)

    assert ("requested", "router_dead", str(request.place)) == (found.status, found.cause, found.record)


@pytest.mark.parametrize("number", range(PARTITIONS))
async def test_an_approval_that_another_client_has_placed(scene: Scene, number: int) -> None:
    """A gate's event that the router has not read is found likewise; once it has read it there, it is none any more."""
    state = await scene.job({"approval": waiting()})
    approval = CloudEvent(id="ok", source="/rdk", type="com.example.ok", extensions={"jobid": state.job_id})
    record = await scene.put(GATE_TOPIC, "rdk-0", None, to_headers(approval), number)

    found = await explain(state.job_id, scene.settings)
    await scene.finished(topics.ROUTER_GROUP, record)
    later = await explain(state.job_id, scene.settings)

    assert ("router_dead", str(record.place)) == (found.cause, found.record)
    assert "gate_closed" == later.cause


async def test_a_letter_whose_record_has_another_key(scene: Scene) -> None:
    """The dead letter of another client's event is its job's, though its key is not."""
    state = await scene.job({"approval": waiting()})
    approval = CloudEvent(id="ok", source="/rdk", type="com.example.ok", extensions={"jobid": state.job_id})
    home = partition_of(state.job_id.encode(), PARTITIONS)
    record = await scene.put(GATE_TOPIC, "rdk-0", b"?", to_headers(approval), home)
    await scene.finished(topics.ROUTER_GROUP, record)
    letter = DeadLetter(record, topics.ROUTER_GROUP, "PoisonRecord", PoisonRecord("no JSON").info)
    buried = await scene.put(topics.ROUTER_DLQ, "rdk-0", record.value, letter.headers(), home)

    found = await explain(state.job_id, scene.settings)

    assert ("poison_record", str(buried.place)) == (found.cause, found.record)


async def test_somebody_elses_request_under_the_jobs_id_is_not_its_letter(scene: Scene) -> None:
    """The letter of a request that was refused because the job has its id does not explain the job."""
    no_topology = TopologyUnknown("there is none").info
    state = await scene.job({}, status=JobStatus.REJECTED, error=no_topology)
    record = await scene.tell(topics.REQUESTS, state, Kind.JOB_REQUESTED, JobRequest(source="ctgov", id="2"))
    letter = DeadLetter(record, topics.ROUTER_GROUP, "JobIdTaken", JobIdTaken("it is taken").info)
    await scene.put(topics.ROUTER_DLQ, state.job_id, record.value, letter.headers())

    found = await explain(state.job_id, scene.settings)

    assert ("rejected", None) == (found.cause, found.record)


async def test_an_answer_of_another_stage_is_none(scene: Scene) -> None:
    """Two stages of one service share its done topic: the other's answer does not answer this one."""
    state = await scene.asked()
    await scene.tell(topics.done(scene.service), state, Kind.STAGE_COMPLETED, stage="last")

    assert "dead_consumer" == (await explain(state.job_id, scene.settings)).cause


async def test_a_request_that_was_finished_without_an_answer(scene: Scene) -> None:
    """A request behind which the group is, and which nobody answered, is gone: it is asked for again."""
    state = await scene.job({"work": requested()})
    record = await scene.tell(topics.queue(scene.service), state, Kind.STAGE_REQUESTED)
    await scene.finished(topics.group(scene.service), record)

    found = await explain(state.job_id, scene.settings)

    assert ("record_gone", str(record.place)) == (found.cause, found.record)
    assert f"`medkg job rerun {state.job_id} --from work`" in found.next_action


async def test_a_request_that_has_not_been_sent(scene: Scene) -> None:
    """A request that still stands in the ledger's outbox waits for the router."""
    state = await scene.job({"work": requested()}, asks=[Ask(scene.service, "work", "acme", 1, b"record")])

    found = await explain(state.job_id, scene.settings)

    assert "router_dead" == found.cause
    assert "to send the request for work" in found.summary


async def test_a_request_that_waits_for_credit_behind_a_service_that_is_away(scene: Scene) -> None:
    """Held for credit, but nobody works any credit off: the dead consumer is the cause, and the turn is told."""
    await scene.ledger.configure({scene.service: 1})
    for _ in range(2):
        state = await scene.job({"work": requested()}, asks=[Ask(scene.service, "work", "acme", 1, b"record")])

    found = await explain(state.job_id, scene.settings)

    assert "dead_consumer" == found.cause
    assert "0 others of its tenant" in found.summary


@pytest.mark.parametrize(
    ("scope", "cause"), [("tenant:acme", "tenant_paused"), ("stage:{}", "stage_paused"), ("drain:{}", "stage_paused")]
)
async def test_a_pause_that_holds_a_request(scene: Scene, scope: str, cause: str) -> None:
    """A request that is held by a pause is explained by it, though the service is dead as well."""
    await scene.ledger.pause(scope.format(scene.service))
    state = await scene.job({"work": requested()}, asks=[Ask(scene.service, "work", "acme", 1, b"record")])

    found = await explain(state.job_id, scene.settings)

    assert cause == found.cause
    assert "`medkg resume --" in found.next_action


async def test_a_paused_job(scene: Scene) -> None:
    """The job's own pause is named before its tenant's."""
    await scene.ledger.pause("tenant:acme")
    state = await scene.job({"work": requested()}, asks=[Ask(scene.service, "work", "acme", 1, b"x")], paused=True)

    found = await explain(state.job_id, scene.settings)

    assert ("job_paused", True) == (found.cause, "the tenant acme is paused" in (found.waiting_on or ""))


async def test_a_request_that_could_not_be_read(scene: Scene) -> None:
    """A request in the DLQ is explained by its letter; once that is discarded, by what is left."""
    state = await scene.job({"work": requested()})
    record = await scene.tell(topics.queue(scene.service), state, Kind.STAGE_REQUESTED)
    letter = DeadLetter(record, topics.group(scene.service), "PoisonRecord", PoisonRecord("no JSON").info)
    buried = await scene.put(topics.dlq(scene.service), state.job_id, record.value, letter.headers())

    found = await explain(state.job_id, scene.settings)

    assert ("poison_record", str(buried.place)) == (found.cause, found.record)
    assert "[poison] no JSON" == found.last_error


async def test_a_stages_answer_that_the_router_could_not_read(scene: Scene) -> None:
    """An answer that went to the router's DLQ is poison too: the stage will not answer again by itself."""
    state = await scene.asked()
    answer = await scene.put(topics.done(scene.service), state.job_id, b"{", [])
    letter = DeadLetter(answer, topics.ROUTER_GROUP, "PoisonRecord", PoisonRecord("no JSON").info)
    await scene.put(topics.ROUTER_DLQ, state.job_id, answer.value, letter.headers())

    found = await explain(state.job_id, scene.settings)

    assert "poison_record" == found.cause
    assert str(answer.place) in found.summary


async def test_a_deferred_stage(scene: Scene) -> None:
    """A stage whose next try is due later waits for its timer, and tells the error of the last try."""
    now = round(time() * 1000)
    deferred = NodeState(status=NodeStatus.DEFERRED, epoch=1, started_at=now, tried=2, deadline=now + SOON_S * 1000)
    state = await scene.job({"work": deferred})
    told = StageDeferred(error=SourceUnavailable("the source is away").info, wait_s=SOON_S, tried=2)
    await scene.tell(topics.EVENTS, state, Kind.STAGE_DEFERRED, told)

    found = await explain(state.job_id, scene.settings)

    assert "timer_not_due" == found.cause
    assert "try 2 of 3" in found.summary
    assert "the source is away" in (found.last_error or "")


async def test_a_gate_that_is_the_missing_branch_of_a_join(scene: Scene) -> None:
    """A closed gate is explained as such, and as what its join waits for; an event opens it for the router."""
    done = NodeState(status=NodeStatus.COMPLETED, epoch=1)
    state = await scene.job({"work": done, "approval": waiting()})
    closed = await explain(state.job_id, scene.settings)
    await scene.tell(GATE_TOPIC, state, Kind.STAGE_COMPLETED, stage="approval")
    spoken = await explain(state.job_id, scene.settings)

    assert ("gate_closed", "router_dead") == (closed.cause, spoken.cause)
    assert "the join last waits for its branch approval" in (closed.waiting_on or "")


async def test_a_lost_branch_of_a_join(scene: Scene) -> None:
    """A branch that was finished without an answer is what the join waits for."""
    opened = NodeState(status=NodeStatus.OPENED, epoch=1)
    state = await scene.job({"work": requested(), "approval": opened})

    found = await explain(state.job_id, scene.settings)

    assert ("join_waits", "work") == (found.cause, found.stage)


@pytest.mark.parametrize("rate", [None, RateLimit(per_s=0.01)])
async def test_a_dead_service_hides_its_guard(scene: Scene, rate: RateLimit | None) -> None:
    """Where nobody asks the guard, neither an open breaker nor a spent rate is the cause."""
    scene.policy = Policy(name="guarded", breaker=Breaker(failures=1, reset_s=60), rate=rate)
    redis = Redis.from_url(scene.settings.redis_url)
    guard = SharedGuard(redis)
    await guard.admit(scene.service, scene.policy, 1)
    await guard.record(scene.service, scene.policy, [False])
    state = await scene.asked()
    found = await explain(state.job_id, scene.settings)
    await redis.aclose()

    assert "dead_consumer" == found.cause


async def test_a_cancelled_job(scene: Scene) -> None:
    """Who cancelled the job and why is read from its events."""
    state = await scene.job({}, status=JobStatus.CANCELLED)
    told = JobEnded(order=Order(by="alice", reason="wrong list"))
    await scene.tell(topics.EVENTS, state, Kind.JOB_CANCELLED, told)

    assert "alice cancelled it: wrong list" == (await explain(state.job_id, scene.settings)).summary


async def test_one_explainer_explains_many_jobs(scene: Scene) -> None:
    """Connections are kept from one explanation to the next, and what changes between them is seen."""
    first, second = await scene.asked(), await scene.asked()
    async with Explainer(scene.settings) as explainer:
        before = [(await explainer.explain(state.job_id)).cause for state in (first, second)]
        await scene.tell(topics.EVENTS, second, Kind.STAGE_STARTED, StageStarted(worker="w"))
        await scene.tell(topics.done(scene.service), second, Kind.STAGE_COMPLETED)
        after = [(await explainer.explain(state.job_id)).cause for state in (first, second)]
        unknown = (await explainer.explain("nobody")).cause

    assert ["dead_consumer", "dead_consumer"] == before
    assert ["dead_consumer", "router_dead"] == after
    assert "unknown_job" == unknown


async def test_kafka_that_is_away_is_said(scene: Scene) -> None:
    """Without Kafka there is no explanation, and the error names its address."""
    settings = scene.settings.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"})

    with pytest.raises(KafkaUnavailable, match=settings.kafka):
        await explain("j1", settings)


async def test_a_redis_that_is_full(scene: Scene) -> None:
    """While Redis takes no writes that is the cause, whatever else the job waits for, with what to do about it."""
    state = await scene.asked()
    async with Redis.from_url(scene.settings.redis_url) as redis:
        await redis.config_set("maxmemory", 1)
        try:
            found = await explain(state.job_id, scene.settings)
        finally:
            await redis.config_set("maxmemory", 0)

    assert "ledger_refuses" == found.cause
    assert "Redis is out of memory" in found.summary
    assert "CONFIG SET maxmemory" in found.next_action
    assert "dead_consumer" == (await explain(state.job_id, scene.settings)).cause
