"""What is done about dead letters: which are run again, sent again, put aside or skipped, and by which events."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import REDRIVEN, REDRIVES, Letter
from medkg_contracts.dlq import DeadLetterEntry
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Identifier, Name, TenantId
from medkg_contracts.orders import Order, RerunOrder
from medkg_contracts.records import Record
from medkg_contracts.runs import StageRun, run_asked_for
from medkg_ledger import JobState, JobStatus, LedgerReader
from pydantic import TypeAdapter, ValidationError

from medkg_operations.control import order_event

from .selection import SUFFIX, job_of

_JOB_ID: Final = TypeAdapter(Identifier)
_TENANT: Final = TypeAdapter(TenantId)
_STAGE: Final = TypeAdapter(Name)

#: How the number of redrives is written.
_COUNT: Final = re.compile("[0-9]{1,9}")

#: So many letters are dealt with at once when nobody has asked for a slower rate.
CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done about a letter.

    Attributes:
        action: ``rerun`` the job from the stage, ``resend`` the record, ``discard`` the letter, or ``skip`` it.
        detail: what that means here, or why it is skipped.
    """

    letter: Letter
    action: Literal["rerun", "resend", "discard", "skip"]
    detail: str


@dataclass(frozen=True, slots=True)
class RedriveOptions:
    """How letters are dealt with.

    Attributes:
        order: who does it and why.
        source: by which program: the `source` of the events that tell of it.
        latest: jobs go on with the newest version of their topology.
        rate: letters a second at most; None sets no limit.
        timeout_s: how long the router may take to answer.
    """

    order: Order
    source: str
    latest: bool = False
    rate: float | None = None
    timeout_s: float = 30.0

    def chunks(self, tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
        """The tasks in parts, each of which is answered before the next begins: about a second's at a slow rate."""
        size = CHUNK if self.rate is None else max(1, min(CHUNK, math.floor(self.rate)))
        return (tasks[start : start + size] for start in range(0, len(tasks), size))


def discarding(entries: Sequence[DeadLetterEntry]) -> list[Task]:
    """How these letters are put aside."""
    return [_closed(one) or Task(one.letter, "discard", "put aside") for one in entries]


async def redriving(
    entries: Sequence[DeadLetterEntry], ledger: LedgerReader, store: ArtifactStore, *, latest: bool
) -> list[Task]:
    """How these letters are given another try.

    Raises:
        LedgerUnavailable: Redis does not answer.
        ArtifactStoreUnavailable: a record that is kept there cannot be read.
    """
    restored = [await _restored(one, store) for one in entries]
    runs = [run_of(one.letter) for one in restored if isinstance(one, DeadLetterEntry)]
    loaded = await ledger.load(sorted({run.job_id for run in runs if run is not None}))
    states = {job_id: versioned.state for job_id, versioned in loaded.items()}
    return [one if isinstance(one, Task) else redrive_task(one, states, latest=latest) for one in restored]


def redrive_task(entry: DeadLetterEntry, states: Mapping[str, JobState | None], *, latest: bool) -> Task:
    """How one letter is given another try; `states` are the jobs that letters of stages are about."""
    closed, letter, run = _closed(entry), entry.letter, run_of(entry.letter)
    if closed is not None:
        return closed
    if run is None:
        return Task(letter, "resend", f"the record again on {letter.original.topic}")
    obstacle = rerun_obstacle(run, states.get(run.job_id))
    if obstacle is not None:
        return Task(letter, "skip", obstacle)
    version = "the newest version" if latest else "its own version"
    return Task(letter, "rerun", f"job {run.job_id} from {run.stage}, on {version} of its topology")


def rerun_event(letter: Letter, options: RedriveOptions) -> CloudEvent:
    """The order that runs the letter's stage again; the same letter, or another about the same run, gives the same."""
    run = run_of(letter)
    if run is None:
        raise AssertionError("only a letter about a stage's work is run again")
    order = RerunOrder(by=options.order.by, reason=options.order.reason, stage=run.stage, latest=options.latest)
    return order_event(
        Kind.CONTROL_RERUN, run.job_id, order, source=options.source, identity=digest("redrive", *run)[:32]
    )


def closing_event(kind: Kind, letter: Letter, options: RedriveOptions) -> CloudEvent:
    """The event that says what became of the letter; the same letter gives the same event."""
    dlq, partition, offset = letter.place
    data = LetterClosed(
        dlq=dlq, partition=partition, offset=offset, code=letter.code, latest=options.latest, order=options.order
    )
    return make_event(
        kind,
        id=_closing_id(kind, letter),
        source=options.source,
        time=datetime.now(UTC),
        data=data,
        job_id=about(letter),
        extensions={
            "tenantid": _named(letter.text("ce_tenantid"), _TENANT),
            "stage": _named(letter.text("ce_stage"), _STAGE),
        },
    )


def redriven_record(letter: Letter) -> Record:
    """The original record with two headers more: how often it was redriven, and the id of the event that says so."""
    identity = _closing_id(Kind.RECORD_REDRIVEN, letter)
    own = [header for header in letter.original.headers if header[0] not in (REDRIVES, REDRIVEN)]
    redrives = str(redrives_of(letter) + 1)
    return replace(letter.original, headers=[*own, (REDRIVES, redrives.encode()), (REDRIVEN, identity.encode())])


def _closing_id(kind: Kind, letter: Letter) -> str:
    return digest(kind, *letter.place)[:32]


def _closed(entry: DeadLetterEntry) -> Task | None:
    if entry.closed is None:
        return None
    by = f" by {entry.closed.order.by}" if entry.closed.order.by else ""
    return Task(entry.letter, "skip", f"it was {entry.state}{by} already")


async def _restored(entry: DeadLetterEntry, store: ArtifactStore) -> DeadLetterEntry | Task:
    """The letter with its record, wherever that is."""
    try:
        return DeadLetterEntry(await restored(entry.letter, store), entry.state, entry.closed)
    except MedkgError as error:
        if error.retryable:
            raise
        return Task(entry.letter, "skip", f"its record is not to be had: {error}")


async def restored(letter: Letter, store: ArtifactStore) -> Letter:
    """The letter with its record, which may be in the artifact store.

    Raises:
        PoisonRecord: what is there is no record.
        ArtifactMissing: nothing is there.
        ArtifactStoreUnavailable: the store cannot be read.
    """
    if letter.stored is None:
        return letter
    try:
        ref = ArtifactRef(name="dead-letter", sha256=letter.stored.rpartition("/")[2], size=0, uri=letter.stored)
    except ValidationError as error:
        raise PoisonRecord(f"{letter.stored[:200]!r} is no artifact") from error
    return letter.restored(await store.get(SYSTEM_TENANT, ref))


def run_of(letter: Letter) -> StageRun | None:
    """The run of a stage that could not be done; None when the record is no request for one."""
    service = letter.place.topic.removesuffix(SUFFIX)
    return run_asked_for(letter.original) if letter.original.topic == topics.queue(service) else None


def redrives_of(letter: Letter) -> int:
    """How often the record has been given another try before, and came back."""
    count = letter.text(REDRIVES)
    if count is not None and _COUNT.fullmatch(count):
        return int(count)
    return sum(name == REDRIVEN for name, _ in letter.original.headers)  # each try added one before there was a count


def rerun_obstacle(run: StageRun, state: JobState | None) -> str | None:
    """Why running the stage again is not what this letter asks for; None when it is."""
    if state is None:
        return f"the ledger knows no job {run.job_id}"
    if state.status is not JobStatus.FAILED:
        return f"the job is {state.status}"
    if state.failed_stage != run.stage:
        return f"the job failed at {state.failed_stage or 'no stage'}, not here"
    epoch = state.node(run.stage).epoch
    return None if epoch == run.epoch else f"the stage was run again since: this is run {run.epoch} of {epoch}"


def about(letter: Letter) -> str:
    """What stands for the job in events about the letter: the job, or else its DLQ."""
    return _named(job_of(letter), _JOB_ID) or f"dlq:{letter.place.topic}"


def _named(text: str | None, names: TypeAdapter[str]) -> str | None:
    """The name that a letter's record gives, which may be anything; None when an event may not give it on."""
    try:
        return names.validate_python(text)
    except ValidationError:
        return None
