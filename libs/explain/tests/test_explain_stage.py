"""What is concluded about a stage, from each state of its queue, its service and its answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.kinds import Kind
from medkg_explain import Cause
from medkg_explain.facts import HeldBack, Reader, StageFacts, Told
from medkg_explain.stage import about_stage
from medkg_ledger import Held, NodeState, NodeStatus
from medkg_servicekit.startup_failures import StartupFailure
from medkg_stagekit.busy import BusyWorkers
from medkg_stagekit.guard import BreakerState, Standstill

from .cases import (
    ALIVE,
    ANSWER,
    ASKED,
    DEAD,
    FAULT,
    GIVEN,
    LETTER,
    NO_ROUTER,
    NOW,
    ROUTER,
    WAITING,
    job,
    stage_facts,
)

OPEN = Standstill(state=BreakerState.OPEN, probe_s=42.4)
SPENT = Standstill(permit_s=1.25)
BEGUN = [Told(Kind.STAGE_STARTED)]
RETRIED = [*BEGUN, Told(Kind.STAGE_RETRYING, FAULT)]
NO_GPU = StartupFailure(code="gpu_unavailable", message="no CUDA device", worker="host:1", at=NOW)
NO_SERVER = StartupFailure(code="model_server_unavailable", message="no answer", worker="host:1", at=NOW)
UNSET = StartupFailure(code="configuration", message="MK_CTGOV_URL is not set", worker="host:1", at=NOW)
BUSY = BusyWorkers(message="all workers are busy", worker="host:1", at=NOW, jobs=["j-long"])
BUSY_ELSEWHERE = BUSY.model_copy(update={"worker": "host:12"})
FULL = Reader(40, "medkg.chunk.host:1-5f2c at 127.0.0.1", 2)
BEHIND = Reader(12, ALIVE.owner, 2)
STAGE_PAUSED = replace(GIVEN, pauses=["stage:chunk"])
DRAINED = replace(GIVEN, pauses=["drain:chunk"])


def held(*pauses: str) -> Held:
    """A request that waits for the end of these pauses."""
    return replace(WAITING, pauses=pauses)


def cause_of(facts: StageFacts) -> str:
    """The cause that is concluded from the facts."""
    return about_stage(job(), facts, NOW).cause


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"story": BEGUN}, "in_work"),
        ({"story": RETRIED}, "retrying"),
        ({}, "not_begun"),
        ({"reader": DEAD}, "dead_consumer"),
        ({"reader": DEAD, "notice": NO_GPU}, "no_gpu"),
        ({"reader": DEAD, "notice": NO_SERVER}, "no_model_server"),
        ({"reader": BEHIND}, "lagging_consumer"),
        ({"guard": OPEN}, "open_breaker"),
        ({"guard": replace(OPEN, state=BreakerState.HALF_OPEN)}, "open_breaker"),
        ({"guard": SPENT}, "rate_limited"),
        ({"reader": FULL, "busy": [BUSY]}, "workers_busy"),
        ({"reader": FULL, "busy": [BUSY_ELSEWHERE]}, "not_begun"),
        ({"credit": STAGE_PAUSED}, "stage_paused"),
        ({"record": None}, "record_gone"),
        ({"reader": Reader(41, ALIVE.owner, 2)}, "record_gone"),
        ({"record": None, "unsent": True}, "router_behind"),
        ({"record": None, "unsent": True, "router": NO_ROUTER}, "router_dead"),
        ({"answer": ANSWER}, "router_behind"),
        ({"answer": ANSWER, "router": NO_ROUTER}, "router_dead"),
        ({"letter": LETTER}, "poison_record"),
        ({"held_back": HeldBack(ANSWER, 3)}, "open_transaction"),
        ({"held_back": HeldBack(ASKED, 39), "record": None}, "open_transaction"),
    ],
)
def test_a_given_request_is_explained_by_what_it_waits_for(found: dict[str, Any], cause: str) -> None:
    """Each state of the queue, the consumer, the guard and the answer has its own cause."""
    assert cause == cause_of(stage_facts(**found))


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"credit": WAITING}, "waiting_for_credit"),
        ({"credit": held("job:j1")}, "job_paused"),
        ({"credit": held("tenant:acme")}, "tenant_paused"),
        ({"credit": held("stage:chunk")}, "stage_paused"),
        ({"credit": held("drain:chunk")}, "stage_paused"),
        ({"credit": WAITING, "reader": DEAD}, "dead_consumer"),
        ({"credit": WAITING, "reader": DEAD, "notice": NO_GPU}, "no_gpu"),
        ({"credit": WAITING, "guard": OPEN}, "open_breaker"),
        ({"credit": WAITING, "guard": SPENT}, "waiting_for_credit"),
        ({"credit": WAITING, "busy": [BUSY, BUSY_ELSEWHERE]}, "workers_busy"),
        ({"credit": WAITING, "busy": [BUSY]}, "waiting_for_credit"),
    ],
)
def test_a_held_request_is_explained_by_what_holds_it(found: dict[str, Any], cause: str) -> None:
    """A request that was not given waits for a pause, for its turn, or for a service that does nothing for anybody."""
    assert cause == cause_of(stage_facts(record=None, **found))


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        ({"record": None, "credit": held("tenant:acme"), "reader": DEAD}, "tenant_paused"),
        ({"record": None, "credit": held("stage:chunk", "tenant:acme")}, "tenant_paused"),
        ({"record": None, "credit": held("stage:chunk", "tenant:acme", "job:j1")}, "job_paused"),
        ({"answer": ANSWER, "letter": LETTER}, "router_behind"),
        ({"letter": LETTER, "reader": DEAD}, "poison_record"),
        ({"credit": STAGE_PAUSED, "reader": DEAD, "notice": NO_GPU}, "stage_paused"),
        ({"credit": STAGE_PAUSED, "story": BEGUN}, "in_work"),
        ({"credit": STAGE_PAUSED, "story": RETRIED}, "stage_paused"),
        ({"credit": DRAINED}, "not_begun"),
        ({"credit": replace(GIVEN, pauses=["tenant:acme"])}, "not_begun"),
        ({"notice": NO_GPU}, "not_begun"),
        ({"reader": DEAD, "guard": OPEN}, "dead_consumer"),
        ({"guard": replace(OPEN, permit_s=3.0), "reader": BEHIND}, "open_breaker"),
        ({"guard": OPEN, "story": RETRIED}, "open_breaker"),
        ({"guard": SPENT, "reader": BEHIND}, "rate_limited"),
        ({"guard": SPENT, "story": BEGUN}, "in_work"),
        ({"guard": replace(OPEN, state=BreakerState.HALF_OPEN), "story": BEGUN}, "in_work"),
        ({"reader": DEAD, "notice": UNSET}, "dead_consumer"),
        ({"reader": BEHIND, "story": BEGUN}, "in_work"),
        ({"reader": replace(FULL, committed=12), "busy": [BUSY]}, "workers_busy"),
        ({"reader": FULL, "busy": [BUSY.model_copy(update={"jobs": [job().job_id]})], "story": BEGUN}, "in_work"),
    ],
)
def test_of_several_causes_the_one_that_hides_the_others_is_named(found: dict[str, Any], cause: str) -> None:
    """A pause hides what the service does; a missing service hides its guard; a guard hides the queue before it."""
    assert cause == cause_of(stage_facts(**found))


@pytest.mark.parametrize(
    ("late_s", "router", "cause"),
    [(-30, ROUTER, "timer_not_due"), (30, ROUTER, "router_behind"), (30, NO_ROUTER, "router_dead")],
)
def test_a_deferred_stage_waits_for_its_timer(late_s: int, router: Reader, cause: str) -> None:
    """A deferred stage waits for its time; after that, for a router that fires its timer."""
    current = NodeState(status=NodeStatus.DEFERRED, epoch=2, tried=2, deadline=NOW - late_s * 1000)

    assert cause == cause_of(stage_facts(current=current, router=router, record=None))


@pytest.mark.parametrize(
    ("found", "numbers"),
    [
        ({"reader": BEHIND}, ["28 records", "chunk.queue.v1", "offset 12"]),
        ({"reader": replace(DEAD, committed=12)}, ["medkg.chunk", "chunk.queue.v1/2", "28 records"]),
        ({"guard": OPEN}, ["chunk", "gpu-bound", "42 s"]),
        ({"guard": SPENT}, ["5 a second", "gpu-bound", "1.2 s"]),
        ({"credit": WAITING, "record": None}, ["4 requests of a window of 4", "2 others"]),
        ({"story": RETRIED}, ["try 1 of 3"]),
        ({"answer": ANSWER}, ["2 records"]),
    ],
)
def test_summaries_have_the_numbers(found: dict[str, Any], numbers: list[str]) -> None:
    """The sentence says how far, how many and how long."""
    summary = about_stage(job(), stage_facts(**found), NOW).summary

    assert [] == [number for number in numbers if number not in summary], summary


def test_a_timer_says_when_it_is_due() -> None:
    """A deferred stage tells which try failed, why, and in how many seconds the next one is due."""
    current = NodeState(status=NodeStatus.DEFERRED, epoch=2, tried=2, deadline=NOW + 30_000)
    story = [Told(Kind.STAGE_DEFERRED, FAULT)]
    finding = about_stage(job(), stage_facts(current=current, story=story), NOW)

    assert "try 2 of 3 of chunk failed; the next one is due in 30 s" == finding.summary
    assert finding.last_error is not None
    assert (True, True) == (FAULT.message in finding.last_error, FAULT.remedy in finding.last_error)


@pytest.mark.parametrize(
    ("found", "command"),
    [
        ({"reader": DEAD}, "`medkg restart chunk`"),
        ({"reader": DEAD, "notice": NO_GPU}, "`medkg restart chunk`"),
        ({"reader": DEAD, "notice": NO_SERVER}, "`medkg restart chunk`"),
        ({"reader": BEHIND}, "`medkg up --scale chunk=3`"),
        ({"credit": WAITING, "record": None}, "`medkg up --scale chunk=3`"),
        ({"credit": held("job:j1"), "record": None}, "`medkg resume --job j1`"),
        ({"credit": held("tenant:acme"), "record": None}, "`medkg resume --tenant acme`"),
        ({"credit": held("stage:chunk"), "record": None}, "`medkg resume --stage chunk`"),
        ({"record": None}, "`medkg job rerun j1 --from chunk`"),
        ({"letter": LETTER}, "`medkg dlq show chunk.dlq.v1/2@3`"),
        ({"answer": ANSWER, "router": NO_ROUTER}, "`medkg restart router`"),
    ],
)
def test_the_next_action_is_a_command(found: dict[str, Any], command: str) -> None:
    """What a person does next is a command that can be typed as it stands."""
    assert command in about_stage(job(), stage_facts(**found), NOW).next_action


def test_pauses_beside_the_named_one_are_told() -> None:
    """Whoever ends the pause that is named sees at once that another one is there."""
    facts = stage_facts(record=None, credit=held("stage:chunk", "tenant:acme"))
    finding = about_stage(job(), facts, NOW)

    assert "the tenant acme is paused" in finding.summary
    assert "the stage chunk is paused" in (finding.waiting_on or "")
    assert "`medkg resume --tenant acme` and `medkg resume --stage chunk`" in finding.next_action


def test_the_error_that_opened_the_breaker_is_told() -> None:
    """An open breaker's own failure is the last error, whatever job had it."""
    finding = about_stage(job(), stage_facts(guard=OPEN, opened_by=FAULT), NOW)

    assert FAULT.message in (finding.last_error or "")


