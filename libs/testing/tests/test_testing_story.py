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
from medkg_testing.story import Story, line
from medkg_testing.watch import NotAsExpected

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


def test_an_event_about_a_stage_is_not_another_stages() -> None:
    """Whoever names a stage gets the event about it, though one of that kind about another stage came first."""
    made = story(event(Kind.STAGE_COMPLETED, stage="ingest"), event(Kind.STAGE_COMPLETED, stage="parse"))

    assert event(Kind.STAGE_COMPLETED, stage="parse") == made.wait(Kind.STAGE_COMPLETED, "j-1", 0, "parse")


def test_jobs_have_ended_however_they_end() -> None:
    """The end of each job is told in the order of the jobs, whatever end it is; one that runs again has none."""
    made = story(event(Kind.JOB_COMPLETED, "j-2"), event(Kind.JOB_FAILED), event(Kind.JOB_FAILED, "j-3"))
    made.tell([event(Kind.JOB_RESTARTED, "j-3")])

    assert [event(Kind.JOB_FAILED), event(Kind.JOB_COMPLETED, "j-2")] == made.wait_for_ends(["j-1", "j-2"], 0)
    with pytest.raises(NotAsExpected, match="no end of job j-3 within 0 s"):
        made.wait_for_ends(["j-1", "j-3"], 0)


def test_a_forgotten_job_is_unknown() -> None:
    """Of a job that is to be forgotten nothing is kept, and of the others all."""
    made = story(event(Kind.JOB_COMPLETED), event(Kind.JOB_COMPLETED, "j-2"))

    made.forget(["j-1", "nobody"])

    assert ([], 1) == (made.of("j-1"), len(made.of("j-2")))


def test_a_watch_has_what_is_told_while_it_lasts() -> None:
    """A watch has every event since its beginning until its end, those that are told twice as often as they are."""
    made = story(event(Kind.JOB_ACCEPTED))
    with made.watch() as watch:
        made.tell([event(Kind.STAGE_STARTED, stage="parse")])
        made.tell([event(Kind.STAGE_STARTED, stage="parse"), event(Kind.JOB_FAILED)])
    made.tell([event(Kind.JOB_RESTARTED)])

    assert ["stage.started parse", "stage.started parse", "job.failed"] == [line(each) for each in watch.events]
    assert ({"j-1": Kind.JOB_FAILED}, 3) == (watch.ends, len(watch.read_at))


def test_a_watch_ends_the_wait_when_enough_was_told() -> None:
    """Whoever waits at a watch goes on when another thread has told enough; a job's own events may be asked for."""
    made = story()
    with made.watch() as watch:
        teller = Thread(target=made.tell, args=([event(Kind.JOB_COMPLETED)],))
        teller.start()

        assert [event(Kind.JOB_COMPLETED)] == watch.until(lambda events: bool(events and made.of("j-1")), 60)
        assert event(Kind.JOB_COMPLETED) == watch.seen(Kind.JOB_COMPLETED, "j-1")
        assert {"j-1": Kind.JOB_COMPLETED} == watch.ended(["j-1"])
        teller.join()


def test_a_watch_that_sees_too_little_says_so() -> None:
    """What does not come in time, or cannot come any more, ends the wait with an error."""
    made = story()
    with made.watch() as watch:
        with pytest.raises(NotAsExpected, match="it did not come within 0 s; 0 events did"):
            watch.seen(Kind.TOPOLOGY_LOADED, timeout=0)
        made.break_off(OSError("the disk is gone"))

        with pytest.raises(NotAsExpected, match="the disk is gone"):
            watch.ended(["j-1"], timeout=3600)


def test_a_broken_reader_ends_the_wait() -> None:
    """Where events can be read no more, whoever waits hears of it instead of waiting."""
    made = story(event(Kind.JOB_ACCEPTED))
    made.break_off(OSError("the disk is gone"))

    with pytest.raises(NotAsExpected, match="the disk is gone"):
        made.wait(Kind.JOB_COMPLETED, "j-1", 3600)
