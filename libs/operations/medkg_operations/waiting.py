"""Waits until jobs have ended, by following what everybody tells of them."""

from collections.abc import Callable, Collection, Sequence
from time import monotonic

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import RecordRefused
from medkg_contracts.errors import JobIdTaken, PoisonRecord, Unfinished
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, LedgerReader

from .progress import Tally
from .requests import publish
from .views import ledger_of


class Waiting:
    """Follows some jobs.

    Args:
        tail: of the lifecycle events, placed before the jobs were asked for.
        store: for events whose data are claim checks.
        tally: is told every event that concerns the jobs.
        correlations: what the jobs belong to: their own ids, or their batch's.
        report: is told of events that cannot be read.
        sent: the ids of the request events; others may have asked for a job of the same id.
    """

    def __init__(
        self,
        tail: Tail,
        store: ArtifactStore,
        tally: Tally,
        correlations: Collection[str],
        report: Callable[[str], None],
        sent: Collection[str] = (),
    ) -> None:
        self._sent = frozenset(sent)
        self._report = report
        self._tail = tail
        self._store = store
        self._tally = tally
        self._correlations = frozenset(correlations)

    async def until(
        self, asked: Sequence[str], ledger: LedgerReader, timeout_s: float, shown: Callable[[], None]
    ) -> None:
        """Wait until the jobs that were asked for, and all that batches among them became, have ended.

        Args:
            asked: the jobs.
            ledger: is asked about jobs that were there before, of which no event will tell.
            timeout_s: how long they may take.
            shown: is called after each poll.

        Raises:
            Unfinished: they did not end in time.
        """
        deadline = monotonic() + timeout_s
        known: set[str] = set()
        async for records in self._tail.polls():
            for record in records:
                await self._hear(record.headers, record.value)
            repeated = self._tally.ignored - known
            known |= repeated
            await self._look_up([job_id for job_id in asked if job_id in repeated], ledger)
            shown()
            if self._tally.all_ended(asked):
                return
            if monotonic() > deadline:
                open_ = [job_id for job_id in asked if self._tally.jobs.get(job_id, "running") == "running"]
                heard = f"{self._tally.ended} of {len(self._tally.jobs)} jobs have ended"
                raise Unfinished(f"not all jobs ended within {timeout_s:g} s: {heard}; {', '.join(open_[:5])} did not")

    async def _hear(self, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> None:
        try:
            event = await redeem(from_record(headers, value), self._store)
            if not self._concerns(event):
                return
            if kind_of(event) is Kind.RECORD_REFUSED:
                self._hear_refusal(event)
            else:
                self._tally.hear(event)
        except PoisonRecord as error:
            self._report(f"an event could not be read and is not counted: {error}")

    def _concerns(self, event: CloudEvent) -> bool:
        mine = {event.extensions.get("correlationid"), event.extensions.get("jobid")}
        return bool(mine & self._correlations)

    def _hear_refusal(self, event: CloudEvent) -> None:
        """A request of ours, or of a batch of ours, whose job id is another job's, becomes no job."""
        job_id, error = event.extensions["jobid"], read_data(event, RecordRefused).error
        item = event.extensions.get("correlationid") not in (None, job_id)
        if error.code == JobIdTaken.code and (item or event.extensions.get("causationid") in self._sent):
            self._tally.refuse(job_id, error)

    async def _look_up(self, repeated: Sequence[str], ledger: LedgerReader) -> None:
        """Jobs that were asked for before: the ledger knows what became of them."""
        for job_id in repeated:
            state = await ledger.get(job_id)
            if state is not None and state.ended:
                await self._adopt(state, ledger)

    async def _adopt(self, state: JobState, ledger: LedgerReader) -> None:
        """Count an earlier job, and what it became if it is a batch."""
        self._count(state)
        items = 0
        async for item in ledger.each_job({"batch": state.job_id}):
            self._count(item)
            items += 1
        if items:
            self._tally.expected[state.job_id] = items

    def _count(self, state: JobState) -> None:
        self._tally.jobs[state.job_id] = str(state.status)
        if state.error is not None:
            self._tally.errors[state.job_id] = (state.failed_stage, state.error)


async def publish_and_wait(
    settings: Settings,
    events: Sequence[CloudEvent],
    tally: Tally,
    timeout_s: float,
    shown: Callable[[], None],
    report: Callable[[str], None],
) -> None:
    """Ask for jobs, and wait until all of them have ended, and all that batches among them became.

    Args:
        settings: where the servers are.
        events: the requests.
        tally: is told of all that happens to the jobs.
        timeout_s: how long they may take.
        shown: is called now and then, for whoever shows the tally.
        report: is told of events that cannot be read.

    Raises:
        Unfinished: they did not end in time.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: the ledger does not answer.
    """
    asked = [event.extensions["jobid"] for event in events]
    correlations = {event.extensions.get("correlationid") or event.extensions["jobid"] for event in events}
    store = ArtifactStore.from_url(settings.artifacts_url)
    async with ledger_of(settings) as ledger, Tail(settings.kafka, topics.EVENTS) as tail:
        await publish(settings, events)
        waiting = Waiting(tail, store, tally, [*asked, *correlations], report, [event.id for event in events])
        await waiting.until(asked, ledger, timeout_s, shown)