def test_why_a_service_did_not_start_is_told() -> None:
    """A dead consumer that left a notice is explained with it."""
    finding = about_stage(job(), stage_facts(reader=DEAD, notice=UNSET), NOW)

    assert "[configuration] MK_CTGOV_URL is not set (host:1)" == finding.last_error


@given(
    st.builds(
        stage_facts,
        current=st.builds(
            NodeState,
            status=st.sampled_from([NodeStatus.REQUESTED, NodeStatus.DEFERRED]),
            epoch=st.integers(1, 3),
            tried=st.integers(0, 3),
            deadline=st.one_of(st.none(), st.integers(NOW - 1000, NOW + 1000)),
        ),
        reader=st.sampled_from([ALIVE, DEAD, BEHIND, FULL]),
        router=st.sampled_from([ROUTER, NO_ROUTER]),
        credit=st.sampled_from([GIVEN, WAITING, STAGE_PAUSED, DRAINED, held("tenant:acme", "job:j1")]),
        guard=st.sampled_from([Standstill(), OPEN, SPENT]),
        notice=st.sampled_from([None, NO_GPU, NO_SERVER, UNSET]),
        busy=st.sampled_from([[], [BUSY], [BUSY, BUSY_ELSEWHERE]]),
        record=st.sampled_from([None, ASKED]),
        unsent=st.booleans(),
        answer=st.sampled_from([None, ANSWER]),
        letter=st.sampled_from([None, LETTER]),
        story=st.sampled_from([[], BEGUN, RETRIED]),
    )
)
def test_whatever_is_found_there_is_one_conclusion(facts: StageFacts) -> None:
    """Any combination of facts has a cause, about the stage, with something to wait for and something to do."""
    finding = about_stage(job(), facts, NOW)

    assert finding.cause in Cause
    assert "chunk" == finding.stage
    assert finding.summary
    assert finding.waiting_on
    assert finding.next_action
