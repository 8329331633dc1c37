"""What a rebuild reads of orders."""

from datetime import UTC, datetime
from pathlib import Path

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from medkg_artifacts import ArtifactStore
from medkg_bus.clients import partition_of
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import Ignored
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import ScopeOrder
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest
from medkg_contracts.topics import EVENTS, REQUESTS
from medkg_operations.rebuild.history import History
from medkg_operations.rebuild.rebuild import after_order
from medkg_routing import IgnoredEvent, Origin, ScopeOrdered, ignored_event

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@given(job=st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True), count=st.integers(1, 12), key=st.binary(max_size=8))
async def test_a_record_counts_in_its_jobs_partition_alone(job: str, count: int, key: bytes):
    """Of a request in every partition, under whatever key, only that in the job's own is a part of its history."""
    event = make_event(
        Kind.JOB_REQUESTED, id=job, source="/s", time=NOW, data=JobRequest(source="ctgov", id="N1"), job_id=job
    )

    async def home(topic: str, about: str) -> TopicPartition:
        return TopicPartition(topic, partition_of(about.encode(), count))

    history = History(ArtifactStore(Path("unused")), home)
    for number in range(count):
        await history.read_heard(Record(REQUESTS, number, 0, number, key, event.data, to_headers(event)))

    assert [partition_of(job.encode(), count)] == [past.now for past in history.past[job]]
    assert count == history.records


async def test_a_verdict_is_the_routers():
    """Anybody may write to the lifecycle events; what is said there of a request counts only if the router says it."""
    history = History(ArtifactStore(Path("unused")), nowhere)
    for source in ("/somebody", "/medkg/router"):
        verdict = make_event(Kind.JOB_REJECTED, id=source, source=source, time=NOW, data=None, job_id="j-1")
        await history.read_lifecycle(Record(EVENTS, 0, 0, 0, b"j-1", verdict.data, to_headers(verdict)))

    assert ["/medkg/router"] == list(history.said["j-1"])


async def test_what_came_before_its_job_is_no_part_of_its_history():
    """An approval that the router ignored, having no such job yet, is left out; the same sent again is not."""
    history = History(ArtifactStore(Path("unused")), nowhere)
    approval = CloudEvent(id="ok", source="/rdk", type="com.example.ok", extensions={"jobid": "j-1"})
    origin = Origin("ok", approval.type, "approvals.v1", source="/rdk")
    ignored = Ignored(reason="foreign", type=origin.type, topic=origin.topic, event_id=origin.event_id)
    told = ignored_event(IgnoredEvent(ignored, origin, None), "j-1", NOW)
    await history.read_lifecycle(Record(EVENTS, 0, 0, 20, b"j-1", told.data, to_headers(told)))
    for time in (10, 30):
        await history.read_heard(Record("approvals.v1", 0, 0, time, None, None, to_headers(approval)))

    assert [30] == [past.now for past in history.past["j-1"]]


async def nowhere(topic: str, about: str) -> None:
    """No topic is known."""


def ordered(scope: str, *, paused: bool, drain: bool = False) -> ScopeOrdered:
    order = ScopeOrder.model_validate({"scope": scope, "name": "x", "drain": drain})
    return ScopeOrdered(Origin("e", "t", "jobs.control.v1"), order, paused)


def test_pauses_follow_the_last_order():
    """The last order about each scope counts; a stage that is resumed is drained no more either."""
    pauses: set[str] = set()
    for order in (ordered("stage", paused=True), ordered("stage", paused=True, drain=True)):
        pauses = after_order(pauses, order)
    assert {"stage:x", "drain:x"} == pauses
    pauses = after_order(after_order(pauses, ordered("tenant", paused=True)), ordered("stage", paused=False))
    assert {"tenant:x"} == pauses
    assert set() == after_order(pauses, ordered("tenant", paused=False))
