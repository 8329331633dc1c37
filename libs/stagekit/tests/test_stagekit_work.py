"""Reading work from events."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.cloudevents import from_record, to_headers
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_stagekit.work import read_work

from .fakes import asked, inline


def test_a_request_for_work_is_read():
    """The event's attributes say whose work it is, its data what is to be done."""
    work = read_work(asked(correlationid="c-7", traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01"))

    assert ("shout", "j-1", "public", "ctgov:1") == (work.node, work.ctx.job_id, work.ctx.tenant_id, work.ctx.doc_id)
    assert ("c-7", "p", "000000000000", 1) == (
        work.ctx.correlation_id,
        work.ctx.pipeline,
        work.ctx.digest,
        work.ctx.epoch,
    )
    assert (JobRequest(source="ctgov", id="1"), {"word": inline("word", "hello")}) == (work.request, work.inputs)
    assert "asked-j-1" == work.cause


def test_a_job_without_a_correlation_is_its_own():
    """The job's id stands in for a correlation id that is not there."""
    assert "j-1" == read_work(asked()).ctx.correlation_id


def test_the_time_since_it_was_asked_for_is_never_negative():
    """A clock that is ahead does not make a negative wait."""
    ahead = replace(asked(), time=asked().time.replace(year=2100))

    assert 0.0 == read_work(ahead).waited_ms
    assert 0.0 < read_work(asked()).waited_ms


@pytest.mark.parametrize("name", ["jobid", "stage", "epoch", "sequence"])
def test_an_attribute_that_is_needed_is_named(name):
    """An event without one of the needed attributes is poison; the message names it."""
    event = asked()
    without = {key: value for key, value in event.extensions.items() if key != name}

    with pytest.raises(PoisonRecord, match=f"required attribute {name!r} is missing"):
        read_work(replace(event, extensions=without))


@pytest.mark.parametrize("name", ["epoch", "sequence"])
@pytest.mark.parametrize("number", ["-1", "1.5", "one", "²"])
def test_an_epoch_and_a_sequence_are_whole_numbers(name, number):
    """An epoch or a sequence that is no number is poison."""
    with pytest.raises(PoisonRecord, match=f"attribute '{name}' is"):
        read_work(asked(**{name: number}))


def test_only_requests_for_work_are_work():
    """Another event on a stage's queue is poison."""
    with pytest.raises(PoisonRecord, match=r"a stage's queue carries .*stage\.requested, not .*stage\.started"):
        read_work(replace(asked(), type=Kind.STAGE_STARTED.type))


NAMES = ("jobid", "stage", "epoch", "sequence", "tenantid", "topology", "time", "type", "subject")
ATTRIBUTES = st.sampled_from([f"ce_{name}" for name in NAMES])


@given(
    st.dictionaries(ATTRIBUTES, st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.none(), max_size=4),
    st.none() | st.binary(max_size=60) | st.just(asked().data),
)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_on_a_queue_is_read_or_refused(changed, value):
    """No record on a queue leads to anything but work or its refusal as poison."""
    headers = {**dict(to_headers(asked())), **changed}
    with suppress(PoisonRecord):
        assert read_work(from_record(list(headers.items()), value)).ctx.job_id
