"""What is known about the nodes that a job waits for, before anything is concluded from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from medkg_contracts.deadletter import Letter
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_ledger import Held, NodeState
from medkg_servicekit.startup_failures import StartupFailure
from medkg_stagekit.busy import BusyWorkers
from medkg_stagekit.guard import Standstill
from medkg_topology.plan import GateNode, StageNode

_NOTHING: Final = Standstill()


@dataclass(frozen=True, slots=True)
class Reader:
    """A consumer group, seen from one partition.

    Attributes:
        committed: the offset of the first record that it has not finished.
        owner: which consumer reads the partition; None when nobody does.
        members: how many consumers the group has.
    """

    committed: int
    owner: str | None
    members: int


@dataclass(frozen=True, slots=True)
class Told:
    """A lifecycle event of a stage's run.

    Attributes:
        error: the error that it reports, if it reports one.
    """

    kind: Kind
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A record that is there and that nobody can read, since it is in or behind a transaction that is open.

    Attributes:
        since: the offset at which the transaction begins, in the record's partition.
    """

    record: Record
    since: int


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage that has been asked for, or is to be asked for again.

    Attributes:
        current: the ledger's record of it.
        reader: the service's consumer group, at the job's partition of its queue.
        router: the router's group, at the answer's partition of the service's done topic, or at the job's.
        credit: how the request stands with the service's admission.
        guard: what the policy's breaker and rate limit keep back, for all consumers of the service.
        opened_by: the error that opened the breaker, if it is open and that is still known.
        notice: why the service last did not start; None if it did.
        busy: those of its processes in which long jobs hold all workers.
        record: the request for this run, or None when it is not in the queue.
        unsent: the ledger still has to send the request.
        answer: the record on the done topic that answers it and that the router has not read, or None.
        held_back: the request or its answer, if an open transaction holds it back.
        letter: the dead letter of the request or of its answer, or None.
        story: the lifecycle events of this run, oldest first.
    """

    node: StageNode
    current: NodeState
    reader: Reader
    router: Reader
    credit: Held
    guard: Standstill = _NOTHING
    opened_by: ErrorInfo | None = None
    notice: StartupFailure | None = None
    busy: Sequence[BusyWorkers] = ()
    record: Record | None = None
    unsent: bool = False
    answer: Record | None = None
    held_back: HeldBack | None = None
    letter: Letter | None = None
    story: Sequence[Told] = ()

    @property
    def error(self) -> ErrorInfo | None:
        """The last error that the stage reported in this run."""
        return next((told.error for told in reversed(self.story) if told.error is not None), None)

    @property
    def at_work(self) -> bool:
        """Whether the stage's service has begun a try of it that has not failed yet."""
        return bool(self.story) and self.story[-1].kind is Kind.STAGE_STARTED


@dataclass(frozen=True, slots=True)
class GateFacts:
    """A gate that a job waits at.

    Attributes:
        current: the ledger's record of it.
        router: the router's group, at the answer's partition of the gate's topic, or at the job's.
        answer: the record on the gate's topic that speaks of the job and that the router has not read, or None.
        held_back: such a record, if an open transaction holds it back.
        letter: the dead letter of a record that spoke of the job, or None.
    """

    node: GateNode
    current: NodeState
    router: Reader
    answer: Record | None = None
    held_back: HeldBack | None = None
    letter: Letter | None = None
