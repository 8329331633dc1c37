"""What is true of a job, and what a person does about it: pure conclusions from facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from medkg_contracts import topics
from medkg_contracts.deadletter import ERROR_CODE, EXCEPTION_MESSAGE, ORIGINAL_TOPIC, Record, reason_headers
from medkg_contracts.model import Contract
from medkg_ledger import JobState, JobStatus, NodeState
from medkg_topology.plan import GateNode, StageNode


class Explanation(Contract):
    """Why a job is where it is.

    Attributes:
        cause: a stable code: ``completed``, ``failed``, ``rejected``, ``cancelled``, ``dead_consumer``,
            ``lagging_consumer``, ``not_begun``, ``in_work``, ``retrying``, ``gate_closed``, ``router_dead``,
            ``router_behind``, ``poison_record``, ``record_gone`` or ``unknown_job``.
        summary: the cause in a sentence.
        stage: the stage or gate that it is about.
        record: ``topic/partition@offset`` of the record that the job hangs on.
        waiting_on: what must happen for the job to go on.
        last_error: the last error that anybody reported for the job.
        next_action: what a person does now.
    """

    job_id: str
    state: str
    cause: str
    summary: str
    pipeline: str | None = None
    stage: str | None = None
    record: str | None = None
    waiting_on: str | None = None
    last_error: str | None = None
    next_action: str

    def text(self) -> str:
        """The explanation for people: a line for each thing that there is to say."""
        lines = [f"{self.job_id} is {self.state}: {self.summary}"]
        labels = ("pipeline", "stage", "record", "waiting_on", "last_error", "next_action")
        lines += [f"  {label.replace('_', ' '):<12} {value}" for label in labels if (value := getattr(self, label))]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What Kafka knows of the record that a stage was asked for with.

    Attributes:
        service: the stage service.
        record: the newest request for this run, or None when it is not in the queue any more.
        committed: how far the service's group has come in the record's partition.
        owner: which consumer reads the partition; None when nobody does.
        answered: the record on the done topic that answers it, or None.
        story: kinds of the lifecycle events of this run, oldest first.
        refused: the record's dead letter, or None.
    """

    service: str
    record: Record | None
    committed: int
    owner: str | None
    answered: Record | None
    story: Sequence[str]
    refused: Record | None


@dataclass(frozen=True, slots=True)
class RouterFacts:
    """How far the router has come in a partition, and which router reads it."""

    committed: int
    owner: str | None


def explain_ended(state: JobState, letter: Record | None) -> Explanation:
    """A job that has ended."""
    error = state.error
    place = None if letter is None else where(letter)
    if state.status is JobStatus.COMPLETED:
        return _about(state, "completed", "every stage has completed", next_action="Nothing.")
    if error is None:
        return _about(state, "cancelled", "somebody cancelled it", next_action="Submit it again if it is wanted.")
    verb = "was rejected" if state.status is JobStatus.REJECTED else f"failed at {state.failed_stage}"
    return _about(
        state,
        "rejected" if state.status is JobStatus.REJECTED else "failed",
        f"it {verb} [{error.code}]",
        stage=state.failed_stage,
        record=place,
        last_error=error.message,
        next_action=error.remedy,
    )


def explain_gate(
    state: JobState, gate: GateNode, current: NodeState, router: RouterFacts, spoken: Record | None
) -> Explanation:
    """A job at a gate."""
    if spoken is not None:
        return _router_lags(state, gate.name, router, spoken)
    deadline = datetime.fromtimestamp((current.deadline or 0) / 1000, UTC).isoformat(timespec="seconds")
    outcome = "the job fails" if gate.on_timeout == "fail" else "the job goes on without it"
    return _about(
        state,
        "gate_closed",
        f"the gate {gate.name} has not been opened",
        stage=gate.name,
        waiting_on=f"an event on {gate.event_topic} with jobid={state.job_id}; at {deadline} {outcome}",
        next_action=f"See why nothing comes on {gate.event_topic}, or send the event.",
    )


