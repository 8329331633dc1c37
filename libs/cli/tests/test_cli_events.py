"""`medkg events tail` shows what is wanted, and never breaks."""

import json

import pytest
from medkg_cli.event_view import detail, event_line
from medkg_cli.events import print_event, print_json_event
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import (
    BreakerNotice,
    ControlRefused,
    JobEnded,
    JobRestarted,
    LetterClosed,
    StageDeferred,
)
from medkg_contracts.errors import OrderRefused, PoisonRecord, SourceRefused
from medkg_contracts.explanation import Explanation
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.records import Record

from libs.operations.tests.events_of import completed, event, failed, ignored, job_completed, job_failed

POISON = Record("orchestration.events.v1", 3, 17, 0, b"j-1", b"garbage", [])


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


REF = ArtifactRef(name="plan", sha256="0" * 64, size=1, uri="artifact://system/0")


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Kind.JOB_CANCELLED, JobEnded(order=Order(by="ann", reason="wrong")), "by ann: wrong"),
        (Kind.JOB_PAUSED, ScopeOrder(scope="job", name="j-1"), "by somebody"),
        (
            Kind.JOB_RESTARTED,
            JobRestarted(
                stages=["parse", "chunk"], pipeline="t", digest="0" * 64, plan=REF, order=RerunOrder(by="ann")
            ),
            "parse, chunk again, by ann",
        ),
        (
            Kind.JOB_STALLED,
            Explanation(job_id="j-1", status="running", cause="no_gpu", summary="it waits", next_action="wait"),
            "[no_gpu] it waits",
        ),
        (
            Kind.STAGE_DEFERRED,
            StageDeferred(error=SourceRefused("no").info, wait_s=60, tried=2),
            "asked for again in 60 s, after [source_refused] no",
        ),
        (
            Kind.RECORD_REDRIVEN,
            LetterClosed(dlq="parse.dlq.v1", partition=3, offset=17, code="bug", order=Order(by="ann")),
            "parse.dlq.v1/3@17 [bug], by ann",
        ),
        (
            Kind.BREAKER_OPENED,
            BreakerNotice(service="parse", policy="gpu-bound", reset_s=60, error=SourceRefused("no").info),
            "parse by policy gpu-bound, next probe in 60 s, after [source_refused] no",
        ),
        (Kind.BREAKER_CLOSED, BreakerNotice(service="parse", policy="gpu-bound"), "parse by policy gpu-bound"),
        (
            Kind.CONTROL_REFUSED,
            ControlRefused(type="t", event_id="e", error=OrderRefused("no such job").info),
            "[order_refused] no such job",
        ),
    ],
)
def test_what_operators_do_is_told(kind, data, words):
    """Orders and what came of them say who gave them and why; breakers and deferrals say until when."""
    assert words == detail(event(kind, data=data))


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
