"""What a decision says, before it is an event."""

from dataclasses import dataclass

from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_ledger.state import JobState


@dataclass(frozen=True, slots=True)
class Emit:
    """An event that the router sends.

    Attributes:
        job: as the decision leaves it.
        node: the stage or gate that it is about; None for the job itself.
        sequence: position among the job's events; zero-padded, so that it sorts as text.
        cause: id of the event that led to it.
        cause_source: that event's `source`.
        expires: when its answer is of no more use, milliseconds since 1970; None for never.
        service: the stage service whose work it asks for; None for all else.
    """

    job: JobState
    topic: str
    kind: Kind
    data: Contract | None
    sequence: str
    cause: str
    traceparent: str
    node: str | None = None
    epoch: int = 0
    expires: int | None = None
    service: str | None = None
    cause_source: str = ""


def sequence(number: int) -> str:
    """The position as text that sorts: eight digits."""
    return f"{number:08d}"


def trace_of(state: JobState) -> str:
    """The job's own W3C trace context; derived from its id when the request brought none."""
    if state.traceparent is not None:
        return state.traceparent
    trace = digest("trace", state.job_id)
    return f"00-{trace[:32]}-{trace[32:48]}-01"
