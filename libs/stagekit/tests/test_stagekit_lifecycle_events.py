"""The events that tell the story of a unit of work."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_bus.instance import INSTANCE
from medkg_contracts.cloudevents import from_record, to_headers
from medkg_contracts.errors import IndexUnavailable, InvalidDocument, PoisonRecord
from medkg_contracts.ids import batch_item_id, event_id
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_servicekit.tracing import child_of
from medkg_stagekit import lifecycle_events
from medkg_stagekit.work import Outcome

from .fakes import asked, inline, work_of

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def whole_story(retries: int, error=None):
    work = work_of(traceparent=TRACE)
    tries = [
        lifecycle_events.retrying("shout", work, retry, IndexUnavailable("away"), 1.0)
        for retry in range(1, retries + 1)
    ]
    outcome = Outcome(work, artifacts={"shout": inline("shout", "HELLO")}, error=error, retries=retries)
    return [lifecycle_events.started("shout", work), *tries, lifecycle_events.answer("shout", outcome)]


def test_a_story_told_twice_has_the_same_ids():
    """Work that is done again after a crash sends events with the same ids, so that they are recognised."""
    once, again = [[event.id for event in whole_story(2)] for _ in range(2)]

    assert once == again
    assert len(once) == len(set(once))


def test_an_ids_parts_are_job_stage_epoch_attempt_and_kind():
    """Whoever knows the work knows the ids of its events; that of its end is the same after any number of tries."""
    started, ended = whole_story(0)
    *_, late = whole_story(3)

    assert event_id("j-1", "shout", 1, 1, "stage.started") == started.id
    assert event_id("j-1", "shout", 1, 0, "stage.completed") == ended.id == late.id


@given(st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_sequences_sort_as_texts(retries):
    """However often a stage is tried, its events' sequences sort as texts, behind the event that asked for it."""
    sequences = ["00000002", *(event.extensions["sequence"] for event in whole_story(retries)), "00000003"]

    assert all(one < other for one, other in pairwise(sequences))


@pytest.mark.parametrize(("error", "kind"), [(None, Kind.STAGE_COMPLETED), (InvalidDocument("no"), Kind.STAGE_FAILED)])
def test_the_end_says_what_became_of_the_work(error, kind):
    """A stage's last event is completed with its artifacts, or failed with its error."""
    ended = whole_story(1, error)[-1]

    data = orjson.loads(ended.data)

    assert kind.type == ended.type
    assert (None if error is None else "document_invalid") == data.get("error", {}).get("code")
    assert (1, INSTANCE) == (data["retries"], data["worker"])


def test_every_event_says_whose_it_is():
    """Each event has the job's, tenant's and stage's names, its cause and its place in the job's trace."""
    for event in whole_story(1):
        told = event.extensions
        assert ("j-1", "j-1", "public", "c-1") == (
            told["partitionkey"],
            told["jobid"],
            told["tenantid"],
            told["correlationid"],
        )
        assert ("shout", "1", "the-cause", "p@000000000000") == (
            told["stage"],
            told["epoch"],
            told["causationid"],
            told["topology"],
        )
        assert f"00-{'a' * 32}-{event.id[:16]}-01" == told["traceparent"]
        assert ("/medkg/stages/shout", "ctgov:1") == (event.source, event.subject)


def test_every_event_can_be_read_back():
    """What a stage service writes, a reader of medkg's events reads."""
    for event in whole_story(1, InvalidDocument("lone \ud800 surrogate")):
        assert event == from_record(to_headers(event), event.data)


def test_a_batchs_item_has_the_same_id_each_time():
    """An expansion that is continued asks for the same jobs again, which is harmless."""
    once, again = [
        lifecycle_events.item_requested("expand", work_of(), JobRequest(source="ctgov", id="NCT1")) for _ in range(2)
    ]

    assert batch_item_id("j-1", "ctgov:NCT1") == once.id == again.id == once.extensions["jobid"]
    assert "j-1" == orjson.loads(once.data)["batch_id"]
    assert "c-1" == once.extensions["correlationid"]


def test_unreadable_work_fails_the_stage_that_it_names():
    """A request for work whose data cannot be read fails its stage, under the id that the stage's failure has."""
    failed = lifecycle_events.unreadable("shout", asked(), PoisonRecord("no").info)

    assert Kind.STAGE_FAILED.type == failed.type
    assert event_id("j-1", "shout", 1, 0, "stage.failed") == failed.id
    assert ("shout", "1", "public") == tuple(failed.extensions[name] for name in ("stage", "epoch", "tenantid"))


@pytest.mark.parametrize("missing", [{"stage": None}, {"epoch": None}, {"epoch": "many"}])
def test_unreadable_work_that_names_nobody_fails_nobody(missing):
    """A request for work that does not say whose it is only goes to the DLQ."""
    assert lifecycle_events.unreadable("shout", asked(**missing), PoisonRecord("no").info) is None


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "00-xyz",
        TRACE.replace("a" * 32, "0" * 32),
        TRACE.replace("b" * 16, "0" * 16),
        TRACE + "-x",
        "ff" + TRACE[2:],
    ],
)
def test_a_trace_that_is_none_is_dropped(wrong):
    """A trace context that is not valid is not passed on, as W3C Trace Context demands."""
    assert child_of(wrong, "c" * 32) is None


def test_a_child_is_a_span_of_the_same_trace():
    """An event is its own span in the trace of the event that led to it."""
    assert f"00-{'a' * 32}-{'c' * 16}-01" == child_of(TRACE, "c" * 32)
