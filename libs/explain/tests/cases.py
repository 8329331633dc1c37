"""A job at its stage `chunk`, and what can be known of it."""

from dataclasses import replace
from typing import Any

from medkg_contracts.deadletter import DeadLetter, Letter, read_letter
from medkg_contracts.errors import ErrorInfo, PoisonRecord, SourceUnavailable
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest
from medkg_explain.facts import GateFacts, Reader, StageFacts
from medkg_ledger import Held, JobState, NodeState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

NOW = 1_700_000_000_000

POLICY = Policy(name="gpu-bound", attempts=3, breaker=Breaker(failures=5, reset_s=60), rate=RateLimit(per_s=5))
NODE = StageNode(name="chunk", type="ChunkStage", service="chunk", policy=POLICY)
GATE = GateNode(name="approval", event_topic="approvals.v1", deadline_s=900, on_timeout="fail")

ASKED = Record("chunk.queue.v1", 2, 40, NOW, b"j1", b"{}", ())
ANSWER = Record("chunk.done.v1", 2, 7, NOW, b"j1", b"{}", ())
FAULT: ErrorInfo = SourceUnavailable("the source is away").info

ALIVE = Reader(40, "medkg.chunk (1) at 127.0.0.1", 2)
DEAD = Reader(40, None, 0)
ROUTER = Reader(5, "medkg.router (1) at 127.0.0.1", 1)
NO_ROUTER = Reader(5, None, 0)

#: The request has been given to the service; and it has not, since there is no credit.
GIVEN = Held(held=False, position=None, flight=3, window=4, pauses=())
WAITING = Held(held=True, position=2, flight=4, window=4, pauses=())


def letter_of(record: Record, error: PoisonRecord, dlq: str) -> Letter:
    """The dead letter of a record, as it stands on the DLQ."""
    headers = tuple(DeadLetter(record, "medkg.chunk", type(error).__name__, error.info).headers())
    return read_letter(replace(record, topic=dlq, offset=3, headers=headers))


LETTER = letter_of(ASKED, PoisonRecord("no JSON"), "chunk.dlq.v1")


def job(**fields: Any) -> JobState:
    """A running job."""
    usual: dict[str, Any] = {
        "job_id": "j1",
        "tenant_id": "acme",
        "doc_id": "ctgov:NCT00000001",
        "correlation_id": "j1",
        "pipeline_name": "clinical-trials",
        "pipeline_version": "0" * 64,
        "request": JobRequest(source="ctgov", id="NCT00000001"),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return JobState(**usual | fields)


def stage_facts(**found: Any) -> StageFacts:
    """A request at offset 40 that a living consumer has reached, changed by what is found."""
    current = NodeState(status=NodeStatus.REQUESTED, epoch=1, started_at=NOW)
    return replace(StageFacts(NODE, current, ALIVE, ROUTER, GIVEN, record=ASKED), **found)


def gate_facts(**found: Any) -> GateFacts:
    """A gate that has another 100 s, changed by what is found."""
    current = NodeState(status=NodeStatus.WAITING, epoch=1, started_at=NOW, deadline=NOW + 100_000)
    return replace(GateFacts(GATE, current, ROUTER), **found)


def stage(name: str, *depends_on: str) -> StageNode:
    """A stage of a plan."""
    return StageNode(name=name, type="Stage", service=name, depends_on=depends_on)


#: parse fans out to validate and chunk; index joins chunk and approval.
PLAN = Plan(
    name="reviewed",
    version="1.0",
    nodes=(
        stage("parse"),
        stage("validate", "parse"),
        stage("chunk", "parse"),
        GATE.model_copy(update={"depends_on": ("validate",)}),
        stage("index", "chunk", "approval"),
    ),
)


def at(**nodes: str) -> JobState:
    """A job whose nodes have these statuses."""
    return job(nodes={name: NodeState(status=NodeStatus(status), epoch=1) for name, status in nodes.items()})
