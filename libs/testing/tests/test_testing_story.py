"""What was told of a job, and waiting for more of it."""

from datetime import UTC, datetime
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import JobEnded
from medkg_contracts.errors import SourceRefused
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_testing.story import NotAsExpected, Story

LOGS = "the files in /logs"
REFUSED = JobEnded(stage="ingest", error=SourceRefused("there is no NCT0").info)


def event(kind: Kind, job: str = "j-1", stage: str | None = None, data: JobEnded | None = None) -> CloudEvent:
    """An event of the router about a job."""
    return make_event(
        kind,
        id=f"{job}-{kind}-{stage}",
        source="/medkg/router",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        data=data,
        job_id=job,
        extensions={"stage": stage},
    )


def story(*events: CloudEvent) -> Story:
    """A story in which these were told."""
    made = Story(LOGS)
    made.tell(events)
    return made


@given(st.lists(st.tuples(st.sampled_from(["j-1", "j-2"]), st.sampled_from(list(Kind)))))
def test_each_event_stands_once_and_in_order(told: list[tuple[str, Kind]]) -> None:
    """Of what is told, with repetitions, a job's story has each event once, where it came first."""
    events = [event(kind, job) for job, kind in told]

    made = story(*events)

    for job in ("j-1", "j-2"):
        assert list(dict.fromkeys(one.id for one in events if one.extensions["jobid"] == job)) == [
            one.id for one in made.of(job)
        ]


def test_an_event_that_came_is_not_waited_for() -> None:
    """What was told before is returned at once."""
    made = story(event(Kind.JOB_ACCEPTED), event(Kind.JOB_COMPLETED))

    assert event(Kind.JOB_COMPLETED) == made.wait(Kind.JOB_COMPLETED, "j-1", 0)


def test_an_event_that_comes_ends_the_wait() -> None:
    """What another thread tells later is returned when it comes."""
    made = story(event(Kind.JOB_ACCEPTED))
    teller = Thread(target=made.tell, args=([event(Kind.JOB_COMPLETED)],))
    teller.start()

    assert event(Kind.JOB_COMPLETED) == made.wait(Kind.JOB_COMPLETED, "j-1", 60)
    teller.join()


def test_a_late_event_says_what_did_come() -> None:
    """The error on a timeout lists what came of the job, with stages, and what to do."""
    made = story(event(Kind.JOB_ACCEPTED), event(Kind.STAGE_STARTED, stage="parse"), event(Kind.JOB_FAILED, "j-2"))

    with pytest.raises(NotAsExpected) as late:
        made.wait(Kind.JOB_COMPLETED, "j-1", 0)

    assert [
        "no job.completed of job j-1 within 0 s",
        "What came: ",
        "  job.accepted",
        "  stage.started parse",
        f"Remedy: Give it longer (timeout=…), or look at the log of the service that is due next: {LOGS}.",
    ] == str(late.value).splitlines()


def test_an_unknown_job_is_told_of() -> None:
    """Where nothing came of the job, the error says so, and that events of others did."""
    made = story(event(Kind.JOB_ACCEPTED, "j-2"))

    with pytest.raises(NotAsExpected, match="Nothing at all came of it; events of 1 other jobs did"):
        made.wait(Kind.JOB_COMPLETED, "j-1", 0)


def test_another_end_is_said_at_once() -> None:
    """Whoever waits for the completion of a job that fails hears at once why, and what to do."""
    made = story(event(Kind.JOB_FAILED, data=REFUSED))

    with pytest.raises(NotAsExpected) as failed:
        made.wait(Kind.JOB_COMPLETED, "j-1", 3600)

    text = str(failed.value)
    assert "no job.completed of job j-1: job.failed (source_refused: there is no NCT0)" == text.splitlines()[0]
    assert f"Remedy: {SourceRefused.remedy}" == text.splitlines()[-1]


def test_an_expected_failure_is_no_error() -> None:
    """Whoever waits for the failure gets it."""
    failed = event(Kind.JOB_FAILED, data=REFUSED)

    assert failed == story(failed).wait(Kind.JOB_FAILED, "j-1", 0)


def test_a_job_that_runs_again_may_still_complete() -> None:
    """An end before the job was restarted is none: the wait goes on."""
    made = story(event(Kind.JOB_FAILED, data=REFUSED), event(Kind.JOB_RESTARTED))

    with pytest.raises(NotAsExpected, match="within 0 s"):
        made.wait(Kind.JOB_COMPLETED, "j-1", 0)


def test_a_broken_reader_ends_the_wait() -> None:
    """Where events can be read no more, whoever waits hears of it instead of waiting."""
    made = story(event(Kind.JOB_ACCEPTED))
    made.break_off(OSError("the disk is gone"))

    with pytest.raises(NotAsExpected, match="the disk is gone"):
        made.wait(Kind.JOB_COMPLETED, "j-1", 3600)
