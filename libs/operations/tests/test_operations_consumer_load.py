"""How a stage's work is shared among its consumers, from members, offsets and events."""

from datetime import timedelta

from medkg_bus.cluster import Member, TopicPartition
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageResult
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_operations.consumer_load import EndedRuns, WorkDone, as_data, lags_of, load_of

from .events_of import TIME, started

QUEUE = [TopicPartition("parse.queue.v1", number) for number in range(4)]


def ended(job: str, worker: str, seconds: float = 0.0, *, kind: Kind = Kind.STAGE_COMPLETED) -> CloudEvent:
    data = StageResult(worker=worker, duration_ms=100.0)
    at = TIME + timedelta(seconds=seconds)
    return make_event(kind, id=f"{job}-{kind}", source="/medkg/stages/parse", time=at, data=data, job_id=job)


def heard(*events: CloudEvent) -> EndedRuns:
    done = EndedRuns()
    for event in events:
        done.hear(event)
    return done


def member(name: str, *partitions: TopicPartition) -> Member:
    return Member(f"{name}-uuid", name, "127.0.0.1", partitions)


def test_jobs_are_counted_where_they_were_done() -> None:
    """Completed and failed runs count for the consumer that ended them; what has not ended counts for nobody."""
    done = heard(ended("a", "p-1"), ended("b", "p-2"), ended("c", "p-2", kind=Kind.STAGE_FAILED), started("d"))

    load = load_of("parse", [member("medkg.parse.p-1"), member("medkg.parse.p-2")], {}, done)

    assert ([("p-1", 1), ("p-2", 2)], 3) == (
        [(each.name, each.work.jobs) for each in load.consumers],
        load.total.jobs,
    )


def test_a_run_that_is_told_twice_counts_once() -> None:
    """The same event again, by whichever consumer, is the same run."""
    load = load_of("parse", [], {}, heard(ended("a", "p-1"), ended("a", "p-2")))

    assert [("p-1", 1)] == [(each.name, each.work.jobs) for each in load.consumers]


def test_rate_and_mean_are_of_the_time_of_work() -> None:
    """Jobs a second count from the first's beginning to the last's end, however long the asked time is."""
    done = heard(ended("a", "p-1", 0.0), ended("b", "p-1", 0.9), ended("c", "p-1", 1.9))

    total = load_of("parse", [], {}, done).total

    assert (3 / 2.0, 100.0) == (total.per_s, total.mean_ms)
    assert (None, None) == (WorkDone().per_s, WorkDone().mean_ms)


def test_each_consumer_has_the_lag_of_its_partitions() -> None:
    """A consumer's lag is its partitions'; the stage's is all partitions', those included that nobody reads."""
    lags = dict(zip(QUEUE, (1, 2, 4, 8), strict=True))

    load = load_of(
        "parse", [member("medkg.parse.p-1", QUEUE[1], QUEUE[0]), member("other", QUEUE[2])], lags, EndedRuns()
    )

    assert [("other", (2,), 4), ("p-1", (0, 1), 3)] == [
        (each.name, each.partitions, each.lag) for each in load.consumers
    ]
    assert (4, 15) == (load.partitions, load.lag)


def test_a_consumer_that_is_gone_is_shown_with_what_it_did() -> None:
    """A consumer that worked within the time and has left is listed behind the members."""
    (data,) = as_data([load_of("parse", [member("medkg.parse.p-2")], {}, heard(ended("a", "p-1")))])

    assert [("p-2", True, 0), ("p-1", False, 1)] == [
        (each["consumer"], each["member"], each["jobs"]) for each in data["consumers"]
    ]


def test_lag_is_what_is_not_finished() -> None:
    """A partition without a commit has all its records before it, except those that are deleted."""
    ends = dict.fromkeys(QUEUE[:3], 10)

    assert [4, 10, 3] == list(lags_of({QUEUE[0]: 6}, {QUEUE[2]: 7}, ends).values())
