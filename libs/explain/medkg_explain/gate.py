"""What is concluded about a gate that a job waits at."""

from datetime import UTC, datetime

from medkg_ledger import JobState

from .causes import Cause
from .facts import GateFacts
from .finding import Finding, held_back, poisoned
from .router import overdue, unread


def about_gate(job: JobState, facts: GateFacts, now: int) -> Finding:
    """Why the job waits at this gate; `now` in milliseconds since 1970."""
    gate = facts.node
    deadline = facts.current.deadline or 0
    if facts.answer is not None:
        return unread(facts.answer, facts.router, gate.name, f"the event for the gate {gate.name}")
    if facts.held_back is not None:
        return held_back(facts.held_back, gate.name, f"the event for the gate {gate.name}")
    if facts.letter is not None:
        return poisoned(facts.letter, gate.name)
    if now > deadline:
        return overdue((now - deadline) / 1000, facts.router, gate.name, f"the deadline of the gate {gate.name}")
    at = datetime.fromtimestamp(deadline / 1000, UTC).isoformat(timespec="seconds")
    outcome = "the job fails" if gate.on_timeout == "fail" else "the job goes on without it"
    return Finding(
        Cause.GATE_CLOSED,
        f"the gate {gate.name} has not been opened; its deadline is in {(deadline - now) / 1000:.0f} s",
        f"See why nothing comes on {gate.event_topic}, or send it; `medkg job cancel {job.job_id}` ends the job.",
        stage=gate.name,
        waiting_on=f"an event on {gate.event_topic} with jobid={job.job_id}; at {at} {outcome}",
    )
