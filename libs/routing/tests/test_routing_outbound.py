"""The router's events as CloudEvents."""

from datetime import UTC, datetime

import orjson
import pytest
from medkg_contracts.data import Ignored
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.kinds import Kind
from medkg_routing import Decision, IgnoredEvent, JobEvent, Origin, ignored_event, reject, to_event, topology_label
from medkg_routing.decision import Reason

from .telling import (
    ACCEPTED_BY_REQUEST,
    NOW,
    TRACE,
    Story,
    begun,
    done,
    gate,
    only,
    pausing,
    plan,
    refs,
    requested,
    rerunning,
    resuming,
    said,
    stage,
    state_after,
)

TIME = datetime(2026, 1, 2, tzinfo=UTC)
PDF = plan(
    stage("download", makes=("pdf",)), gate("mineru", "download", request_topic="mineru.queue.v1", inputs=("pdf",))
)


def test_stage_request_names_everything() -> None:
    """A stage's request carries all that its service has to give back."""
    step = begun(PDF, requested(traceparent=TRACE))
    emit = only(step, Kind.STAGE_REQUESTED, "download")
    event = to_event(emit, TIME)

    assert ("/medkg/router", Kind.STAGE_REQUESTED.type, TIME, "ctgov:NCT05814159", "application/json") == (
        event.source, event.type, event.time, event.subject, event.datacontenttype,
    )  # fmt: skip
    assert {
        "partitionkey": "j-1",
        "jobid": "j-1",
        "tenantid": "public",
        "correlationid": "c-1",
        "causationid": ACCEPTED_BY_REQUEST,
        "traceparent": TRACE,
        "topology": PDF.ref,
        "stage": "download",
        "epoch": "1",
        "sequence": "00000002",
    } == event.extensions


def test_gate_request_says_until_when() -> None:
    """A gate's request has the gate's deadline as `expirytime`."""
    story = Story(PDF)
    step = story.tell(done("download", "pdf"))
    event = to_event(only(step, Kind.STAGE_REQUESTED, "mineru"), TIME)

    assert datetime.fromtimestamp((NOW + 61_000) / 1000, UTC) == datetime.fromisoformat(event.extensions["expirytime"])
    assert refs("pdf")["pdf"].uri == orjson.loads(event.data or b"")["inputs"]["pdf"]["uri"]


def test_job_event_has_no_stage() -> None:
    """An event about the job itself carries neither stage nor epoch."""
    step = begun(PDF, requested())
    event = to_event(only(step, Kind.JOB_ACCEPTED), TIME)

    assert set() == {"stage", "epoch", "expirytime"} & set(event.extensions)


def test_same_step_twice_is_the_same_events() -> None:
    """A decision made twice leads to equal events, ids included: a duplicate can be recognised."""
    first, second = (Story(PDF).tell(done("download", "pdf")) for _ in range(2))
    one = [to_event(emit, TIME) for emit in first.emits]
    other = [to_event(emit, TIME) for emit in second.emits]

    assert one == other


def told(step: Decision) -> list[str]:
    """The ids of what a step sends."""
    return [to_event(emit, TIME).id for emit in step.emits]


def test_each_run_has_its_own_events() -> None:
    """What is said of a job in its next run are new events, though they say the same."""
    story = Story(plan(stage("only")))
    ids = [told(story.tell(done("only"))), told(story.tell(rerunning("only"))), told(story.tell(done("only", epoch=2)))]

    assert [["job.completed"], ["job.restarted", "stage.requested"], ["job.completed"]] == [
        [kind for kind, _ in said(step)] for step in story.steps[1:]
    ]
    assert 4 == len({one for some in ids for one in some})


def test_each_order_has_its_own_event() -> None:
    """Two pauses of one run are two events; the same order heard again is told by the same event."""
    story = Story(PDF)
    orders: list[JobEvent] = [pausing("one"), resuming("two"), pausing("three"), resuming("four"), pausing("one")]
    ids = [told(story.tell(order))[0] for order in orders]

    assert (4, ids[0]) == (len(set(ids)), ids[-1])


def test_rejected_job_has_no_topology() -> None:
    """A job that was never admitted is pinned to nothing."""
    step = reject(requested(), InvalidRequest("no").info, NOW)

    assert topology_label(state_after(step)) is None
    assert "topology" not in to_event(only(step, Kind.JOB_REJECTED), TIME).extensions


def test_trace_is_made_where_there_is_none() -> None:
    """Without a trace in the request, one is derived from the job's id: the same on every replica."""
    traces = {only(begun(PDF, requested()), Kind.JOB_ACCEPTED).traceparent for _ in range(2)}

    assert 1 == len(traces)
    assert [2, 32, 16, 2] == [len(part) for part in traces.pop().split("-")]


def ignored(reason: Reason = "late", *, source: str = "/someone", tenant: str | None = None) -> tuple[Ignored, Origin]:
    """An event that was ignored, and where it came from."""
    origin = Origin("e-7", "t", "mineru.done.v1", None, source, tenant)
    return Ignored(reason=reason, type=origin.type, topic=origin.topic, event_id=origin.event_id), origin


def test_ignored_event_says_what_and_why() -> None:
    """The notice of an ignored event carries its reason and names it as the cause."""
    what, origin = ignored()
    event = ignored_event(IgnoredEvent(what, origin, Story(PDF).state), "j-1", TIME)

    assert what == Ignored.model_validate_json(event.data or b"")
    assert ("e-7", "/someone", "public", "c-1", PDF.ref) == tuple(
        event.extensions[name] for name in ("causationid", "causationsource", "tenantid", "correlationid", "topology")
    )


def test_ignored_event_of_an_unknown_job() -> None:
    """An event of a job that the ledger does not know is told under the job id that it names."""
    event = ignored_event(IgnoredEvent(*ignored("foreign"), None), "j-unknown", TIME)

    assert {
        "partitionkey": "j-unknown", "jobid": "j-unknown", "causationid": "e-7", "causationsource": "/someone",
    } == event.extensions  # fmt: skip


@pytest.mark.parametrize(("tenant", "told"), [("acme", "acme"), ("../x", None)])
def test_another_tenant_is_told_of_its_own_event_alone(tenant: str, told: str | None) -> None:
    """Who speaks of another tenant's job is told so as the tenant that it is, and nothing of the job."""
    event = ignored_event(IgnoredEvent(*ignored("foreign", tenant=tenant), Story(PDF).state), "j-1", TIME)

    assert (told, None) == (event.extensions.get("tenantid"), event.subject)
    assert {"correlationid", "topology"}.isdisjoint(event.extensions)


def test_ignored_events_have_ids_of_their_own() -> None:
    """An event ignored for two reasons is told by two events, and so are two events of one id but two sources."""
    cases = [ignored(), ignored("duplicate"), ignored(source="/else")]

    assert 3 == len({ignored_event(IgnoredEvent(*case, None), "j-1", TIME).id for case in cases})
