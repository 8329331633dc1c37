"""Sends a test collection's corpus through the pipeline: a job for each row, and none for what is indexed already."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Final

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import EventProducer, connected
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import InvalidRequest, NotCompleted
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader

from medkg_operations.control import Control, order_event, rerun_order
from medkg_operations.progress import Tally
from medkg_operations.requests import CLIENT_ID, job_request, request_event
from medkg_operations.views import ledger_of
from medkg_operations.waiting import Waiting

from .collection import BeirCollection
from .collection_files import Row

#: What the rows' documents have as their source, and who reads them in parse.
SOURCE: Final = "beir"

#: Rows that are put into the artifact store, and asked for, at once.
PAGE: Final = 200

#: Seconds that the router may take to answer that jobs run again.
ANSWER_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Where a corpus goes.

    Attributes:
        tenant: whose index it fills; nobody else's documents may be there.
        topology: by which its documents go; None leaves that to the router.
        by: who asks, for those who read the events.
        source: by which program: the events' `source`.
    """

    tenant: str
    topology: str | None
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class Indexing:
    """What was done so that a corpus is in the index.

    Attributes:
        batch_id: that its jobs name.
        before: how many documents were there before.
        sent: how many were sent, or sent again.
        seconds: that it took.
        topologies: that the jobs ran on, as ``name@digest``.
    """

    batch_id: str
    before: int
    sent: int
    seconds: float
    topologies: Sequence[str]


class Corpus:
    """A collection's corpus on its way into the index of one tenant.

    The jobs' ids follow from tenant, topology, corpus and row, so that who sends it again sends only what is missing.
    """

    def __init__(self, collection: BeirCollection, pipeline: Pipeline) -> None:
        self._collection = collection
        self._pipeline = pipeline
        known = digest("evaluation", pipeline.tenant, pipeline.topology or "", collection.digest)
        self.batch_id = f"eval-{known[:24]}"
        self.jobs: Mapping[str, Row] = {f"e-{digest(known, id_)[:24]}": row for id_, row in collection.rows.items()}

    async def requests(self, jobs: Sequence[str], store: ArtifactStore) -> list[CloudEvent]:
        """The requests for these jobs, whose rows are in the store then.

        Raises:
            InvalidInput: the corpus was changed since it was read.
            ArtifactStoreUnavailable: the store cannot be written.
        """
        return list(await asyncio.gather(*(self._request(job, store) for job in jobs)))

    async def _request(self, job: str, store: ArtifactStore) -> CloudEvent:
        row = self.jobs[job]
        body = await asyncio.to_thread(self._collection.body, row)
        payload = await store.put(self._pipeline.tenant, "payload", body, inline=False)
        request = job_request(
            SOURCE,
            [row.id],
            topology=self._pipeline.topology,
            skip_completed=True,
            payload=payload,
        ).model_copy(update={"batch_id": self.batch_id})
        return request_event(
            request,
            source=self._pipeline.source,
            tenant=self._pipeline.tenant,
            job=job,
            correlation=self.batch_id,
        )


async def index_corpus(
    settings: Settings,
    collection: BeirCollection,
    pipeline: Pipeline,
    tally: Tally,
    *,
    timeout_s: float,
    shown: Callable[[], None],
    report: Callable[[str], None],
) -> Indexing:
    """Get all rows into the tenant's index, and wait until they are there.

    Args:
        settings: where the servers are.
        collection: whose corpus it is.
        pipeline: where it goes.
        tally: is told of all that happens to the jobs.
        timeout_s: how long it may take.
        shown: is called now and then, for whoever shows the tally.
        report: is told of events that cannot be read.

    Raises:
        InvalidRequest: the tenant has other jobs than this corpus's.
        NotCompleted: some rows did not get into the index.
        Unfinished: they did not get there in time.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: the ledger does not answer.
        ArtifactStoreUnavailable: the artifact store cannot be written.
    """
    began, corpus = monotonic(), Corpus(collection, pipeline)
    store = ArtifactStore.from_url(settings.artifacts_url)
    async with ledger_of(settings) as ledger, Tail(settings.kafka, topics.EVENTS) as tail:
        states = {state.job_id: state async for state in ledger.each_job({"batch": corpus.batch_id})}
        await _check_alone(ledger, pipeline.tenant, corpus.batch_id)
        todo = _Todo.of(corpus, states)
        tally.jobs.update(dict.fromkeys(corpus.jobs, "running") | dict.fromkeys(todo.completed, "completed"))
        sent = await _send(settings, corpus, todo.unknown, store, shown)
        await _run_again(settings, todo.ended, states, pipeline, tally)
        waiting = Waiting(tail, store, tally, [corpus.batch_id], report, sent)
        await waiting.until(list(corpus.jobs), ledger, timeout_s, shown)
        _check_completed(tally, corpus.batch_id)
        ran = {
            (state.pipeline_name, state.pipeline_version) async for state in ledger.each_job({"batch": corpus.batch_id})
        }
    return Indexing(
        corpus.batch_id,
        len(todo.completed),
        len(todo.unknown) + len(todo.ended),
        monotonic() - began,
        sorted(f"{name}@{version}" for name, version in ran),
    )


