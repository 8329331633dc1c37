"""Dead letters: which there are, which are open, and what can be done about one."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from medkg_contracts import topics
from medkg_contracts.cloudevents import from_record
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import REDRIVEN, REDRIVES, Letter, read_letter
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import Identifier
from medkg_contracts.records import Place, Record
from medkg_ledger import JobState, JobStatus
from pydantic import TypeAdapter, ValidationError

#: What a DLQ's topic ends with.
SUFFIX: Final = ".dlq.v1"

#: How the number of redrives is written.
_COUNT: Final = re.compile("[0-9]{1,9}")

_JOB_ID: Final = TypeAdapter(Identifier)


class Work(NamedTuple):
    """The run of a stage that a record of its queue asks for."""

    job_id: str
    stage: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; None fits all.

    Attributes:
        places: where they stand.
        topic: their DLQ.
        since: put there at this time or later, milliseconds since 1970-01-01 UTC.
        until: put there before this time.
    """

    places: frozenset[Place] | None = None
    topic: str | None = None
    code: str | None = None
    job: str | None = None
    tenant: str | None = None
    since: int | None = None
    until: int | None = None

    def fits(self, letter: Letter) -> bool:
        """Whether the letter is one of these."""
        pairs = (
            (self.topic, letter.place.topic),
            (self.code, letter.code),
            (self.job, job_of(letter)),
            (self.tenant, letter.text("ce_tenantid")),
        )
        if any(wanted is not None and wanted != value for wanted, value in pairs):
            return False
        if self.places is not None and letter.place not in self.places:
            return False
        return (self.since or 0) <= letter.timestamp and (self.until is None or letter.timestamp < self.until)


@dataclass(frozen=True, slots=True)
class Filed:
    """A letter and what became of it.

    Attributes:
        closed: who closed it and why; None while it is open.
        state: ``open``, ``redriven`` or ``discarded``.
    """

    letter: Letter
    state: str = "open"
    closed: LetterClosed | None = None


@dataclass(slots=True)
class Letters:
    """What the records of DLQs say, in the order of each partition.

    Attributes:
        wanted: which letters are kept.
        values: of which letters the values are kept as well, which takes memory.
        records: how many have been read.
        unreadable: how many of them are neither letters nor say what became of one.
    """

    wanted: Callable[[Letter], bool]
    values: Callable[[Letter], bool]
    records: int = 0
    unreadable: int = 0
    _filed: dict[Place, Filed] = field(default_factory=dict)

    def read(self, record: Record) -> None:
        """Take note of a record of a DLQ."""
        self.records += 1
        try:
            letter = read_letter(record)
        except PoisonRecord:
            self._close(record)
            return
        if self.wanted(letter):
            kept = letter if self.values(letter) else replace(letter, original=replace(letter.original, value=None))
            self._filed[letter.place] = Filed(kept)

    def all(self) -> list[Filed]:
        """All that were read, oldest first."""
        return sorted(self._filed.values(), key=lambda filed: (filed.letter.timestamp, filed.letter.place))

    def open(self) -> list[Filed]:
        """Those that nobody has redriven or discarded, oldest first."""
        return [filed for filed in self.all() if filed.closed is None]

    def _close(self, record: Record) -> None:
        try:
            event = from_record(record.headers, record.value)
            kind = kind_of(event)
            if kind not in (Kind.RECORD_REDRIVEN, Kind.RECORD_DISCARDED):
                raise PoisonRecord("neither a letter nor what became of one")
            closed = read_data(event, LetterClosed)
        except PoisonRecord:
            self.unreadable += 1
            return
        place = Place(closed.dlq, closed.partition, closed.offset)
        if place in self._filed:
            self._filed[place] = Filed(self._filed[place].letter, kind.value.rpartition(".")[2], closed)


def job_of(letter: Letter) -> str | None:
    """The job that the letter is about, as far as its record says."""
    named = letter.text("ce_jobid")
    if named is not None or letter.original.key is None:
        return named
    try:
        return letter.original.key.decode()
    except UnicodeDecodeError:
        return None


def work_of(letter: Letter) -> Work | None:
    """The run of a stage that could not be done; None when the record is no request for one."""
    job, stage, epoch = (letter.text(f"ce_{name}") for name in ("jobid", "stage", "epoch"))
    service = letter.place.topic.removesuffix(SUFFIX)
    if letter.original.topic != topics.queue(service) or not job or not stage or not (epoch or "").isdecimal():
        return None
    return Work(job, stage, int(epoch or 0))


def redrives_of(letter: Letter) -> int:
    """How often the record has been given another try before, and came back."""
    count = letter.text(REDRIVES)
    if count is not None and _COUNT.fullmatch(count):
        return int(count)
    return sum(name == REDRIVEN for name, _ in letter.original.headers)  # each try added one before there was a count


def rerun_obstacle(work: Work, state: JobState | None) -> str | None:
    """Why running the stage again is not what this letter asks for; None when it is."""
    if state is None:
        return f"the ledger knows no job {work.job_id}"
    if state.status is not JobStatus.FAILED:
        return f"the job is {state.status}"
    if state.failed_stage != work.stage:
        return f"the job failed at {state.failed_stage or 'no stage'}, not here"
    epoch = state.node(work.stage).epoch
    return None if epoch == work.epoch else f"the stage was run again since: this is run {work.epoch} of {epoch}"


def error_class(code: str) -> type[MedkgError]:
    """The class of the error tree that has this code; the root's for a code of another program."""
    return next((kind for kind in _tree(MedkgError) if kind.code == code), MedkgError)


def summary(letters: Iterable[Filed]) -> dict[tuple[str, str], int]:
    """How many letters there are of each topic and code, most first."""
    counts = Counter((filed.letter.place.topic, filed.letter.code) for filed in letters)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def is_letterbox(topic: str) -> bool:
    """Whether a topic is a DLQ."""
    return topic.endswith(SUFFIX)


def about(letter: Letter) -> str:
    """What stands for the job in events about the letter: the job, or else its DLQ."""
    try:
        return _JOB_ID.validate_python(job_of(letter))
    except ValidationError:
        return f"dlq:{letter.place.topic}"


def _tree(kind: type[MedkgError]) -> Iterator[type[MedkgError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _tree(child)
