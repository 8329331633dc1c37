"""Events add up to what has become of jobs."""

from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.kinds import Kind
from medkg_operations.progress import Tally, percentile

from .events_of import completed, event, failed, ignored, job_completed, job_failed, started


def tally_of(*events) -> Tally:
    tally = Tally()
    for one in events:
        tally.hear(one)
    return tally


def test_an_accepted_job_is_running():
    """A job that was accepted and of which nothing more was heard is running."""
    assert {"running": 1} == tally_of(event(Kind.JOB_ACCEPTED)).counts()


def test_an_ended_job_has_its_end():
    """Jobs are counted by how they ended."""
    heard = tally_of(event(Kind.JOB_ACCEPTED, "a"), job_completed("a"), job_failed("b"))
    assert {"completed": 1, "failed": 1} == heard.counts()


def test_a_restarted_job_runs_again():
    """A job that failed and was run again has not ended any more, and its error is forgotten."""
    tally = Tally()
    tally.hear(job_failed())
    tally.hear(event(Kind.JOB_RESTARTED))
    assert ({"j-1": "running"}, {}) == (tally.jobs, tally.errors)


def test_an_event_that_comes_twice_counts_once():
    """A re-sent event has its id again and changes nothing."""
    stage = tally_of(started(), started(), completed(), completed()).stages["parse"]
    assert (1, 1) == (stage.started, stage.completed)


def test_a_stage_keeps_its_durations_and_waits():
    """Durations and waits of all runs that ended are kept for the percentiles."""
    stage = tally_of(completed("a", duration_ms=3.0, waited_ms=1.0), failed("b")).stages["parse"]
    assert ([3.0, 5.0], [1.0, 0.0]) == (stage.durations, stage.waits)


def test_a_failed_job_keeps_its_error():
    """Why a job failed, and where, can be told at the end."""
    stage, error = tally_of(job_failed()).errors["j-1"]
    assert ("parse", "source_refused") == (stage, error.code)


def test_a_job_has_ended_with_its_end():
    """A single job is waited for until its own end."""
    assert [False, True] == [
        tally_of(event(Kind.JOB_ACCEPTED)).all_ended(["j-1"]),
        tally_of(event(Kind.JOB_ACCEPTED), job_completed()).all_ended(["j-1"]),
    ]


def test_a_batch_has_ended_with_its_last_item():
    """A batch is waited for until as many items have ended as it became."""
    heard = [
        completed("b", "expand", expansion={"batch_id": "b", "jobs": 2}),
        job_completed("b"),
        job_completed("i-1", correlationid="b"),
    ]
    last = job_failed("i-2")
    assert [False, True] == [tally_of(*heard).all_ended(["b"]), tally_of(*heard, last).all_ended(["b"])]


def test_an_artifact_with_a_receipts_name_may_be_anything():
    """Another stage's artifact that happens to be called like a receipt is not counted."""
    heard = tally_of(completed("a", "other", expansion=["no", "receipt"]))
    assert {} == heard.expected


def test_indexed_chunks_are_added_up():
    """The receipts of the index say how many chunks went into it."""
    receipt = {"document_id": "d", "index": "i", "chunks": 7, "stale_removed": 0}
    heard = tally_of(completed("a", "index", index_receipt=receipt), completed("b", "index", index_receipt=receipt))
    assert 14 == heard.chunks


def test_a_repeated_request_is_known():
    """A request that changed nothing is known, so that the ledger can be asked about its job."""
    assert {"j-1"} == tally_of(ignored()).ignored


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_passed_by_no_more_than_the_rest(values, share):
    """A percentile is one of the values, and at least its share of them is not above it."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_nothing_has_no_percentile():
    """Without values there is no percentile."""
    assert None is percentile([], 0.5)
