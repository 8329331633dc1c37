"""`medkg events tail` shows what is wanted, and never breaks."""

import json

import pytest
from medkg_cli.event_view import event_line
from medkg_cli.events import Wanted, print_event, print_json_event
from medkg_contracts.data import JobEnded
from medkg_contracts.deadletter import Record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.kinds import Kind

from .events_of import completed, event, failed, ignored, job_completed, job_failed

POISON = Record("orchestration.events.v1", 3, 17, 0, b"j-1", b"garbage", [])


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(job="j-1"), True),
        (Wanted(job="j-2"), False),
        (Wanted(batch="b-1"), True),
        (Wanted(tenant="acme"), False),
        (Wanted(stage="parse"), True),
        (Wanted(stage="chunk"), False),
        (Wanted(type="stage.completed"), True),
        (Wanted(type="org.medicalkg.orchestration.stage.completed"), True),
        (Wanted(type="completed"), False),
        (Wanted(job="j-1", stage="chunk"), False),
    ],
)
def test_filters_must_all_fit(wanted, fits):
    """An event is shown when it fits every filter that is given."""
    one = event(Kind.STAGE_COMPLETED, "j-1", "parse", correlationid="b-1")
    assert fits == wanted.fits(one)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [(Wanted(), True), (Wanted(job="j-1"), True), (Wanted(job="j-2"), False), (Wanted(stage="parse"), False)],
)
def test_a_record_that_is_no_event_is_shown_by_its_key(wanted, fits):
    """Of a record that is no event only the key is known, so only the job's filter can fit it."""
    assert fits == wanted.fits_unreadable(POISON)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (completed(), "08:00:00.250 stage.completed j-1 parse took 10 ms, waited 4 ms"),
        (failed(), "08:00:00.250 stage.failed j-1 parse took 5 ms, waited 0 ms, [source_refused] there is no study"),
        (job_completed(), "08:00:00.250 job.completed j-1 after 1.5 s"),
        (job_failed(), "08:00:00.250 job.failed j-1 [source_refused] there is no study"),
        (ignored(), "08:00:00.250 event.ignored j-1 duplicate: job.requested on jobs.requests.v1"),
    ],
)  # fmt: skip
def test_an_event_is_a_line(one, words):
    """A line says when, what, which job, which stage, and what there is to say about it."""
    assert words == " ".join(event_line(one).plain.split())


def test_an_event_with_broken_data_is_still_a_line():
    """Data that break the contract are said to do so, in the same line."""
    line = event_line(event(Kind.STAGE_COMPLETED, stage="parse", data=JobEnded(stage="parse")))
    assert "break the contract" in line.plain


def test_a_poison_record_is_shown_as_such(capsys: pytest.CaptureFixture[str]):
    """A record that is no event is shown with its place and the reason."""
    print_event(POISON, PoisonRecord("no attributes"))
    assert "orchestration.events.v1/3@17 is no event [poison]: no attributes\n" == capsys.readouterr().out


def test_a_poison_record_is_json_too(capsys: pytest.CaptureFixture[str]):
    """For programs, a record that is no event is an object with the member `poison`."""
    print_json_event(POISON, PoisonRecord("no attributes"))
    poison = json.loads(capsys.readouterr().out)["poison"]
    assert (3, 17, "j-1", "poison") == (poison["partition"], poison["offset"], poison["key"], poison["error"]["code"])


def test_an_event_is_cloudevents_json(capsys: pytest.CaptureFixture[str]):
    """For programs, an event is one line of the CloudEvents JSON format."""
    print_json_event(POISON, job_completed())
    lines = capsys.readouterr().out.splitlines()
    assert 1 == len(lines)
    assert {"duration_ms": 1500.0} == json.loads(lines[0])["data"]
