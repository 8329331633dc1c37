"""What was concluded about one node of a job, or about the job as a whole."""

from dataclasses import dataclass

from medkg_contracts.deadletter import Letter
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.explanation import Explanation
from medkg_ledger import JobState
from medkg_topology.plan import Plan, StageNode

from .causes import Cause
from .facts import HeldBack


@dataclass(frozen=True, slots=True)
class Finding:
    """A conclusion; its attributes are those of `Explanation`."""

    cause: Cause
    summary: str
    next_action: str
    stage: str | None = None
    record: str | None = None
    waiting_on: str | None = None
    last_error: str | None = None

    def about(self, state: JobState, plan: Plan | None) -> Explanation:
        """The explanation that the finding gives of this job, whose plan this is, if it is known."""
        node = plan.by_name.get(self.stage or "") if plan else None
        version = f"@{state.pipeline_version[:12]}" if state.pipeline_version else ""
        return Explanation(
            job_id=state.job_id,
            status=state.status,
            cause=self.cause,
            summary=self.summary,
            pipeline=f"{state.pipeline_name}{version}" if state.pipeline_name else None,
            stage=self.stage,
            options=node.options if isinstance(node, StageNode) else {},
            record=self.record,
            waiting_on=self.waiting_on,
            last_error=self.last_error,
            next_action=self.next_action,
        )


def said(error: ErrorInfo | None) -> str | None:
    """The error and its remedy, in a line."""
    return None if error is None else f"[{error.code}] {error.message} -> {error.remedy}"


def poisoned(letter: Letter, stage: str | None) -> Finding:
    """A record about the job could not be read."""
    return Finding(
        Cause.POISON_RECORD,
        f"a record about it on {letter.original.place} could not be read [{letter.code}]",
        f"`medkg dlq show {letter.place}` shows its bytes. Correct what writes to {letter.original.topic}, "
        f"then `medkg dlq redrive {letter.place}`.",
        stage=stage,
        record=str(letter.place),
        waiting_on="a record that can be read",
        last_error=f"[{letter.code}] {letter.message}",
    )


def held_back(held: HeldBack, stage: str | None, what: str) -> Finding:
    """A record that brings the job on cannot be read; `what` names it."""
    topic, partition, _ = held.record.place
    return Finding(
        Cause.OPEN_TRANSACTION,
        f"{what} is there and cannot be read: a transaction is open in {topic}/{partition} since offset {held.since}",
        "Let its producer commit or abort it; Kafka aborts it once the producer's transaction.timeout.ms is over. "
        f"Kafka's `kafka-transactions.sh describe-producers --topic {topic} --partition {partition}` says whose it is.",
        stage=stage,
        record=str(held.record.place),
        waiting_on=f"the end of the transaction in {topic}/{partition}",
    )
