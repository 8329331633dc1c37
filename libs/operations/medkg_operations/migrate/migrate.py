"""Brings the jobs of the system before medkg into the ledger."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import EventProducer, connected
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import JobMigrated
from medkg_contracts.errors import InvalidInput, InvalidRequest
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.settings import Settings
from medkg_ledger import Change, JobState, Versioned
from medkg_ledger.store import Ledger

from medkg_operations.requests import CLIENT_ID

from .old_job import migrated

#: So many jobs are told of, and then written, at once.
BATCH: Final = 500

_BOM: Final = b"\xef\xbb\xbf"


class BadLine(Contract):
    """A line that is no job's record, and why."""

    line: int
    reason: str


class MigrationReport(Contract):
    """What a migration did.

    Attributes:
        migrated: jobs that were written.
        skipped: jobs that were there already.
        errors: lines that are no job's record.
        rejected: the file that has these lines; None when there are none.
    """

    migrated: int
    skipped: int
    errors: list[BadLine]
    rejected: str | None


class _Line(NamedTuple):
    number: int
    text: bytes


async def migrate(
    settings: Settings, file: Path, report: Callable[[int, int], None], *, source: str
) -> MigrationReport:
    """Bring the jobs of an export into the ledger, those that are there already excepted.

    Each job is told of before it is written, so that a rebuild of the ledger finds it. What is interrupted goes on
    when it is begun again.

    Args:
        settings: where the servers are.
        file: the export: a job's record as JSON on each line.
        report: is told how many of its lines are done, and how many there are.
        source: by which program: the `source` of the events that tell of the jobs.

    Raises:
        InvalidRequest: the file cannot be read.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: Redis does not answer.
    """
    store = ArtifactStore.from_url(settings.artifacts_url)
    ledger = Ledger.from_url(settings.redis_url)
    try:
        async with connected(settings.kafka, CLIENT_ID, store) as producer:
            return await _Migration(ledger, producer, file, source).run(report)
    finally:
        await ledger.close()


def rejects_of(file: Path) -> Path:
    """Where the lines of the file go that are no job's record: ``jobs.rejected.jsonl`` beside ``jobs.jsonl``."""
    return file.with_suffix(".rejected.jsonl")


def migrated_event(state: JobState, source: str) -> CloudEvent:
    """The event that tells of the job; the same job gives the same event."""
    return make_event(
        Kind.JOB_MIGRATED,
        id=digest("job-migrated", state.job_id)[:32],
        source=source,
        time=datetime.now(UTC),
        data=JobMigrated(state=state.model_dump(mode="json", exclude_defaults=True)),
        job_id=state.job_id,
        subject=state.doc_id,
        extensions={"tenantid": state.tenant_id, "correlationid": state.correlation_id},
    )


class _Migration:
    def __init__(self, ledger: Ledger, producer: EventProducer, file: Path, source: str) -> None:
        self._ledger = ledger
        self._producer = producer
        self._file = file
        self._source = source
        self._migrated = self._skipped = 0
        self._bad: list[BadLine] = []

    async def run(self, report: Callable[[int, int], None]) -> MigrationReport:
        lines, done, total = _lines(self._file), 0, _count(self._file)
        while batch := await asyncio.to_thread(lambda: list(islice(lines, BATCH))):
            await self._write(self._read(batch))
            done += len(batch)
            report(done, total)
        rejected = str(rejects_of(self._file)) if self._bad else None
        return MigrationReport(migrated=self._migrated, skipped=self._skipped, errors=self._bad, rejected=rejected)

    def _read(self, lines: Sequence[_Line]) -> list[JobState]:
        states: list[JobState] = []
        rejected: list[bytes] = []
        for number, text in lines:
            try:
                states.append(migrated(text))
            except InvalidInput as error:
                rejected.append(text.rstrip(b"\r\n") + b"\n")
                self._bad.append(BadLine(line=number, reason=str(error)))
        if rejected:
            self._keep(rejected, first=len(self._bad) == len(rejected))
        return states

    def _keep(self, lines: Sequence[bytes], *, first: bool) -> None:
        with rejects_of(self._file).open("wb" if first else "ab") as rejects:
            rejects.writelines(lines)

    async def _write(self, states: Sequence[JobState]) -> None:
        there = await self._ledger.load([state.job_id for state in states])
        new = {state.job_id: state for state in reversed(states) if there[state.job_id].state is None}
        events = [migrated_event(state, self._source) for state in new.values()]
        await self._producer.acknowledged([await self._producer.send(topics.EVENTS, event) for event in events])
        committed = await self._ledger.commit([Change(before=Versioned(), after=state) for state in new.values()])
        written = sum(committed.written)
        self._migrated += written
        self._skipped += len(states) - written


def _lines(file: Path) -> Iterator[_Line]:
    """The lines that are not empty, from 1 on."""
    try:
        with file.open("rb") as lines:
            for number, text in enumerate(lines, 1):
                line = text.removeprefix(_BOM) if number == 1 else text
                if line.strip():
                    yield _Line(number, line)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror}") from error


def _count(file: Path) -> int:
    return sum(1 for _ in _lines(file))
