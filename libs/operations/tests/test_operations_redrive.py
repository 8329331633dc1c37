"""What is done about dead letters."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_artifacts import SYSTEM_TENANT, ArtifactStore
from medkg_contracts.cloudevents import from_record, to_headers
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import REDRIVEN, REDRIVES, Letter, pack_record, read_letter
from medkg_contracts.dlq import DeadLetterEntry
from medkg_contracts.errors import ArtifactMissing, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder
from medkg_contracts.records import Record
from medkg_ledger import JobState, JobStatus, NodeState, NodeStatus
from medkg_operations.deadletters.redrive import (
    RedriveOptions,
    Task,
    closing_event,
    discarding,
    redrive_task,
    redriven_record,
    rerun_event,
    restored,
)

from .letters_of import asked, buried, letter, other_letter

OPTIONS = RedriveOptions(Order(by="ann", reason="fixed"), "/test", latest=True)
FAILED = JobState(
    job_id="j-1", tenant_id="public", doc_id="ctgov:N", correlation_id="j-1", status=JobStatus.FAILED,
    failed_stage="parse", nodes={"parse": NodeState(status=NodeStatus.FAILED, epoch=1)}, created_at=0, updated_at=0,
)  # fmt: skip


def task(given: Letter, state: JobState | None = FAILED, closed: LetterClosed | None = None) -> Task:
    entry = DeadLetterEntry(given, "open" if closed is None else "discarded", closed)
    return redrive_task(entry, {"j-1": state}, latest=False)


def closed() -> LetterClosed:
    return read_data(closing_event(Kind.RECORD_DISCARDED, letter(), OPTIONS), LetterClosed)


def test_a_failed_job_is_run_again_from_its_stage():
    """The letter of the stage at which its job failed becomes an order to run the job again from there."""
    assert "rerun" == task(letter()).action


def test_a_job_that_did_not_fail_there_is_skipped():
    """The letter of a job that goes on meanwhile is skipped, and the reason is told."""
    skipped = task(letter(), FAILED.model_copy(update={"status": JobStatus.RUNNING}))
    assert ("skip", "the job is running") == (skipped.action, skipped.detail)


def test_another_record_is_sent_again():
    """The letter of a record that asks for no stage's work is sent again."""
    assert "resend" == task(other_letter()).action


def test_a_closed_letter_is_skipped():
    """What was dealt with already is not dealt with again."""
    assert ("skip", "it was discarded by ann already") == (
        task(letter(), closed=closed()).action,
        task(letter(), closed=closed()).detail,
    )
    assert ["discard", "skip"] == [
        one.action for one in discarding([DeadLetterEntry(letter()), DeadLetterEntry(letter(), "discarded", closed())])
    ]


def test_the_order_is_the_same_for_the_same_work():
    """Two letters of one run of a stage, or one that is redriven twice, give one order."""
    first, second = rerun_event(letter(), OPTIONS), rerun_event(letter(offset=18), OPTIONS)
    assert (first.id, "j-1") == (second.id, second.extensions["jobid"])
    assert first.id != rerun_event(letter(epoch=2), OPTIONS).id
    assert RerunOrder(by="ann", reason="fixed", stage="parse", latest=True) == read_data(first, RerunOrder)


def test_the_closing_event_names_the_letter():
    """What became of a letter is told under the letter's place, with who did it; again it is the same event."""
    event = closing_event(Kind.RECORD_REDRIVEN, letter(), OPTIONS)
    data = read_data(event, LetterClosed)
    assert ("parse.dlq.v1", 3, 17, "timeout", "ann") == (
        *(data.dlq, data.partition, data.offset),
        *(data.code, data.order.by),
    )
    assert event.id == closing_event(Kind.RECORD_REDRIVEN, letter(), OPTIONS).id
    assert event.id != closing_event(Kind.RECORD_DISCARDED, letter(), OPTIONS).id


@given(st.sampled_from(["ce_tenantid", "ce_stage", "ce_jobid"]), st.binary(max_size=9) | st.just(b"x" * 5_000))
def test_the_closing_event_can_be_read_whatever_the_record_says(name, value):
    """A letter whose record has an odd tenant, stage or job is closed; it would stay open for ever else."""
    record = Record("jobs.requests.v1", 2, 9, 1_000, b"k", b"v", [(name, value)])
    event = closing_event(Kind.RECORD_DISCARDED, read_letter(buried(record, dlq="router.dlq.v1")), OPTIONS)

    assert event == from_record(to_headers(event), event.data)


@given(
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    st.lists(st.tuples(st.sampled_from(["a", "a", "ce_id", REDRIVEN]), st.none() | st.binary(max_size=9)), max_size=6),
)
def test_a_redriven_record_is_the_original_with_two_headers_more(key, value, headers):
    """Key, value and headers come back byte for byte; behind them stand which redrive it was, and the event's id."""
    record = Record("jobs.requests.v1", 2, 9, 1_000, key, value, headers)
    given_letter = read_letter(buried(record, dlq="router.dlq.v1"))
    again = redriven_record(given_letter)
    identity = closing_event(Kind.RECORD_REDRIVEN, given_letter, OPTIONS).id
    own = [header for header in headers if header[0] != REDRIVEN]
    count = len(headers) - len(own) + 1

    assert replace(record, headers=own) == replace(again, headers=again.headers[:-2])
    assert [(REDRIVES, b"%d" % count), (REDRIVEN, identity.encode())] == again.headers[-2:]


def test_a_record_that_is_redriven_for_ever_stays_as_small():
    """However often a record comes back, it has the headers of one redrive: the last, and how many there were."""
    record = Record("jobs.requests.v1", 2, 9, 1_000, b"k", b"v", [("a", b"1")])
    for _ in range(60):
        given_letter = read_letter(buried(record, dlq="router.dlq.v1"))
        record = redriven_record(given_letter)
    identity = closing_event(Kind.RECORD_REDRIVEN, given_letter, OPTIONS).id

    assert [("a", b"1"), (REDRIVES, b"60"), (REDRIVEN, identity.encode())] == record.headers


def test_a_stored_record_is_fetched(tmp_path):
    """A record that was too large for a letter is read from the artifact store."""
    store = ArtifactStore(tmp_path)
    ref = asyncio.run(store.put(SYSTEM_TENANT, "dead-letter", pack_record(asked()), inline=False))
    bare = replace(letter(), original=replace(asked(), value=None, headers=[]), stored=ref.uri)
    assert asked() == asyncio.run(restored(bare, store)).original


@pytest.mark.parametrize(
    ("uri", "error"), [("artifact://system/" + "0" * 64, ArtifactMissing), ("file:///etc/passwd", PoisonRecord)]
)
def test_a_stored_record_that_is_gone_is_told(tmp_path, uri, error):
    """A letter whose record is not where it says is no record."""
    with pytest.raises(error):
        asyncio.run(restored(replace(letter(), stored=uri), ArtifactStore(tmp_path)))


@pytest.mark.parametrize(("rate", "sizes"), [(None, [200, 200, 50]), (150.0, [150] * 3), (0.5, [1] * 450)])
def test_a_slow_rate_deals_with_few_letters_at_once(rate, sizes):
    """Letters are dealt with in parts of about a second's, so that what was done is known soon."""
    tasks = [Task(letter(), "discard", "")] * 450
    assert sizes == [len(part) for part in RedriveOptions(Order(), "/test", rate=rate).chunks(tasks)]