def explain_stage(state: JobState, node: StageNode, facts: QueueFacts, router: RouterFacts) -> Explanation:
    """A job whose stage has been asked for."""
    if facts.refused is not None:
        return _poison(state, node.name, facts.refused)
    if facts.answered is not None:
        return _router_lags(state, node.name, router, facts.answered)
    topic = topics.queue(facts.service)
    if facts.record is None:
        return _about(
            state, "record_gone", f"its request is not on {topic} any more and nobody answered it", stage=node.name,
            next_action="Its retention may have passed. Submit the job again under another id.",
        )  # fmt: skip
    return _explain_consumer(state, node, facts, facts.record)


def _explain_consumer(state: JobState, node: StageNode, facts: QueueFacts, record: Record) -> Explanation:
    """A job whose request stands on the queue of its stage's service."""
    topic = topics.queue(facts.service)
    behind = record.offset - facts.committed
    if facts.owner is None:
        return _about(
            state, "dead_consumer", f"no consumer of the group {topics.group(facts.service)} reads its partition",
            stage=node.name, record=where(record), waiting_on=f"a running {facts.service} service",
            next_action=f"Start it: `medkg restart {facts.service}`; its log is `medkg logs {facts.service}`.",
        )  # fmt: skip
    if behind > 0 and "stage.started" not in facts.story:
        return _about(
            state, "lagging_consumer", f"{behind} records stand before it on {topic}", stage=node.name,
            record=where(record), waiting_on=f"{facts.owner} to get through them",
            next_action=f"Wait, or start more consumers: `medkg up --scale {facts.service}=2`.",
        )  # fmt: skip
    if not facts.story:
        return _about(
            state, "not_begun", f"{facts.service} has not begun with it, though nothing stands before it",
            stage=node.name, record=where(record), waiting_on=facts.owner,
            next_action=f"Ask again in 10 s: so late a dead consumer is missed. See `medkg logs {facts.service}`.",
        )  # fmt: skip
    retrying = "stage.retrying" in facts.story
    return _about(
        state, "retrying" if retrying else "in_work",
        "the stage failed and is being tried again" if retrying else f"{facts.service} is working on it",
        stage=node.name, record=where(record), waiting_on=facts.owner,
        next_action=f"Wait; `medkg events tail --job {state.job_id}` shows each try.",
    )  # fmt: skip


def _router_lags(state: JobState, stage: str, router: RouterFacts, answer: Record) -> Explanation:
    dead = router.owner is None
    return _about(
        state,
        "router_dead" if dead else "router_behind",
        f"{stage} has been answered, but no router reads the answer"
        if dead
        else "the router has yet to read an answer",
        stage=stage,
        record=where(answer),
        waiting_on="a running router" if dead else f"{router.owner}, {answer.offset - router.committed} records behind",
        next_action="Start it: `medkg restart router`."
        if dead
        else "Wait; if it stays so, look at `medkg logs router`.",
    )


def _poison(state: JobState, stage: str, letter: Record) -> Explanation:
    reason = reason_headers(letter.headers)
    return _about(
        state,
        "poison_record",
        f"the record that asked for {stage} could not be read [{reason.get(ERROR_CODE)}]",
        stage=stage,
        record=where(letter),
        last_error=reason.get(EXCEPTION_MESSAGE),
        next_action=f"Correct what writes to {reason.get(ORIGINAL_TOPIC)}; the record's bytes are kept where it says.",
    )


def where(record: Record) -> str:
    """``topic/partition@offset``."""
    return f"{record.topic}/{record.partition}@{record.offset}"


def _about(  # noqa: PLR0913 - an explanation has so many parts
    state: JobState,
    cause: str,
    summary: str,
    *,
    next_action: str,
    stage: str | None = None,
    record: str | None = None,
    waiting_on: str | None = None,
    last_error: str | None = None,
) -> Explanation:
    version = f"@{state.pipeline_version[:12]}" if state.pipeline_version else ""
    return Explanation(
        job_id=state.job_id,
        state=state.status,
        cause=cause,
        summary=summary,
        pipeline=f"{state.pipeline_name}{version}" if state.pipeline_name else None,
        stage=stage,
        record=record,
        waiting_on=waiting_on,
        last_error=last_error,
        next_action=next_action,
    )
