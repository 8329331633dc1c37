"""The conclusion that explain draws from what it found."""

from dataclasses import replace

import pytest
from medkg_cli.explanation import QueueFacts, RouterFacts, explain_gate, explain_stage
from medkg_contracts.deadletter import DeadLetter, Record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, NodeState, NodeStatus
from medkg_topology.plan import GateNode, StageNode

NODE = StageNode(name="chunk", type="ChunkStage", service="chunk")
GATE = GateNode(name="approval", event_topic="approvals.v1", deadline_s=900, on_timeout="fail")
ASKED = Record("chunk.queue.v1", 2, 40, 0, b"j1", b"{}", ())
ANSWER = Record("chunk.done.v1", 2, 7, 0, b"j1", b"{}", ())
LETTER = replace(
    ASKED,
    topic="chunk.dlq.v1",
    headers=tuple(DeadLetter(ASKED, "medkg.chunk", "PoisonRecord", PoisonRecord("no JSON").info).headers()),
)
STATE = JobState(
    job_id="j1",
    tenant_id="public",
    doc_id="ctgov:NCT00000001",
    correlation_id="j1",
    pipeline_name="clinical-trials",
    pipeline_version="0" * 64,
    request=JobRequest(source="ctgov", id="NCT00000001"),
    created_at=0,
    updated_at=0,
)
ALIVE = RouterFacts(7, "medkg.router (1) at 127.0.0.1")
DEAD = RouterFacts(7, None)


def facts(**found: object) -> QueueFacts:
    """A request at offset 40 that a living consumer has reached, changed by what is found."""
    usual = QueueFacts("chunk", ASKED, 40, "medkg.chunk (1) at 127.0.0.1", None, ["stage.started"], None)
    return replace(usual, **found)  # type: ignore[arg-type]  # the tests name its fields


@pytest.mark.parametrize(
    ("found", "router", "cause"),
    [
        ({}, ALIVE, "in_work"),
        ({"story": ["stage.started", "stage.retrying"]}, ALIVE, "retrying"),
        ({"owner": None, "story": []}, ALIVE, "dead_consumer"),
        ({"committed": 12, "story": []}, ALIVE, "lagging_consumer"),
        ({"story": []}, ALIVE, "not_begun"),
        ({"record": None}, ALIVE, "record_gone"),
        ({"answered": ANSWER}, ALIVE, "router_behind"),
        ({"answered": ANSWER}, DEAD, "router_dead"),
        ({"refused": LETTER}, ALIVE, "poison_record"),
    ],
)
def test_stage_is_explained_by_what_holds_it(found: dict[str, object], router: RouterFacts, cause: str) -> None:
    """Each state of the queue, the consumer and the answer has its own cause."""
    assert cause == explain_stage(STATE, NODE, facts(**found), router).cause


def test_lagging_consumer_says_how_far() -> None:
    """The records before the job's are counted, and the remedy names the service."""
    explanation = explain_stage(STATE, NODE, facts(committed=12, story=[]), ALIVE)

    assert "28 records stand before it on chunk.queue.v1" == explanation.summary
    assert "chunk.queue.v1/2@40" == explanation.record
    assert "medkg up --scale chunk=2" in explanation.next_action


def test_poison_says_what_is_wrong_and_where_the_bytes_are() -> None:
    """A refused request is explained by the DLQ's own reason."""
    explanation = explain_stage(STATE, NODE, facts(refused=LETTER), ALIVE)

    assert ("no JSON", "chunk.dlq.v1/2@40") == (explanation.last_error, explanation.record)


def test_gate_says_what_it_waits_for_and_until_when() -> None:
    """A closed gate names its topic, the job id that the event needs, and what its deadline does."""
    waiting = NodeState(status=NodeStatus.WAITING, epoch=1, deadline=0)
    explanation = explain_gate(STATE, GATE, waiting, ALIVE, None)

    assert "gate_closed" == explanation.cause
    assert (
        "an event on approvals.v1 with jobid=j1; at 1970-01-01T00:00:00+00:00 the job fails" == explanation.waiting_on
    )


def test_gate_whose_event_is_there_waits_for_the_router() -> None:
    """A gate that has been answered is explained by the router that has not read it."""
    waiting = NodeState(status=NodeStatus.WAITING, epoch=1, deadline=0)

    assert "router_dead" == explain_gate(STATE, GATE, waiting, DEAD, ANSWER).cause