@dataclass(frozen=True, slots=True)
class _Todo:
    """What is to be done with the jobs, as the ledger knows them.

    Attributes:
        completed: nothing.
        unknown: to be asked for; some may have been rejected.
        ended: to be run again, since they failed or were cancelled.
    """

    completed: Sequence[str]
    unknown: Sequence[str]
    ended: Sequence[str]

    @classmethod
    def of(cls, corpus: Corpus, states: Mapping[str, JobState]) -> "_Todo":
        status = {job: states[job].status if job in states else JobStatus.REJECTED for job in corpus.jobs}
        return cls(
            [job for job, each in status.items() if each is JobStatus.COMPLETED],
            [job for job, each in status.items() if each is JobStatus.REJECTED],
            [job for job, each in status.items() if each in (JobStatus.FAILED, JobStatus.CANCELLED)],
        )


async def _check_alone(ledger: LedgerReader, tenant: str, batch_id: str) -> None:
    """Check that nobody else has asked for the tenant's jobs: their documents would be found too."""
    counts = await ledger.counts([f"tenant:{tenant}", f"batch:{batch_id}"])
    others = counts[f"tenant:{tenant}"] - counts[f"batch:{batch_id}"]
    if others > 0:
        raise InvalidRequest(
            f"tenant {tenant!r} has {others} other jobs, of another corpus, another topology, or no evaluation: their "
            "documents would be found too",
            remedy="Name a tenant of its own with --tenant; without it there is one for each corpus.",
        )


async def _send(
    settings: Settings, corpus: Corpus, jobs: Sequence[str], store: ArtifactStore, shown: Callable[[], None]
) -> list[str]:
    """Ask for the jobs, page by page; the ids of the requests."""
    sent: list[str] = []
    async with connected(settings.kafka, CLIENT_ID, store) as producer:
        rest = iter(jobs)
        while page := list(islice(rest, PAGE)):
            sent += await _send_page(producer, await corpus.requests(page, store))
            shown()
    return sent


async def _send_page(producer: EventProducer, events: Sequence[CloudEvent]) -> list[str]:
    await producer.acknowledged([await producer.send(topics.REQUESTS, event) for event in events])
    return [event.id for event in events]


async def _run_again(
    settings: Settings, jobs: Sequence[str], states: Mapping[str, JobState], pipeline: Pipeline, tally: Tally
) -> None:
    """Order that the jobs go on where they ended; one for which that is refused stays as it is."""
    if not jobs:
        return
    order = rerun_order(pipeline.by, "the evaluation was started again", None, latest=True)
    async with Control(settings) as control:
        orders = [order_event(Kind.CONTROL_RERUN, job, order, source=pipeline.source) for job in jobs]
        answers = await control.ask(orders, ANSWER_S)
    for answer in answers:
        state = states[answer.about]
        if not answer.obeyed:
            tally.jobs[answer.about] = str(state.status)
            if state.error is not None:
                tally.errors[answer.about] = (state.failed_stage, state.error)


def _check_completed(tally: Tally, batch_id: str) -> None:
    if tally.all_completed():
        return
    missing = [job for job, status in tally.jobs.items() if status != "completed"]
    _, error = next(iter(tally.errors.values()), (None, None))
    why = "" if error is None else f"; the first because of [{error.code}] {error.message}"
    raise NotCompleted(
        f"{len(missing)} of {len(tally.jobs)} documents are not in the index{why}",
        remedy=f"See `medkg status {batch_id}`, mend what it names, and evaluate again: the rest is not sent again.",
    )
