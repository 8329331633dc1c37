"""Dead letters are found, and closed by what stands behind them."""

import pytest
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.deadletter import REDRIVEN, REDRIVES, read_letter
from medkg_contracts.dlq import DeadLetterEntries
from medkg_contracts.errors import MedkgError, StageTimeout
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_contracts.records import Place, Record
from medkg_contracts.runs import StageRun
from medkg_ledger import JobState, JobStatus, NodeState, NodeStatus
from medkg_operations.deadletters.redrive import (
    RedriveOptions,
    about,
    closing_event,
    redrives_of,
    rerun_obstacle,
    run_of,
)
from medkg_operations.deadletters.selection import DeadLetterFilter, error_class, summary

from .letters_of import asked, buried, letter, other_letter

RUN = StageRun("j-1", "parse", 2)


def all_of(*records: Record) -> DeadLetterEntries:
    letters = DeadLetterEntries()
    for record in records:
        letters.read(record)
    return letters


def on_dlq(event: CloudEvent) -> Record:
    return Record("parse.dlq.v1", 3, 99, 3_000, b"j-1", event.data, to_headers(event))


def closing(kind: Kind, offset: int = 17) -> Record:
    return on_dlq(closing_event(kind, letter(offset=offset), RedriveOptions(Order(by="ann", reason="fixed"), "/test")))


def job(status: JobStatus = JobStatus.FAILED, failed: str | None = "parse", epoch: int = 2) -> JobState:
    return JobState(
        job_id="j-1", tenant_id="public", doc_id="ctgov:N", correlation_id="j-1", status=status, failed_stage=failed,
        nodes={"parse": NodeState(status=NodeStatus.FAILED, epoch=epoch)}, created_at=0, updated_at=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (DeadLetterFilter(), True),
        (DeadLetterFilter(topic="parse.dlq.v1", code="timeout", job="j-1", tenant="public"), True),
        (DeadLetterFilter(topic="chunk.dlq.v1"), False),
        (DeadLetterFilter(code="poison"), False),
        (DeadLetterFilter(job="j-2"), False),
        (DeadLetterFilter(tenant="acme"), False),
        (DeadLetterFilter(since=2_000, until=2_001), True),
        (DeadLetterFilter(since=2_001), False),
        (DeadLetterFilter(until=2_000), False),
        (DeadLetterFilter(places=frozenset({Place("parse.dlq.v1", 3, 17)})), True),
        (DeadLetterFilter(places=frozenset({Place("parse.dlq.v1", 3, 18)})), False),
    ],
)
def test_filters_must_all_fit(wanted, fits):
    """A letter is meant when it fits every filter that is given."""
    assert fits == wanted.fits(letter())


def test_a_letter_of_no_event_is_found_by_its_key():
    """Of a record that is no event only the key can say which job it is about."""
    record = Record("jobs.requests.v1", 0, 0, 0, b"j-9", b"garbage", [])
    assert DeadLetterFilter(job="j-9").fits(read_letter(buried(record)))


@pytest.mark.parametrize(("kind", "state"), [(Kind.RECORD_REDRIVEN, "redriven"), (Kind.RECORD_DISCARDED, "discarded")])
def test_a_closing_event_closes_its_letter(kind, state):
    """The letter that an event behind it names is open no more; others stay so."""
    letters = all_of(buried(asked()), buried(asked("j-2"), offset=18), closing(kind))
    assert [18] == [entry.letter.place.offset for entry in letters.open()]
    assert [(state, "ann"), ("open", None)] == [
        (entry.state, entry.closed and entry.closed.order.by) for entry in letters.all()
    ]


def test_letters_are_counted_by_topic_and_code():
    """The most frequent kind stands first."""
    letters = all_of(buried(asked(), "bug"), *(buried(asked(), offset=number) for number in (18, 19)))
    assert [("parse.dlq.v1", "timeout"), ("parse.dlq.v1", "bug")] == list(summary(letters.all()))


@pytest.mark.parametrize(
    ("given", "run"),
    [
        (letter(epoch=2), RUN),
        (other_letter(), None),
        (read_letter(buried(asked(stage="chunk"), dlq="parse.dlq.v1")), None),
        (read_letter(buried(asked(), dlq="router.dlq.v1")), None),
    ],
)
def test_a_letter_of_a_stages_queue_names_the_work(given, run):
    """Only a record of the stage's own queue asks for its work."""
    assert run == run_of(given)


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        (job(), None),
        (None, "knows no job"),
        (job(JobStatus.RUNNING), "the job is running"),
        (job(JobStatus.COMPLETED), "the job is completed"),
        (job(failed="chunk"), "failed at chunk, not here"),
        (job(epoch=3), "this is run 2 of 3"),
    ],
)
def test_a_stage_is_run_again_only_where_the_job_failed(state, obstacle):
    """A letter asks for a rerun only while its job stands failed at that very run of the stage."""
    told = rerun_obstacle(RUN, state)
    assert told is None if obstacle is None else obstacle in (told or "")


def test_a_letter_about_no_job_is_told_of_under_its_queue():
    """Events about a letter need a job: the record's own, or else the DLQ stands for it."""
    assert ("j-1", "dlq:router.dlq.v1") == (about(letter()), about(other_letter()))


def test_a_code_has_its_class():
    """A code of the error tree names its class, and any other the tree's root."""
    assert (StageTimeout, MedkgError) == (error_class("timeout"), error_class("somebody-elses"))


@pytest.mark.parametrize(
    ("headers", "redrives"),
    [
        ([], 0),
        ([(REDRIVEN, b"id")], 1),
        ([(REDRIVEN, b"first"), (REDRIVEN, b"second")], 2),
        ([(REDRIVES, b"7"), (REDRIVEN, b"id")], 7),
        ([(REDRIVES, b"9" * 5000), (REDRIVEN, b"id")], 1),
        ([(REDRIVES, None), (REDRIVEN, None)], 1),
    ],
)
def test_a_record_that_came_back_is_known(headers, redrives):
    """A record says how often it has been given another try, also one that has a header for each."""
    again = asked()
    record = Record(again.topic, 3, 50, 0, again.key, again.value, [*again.headers, *headers])

    assert redrives == redrives_of(read_letter(buried(record)))
