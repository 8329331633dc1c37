"""Events as the SDK gives them, and positions to go on from."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_operations.sdk import Event
from medkg_operations.sdk.events import start_of, written

from .events_of import completed, job_completed


def test_an_event_says_what_happened_to_whom():
    """Kind, job, stage and data are had without knowing CloudEvents."""
    event = Event(completed("j-1", "parse"), "0:1")
    assert ("stage.completed", "j-1", "parse", 10.0) == (event.kind, event.job, event.stage, event.data["duration_ms"])
    assert Event(job_completed(), "0:1").stage is None


def test_data_that_are_no_json_are_none():
    """An outside event may say anything; what is no JSON is left to the event itself."""
    assert Event(replace(job_completed(), data=b"\xff"), "0:1").data is None


@given(st.dictionaries(st.integers(0, 99_999), st.integers(0, 2**62), min_size=1))
def test_a_position_is_read_as_it_was_written(position):
    """A position that an event has given leads to the same offsets again."""
    assert position == start_of(written(position))


@pytest.mark.parametrize(("since", "start"), [("now", "end"), ("beginning", "beginning"), (17, 17)])
def test_where_to_begin_is_said_in_words_or_as_a_time(since, start):
    """Besides a position there are the oldest event, what happens from now on, and a time."""
    assert start == start_of(since)


@pytest.mark.parametrize("since", ["yesterday", "", "0:", "0:1,", "1:x"])
def test_what_is_no_position_is_refused(since):
    """A text that no event has given is refused, with what may be given."""
    with pytest.raises(InvalidRequest, match="since"):
        start_of(since)
