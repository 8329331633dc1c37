"""How a job begins, or is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobEnded
from medkg_contracts.errors import InvalidRequest, JobIdTaken, MedkgError, TopologyUnknown
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import admit, check_own, newest_plan, reject, to_event
from medkg_topology.plan import Plan

from .telling import (
    ACCEPTED_BY_REQUEST,
    NOW,
    TRACE,
    Story,
    accepted,
    begun,
    gate,
    only,
    plan,
    requested,
    said,
    spoke,
    stage,
    state_after,
)

LINE = plan(stage("ingest", makes=("payloads",)), stage("parse", "ingest", takes=("payloads",), makes=("document",)))


def test_admit_accepts_and_starts_the_roots() -> None:
    """A job is accepted, then every node without dependencies starts."""
    step = begun(plan(stage("a"), stage("b"), stage("c", "a", "b")), requested())

    assert [("job.accepted", None), ("stage.requested", "a"), ("stage.requested", "b")] == said(step)


def test_admit_pins_the_plan() -> None:
    """The job's state names the plan by its digest."""
    state = state_after(begun(LINE, requested()))

    assert (LINE.name, LINE.digest) == (state.pipeline_name, state.pipeline_version)


def test_admit_copies_the_request() -> None:
    """The state keeps who asked for what, and when."""
    event = requested(tenant="acme", traceparent=TRACE)
    state = state_after(begun(LINE, event))

    assert ("j-1", "acme", "ctgov:NCT05814159", "c-1", event.request, TRACE, NOW, NOW) == (
        state.job_id, state.tenant_id, state.doc_id, state.correlation_id, state.request, state.traceparent,
        state.created_at, state.updated_at,
    )  # fmt: skip


def test_admit_says_so_on_the_lifecycle_topic() -> None:
    """``job.accepted`` carries the data that the caller gives and is caused by the request."""
    emit = only(begun(LINE, requested()), Kind.JOB_ACCEPTED)

    assert (topics.EVENTS, accepted(LINE, requested()), ACCEPTED_BY_REQUEST) == (emit.topic, emit.data, emit.cause)


def test_admit_asks_the_service_for_epoch_1() -> None:
    """The first run of a stage is asked for on its service's queue with epoch 1."""
    two_of_one_service = plan(stage("dense", service="embed"), stage("sparse", service="embed"))
    step = begun(two_of_one_service, requested())

    assert [("embed.queue.v1", "dense", 1), ("embed.queue.v1", "sparse", 1)] == [
        (emit.topic, emit.node, emit.epoch) for emit in step.emits[1:]
    ]


def test_admit_of_an_empty_plan_completes() -> None:
    """A plan without nodes has nothing to wait for."""
    step = begun(plan(), requested())

    assert [("job.accepted", None), ("job.completed", None)] == said(step)


def test_until_leaves_out_what_it_does_not_need() -> None:
    """With `until`, neither later nodes nor other branches start."""
    branches = plan(stage("a"), stage("b", "a"), stage("c", "b"), stage("other"))
    story = Story(branches, until="b")
    story.tell(*(spoke(topics.done(name), name=name, epoch=1) for name in ("a", "b")))

    assert JobStatus.COMPLETED == story.state.status
    assert {"a", "b"} == set(story.state.nodes)


def test_until_a_gate_ends_with_the_gate() -> None:
    """`until` may name a gate: the job completes when it opens."""
    story = Story(plan(stage("a"), gate("wait", "a"), stage("b", "wait")), until="wait")
    story.tell(spoke(topics.done("a"), name="a"), spoke("mineru.done.v1"))

    assert (JobStatus.COMPLETED, NodeStatus.OPENED) == (story.state.status, story.state.node("wait").status)


def test_until_an_unknown_stage_is_refused() -> None:
    """`until` must name a node of the plan; the message lists them."""
    with pytest.raises(InvalidRequest, match="no stage 'embed'; it has ingest, parse"):
        begun(LINE, requested(until="embed"))


def test_reject_keeps_the_reason() -> None:
    """A rejected job's state and its event carry the error."""
    error = InvalidRequest("source: no topology takes 'nowhere'").info
    step = reject(requested(), error, NOW)
    state = state_after(step)

    assert (JobStatus.REJECTED, error, None) == (state.status, state.error, state.pipeline_name)
    assert JobEnded(error=error) == only(step, Kind.JOB_REJECTED).data
    assert ([("job.rejected", None)], 1) == (said(step), state.sequence)


def test_rejected_job_may_begin_again() -> None:
    """A job that was rejected and is asked for again is a new run of it: its numbers go on, its reason is gone."""
    rejected = state_after(reject(requested(), InvalidRequest("no").info, NOW + 5))
    step = admit(LINE, requested(), NOW, accepted=accepted(LINE, requested()), after=rejected)
    state = state_after(step)

    assert (JobStatus.RUNNING, 1, None) == (state.status, state.run, state.error)
    assert (["00000002", "00000003"], 3) == ([emit.sequence for emit in step.emits], state.sequence)
    assert NOW + 5 == state.created_at


def test_job_may_be_rejected_again() -> None:
    """A second rejection is told as an event of its own."""
    first = reject(requested(), InvalidRequest("no").info, NOW)
    second = reject(requested(), InvalidRequest("still no").info, NOW, after=state_after(first))
    told = [to_event(step.emits[0], datetime.now(UTC)) for step in (first, second)]

    assert ["00000001", "00000002"] == [event.extensions["sequence"] for event in told]
    assert told[0].id != told[1].id


def test_admit_keeps_the_priority() -> None:
    """The state has the request's priority, by which the ledger orders a tenant's own work."""
    step = begun(LINE, replace(requested(), priority="high"))

    assert "high" == state_after(step).priority


def test_reject_continues_the_trace() -> None:
    """``job.rejected`` continues the trace of the request that it refuses."""
    step = reject(requested(traceparent=TRACE), InvalidRequest("no").info, NOW)

    assert TRACE == only(step, Kind.JOB_REJECTED).traceparent


BATCHES = plan(stage("expand"))


def by_name(name: str | None, source: str) -> Plan:
    """Two topologies: that of batches, and one that takes every source but ``nowhere``."""
    if source == "nowhere" or name not in {None, LINE.name, "batch"}:
        raise TopologyUnknown("there is none")
    return BATCHES if name == "batch" else LINE


@pytest.mark.parametrize(
    ("asked", "plan_"), [({"id": "1"}, LINE), ({"ids": ["1"]}, BATCHES), ({"query": {"a": "b"}}, BATCHES)]
)
def test_batch_takes_the_topology_of_batches(asked: dict[str, Any], plan_: Plan) -> None:
    """An item takes the topology that it names, and a batch that of batches, whatever its items are to take."""
    request = JobRequest(source="ctgov", topology=LINE.name, until="parse", **asked)

    assert plan_ == newest_plan(request, by_name)


@pytest.mark.parametrize("asked", [{"id": "1"}, {"ids": ["1", "2"]}, {"query": {"a": "b"}}])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"topology": "trails"}, TopologyUnknown),
        ({"source": "nowhere"}, TopologyUnknown),
        ({"until": "chunck"}, InvalidRequest),
        ({"topology": "batch"}, InvalidRequest),
    ],
)
def test_what_no_item_can_have_is_refused_at_once(
    asked: dict[str, Any], wrong: dict[str, Any], error: type[MedkgError]
) -> None:
    """A request for what does not exist is refused before anything begins, a batch's like an item's."""
    request = JobRequest.model_validate({"source": "ctgov", **asked, **wrong})

    with pytest.raises(error):
        newest_plan(request, by_name)


ASKED = JobRequest(source="ctgov", id="1")
LONG = JobRequest(source="ctgov", ids=[f"NCT{number:08}" for number in range(3)])
KEPT = ArtifactRef(name="request", sha256=sha256(LONG.canonical).hexdigest(), size=50, uri="artifact://public/x")


@pytest.mark.parametrize("tenant", ["public", "acme"])
@pytest.mark.parametrize(
    ("asked", "again"),
    [
        (ASKED, ASKED.model_copy(update={"id": "2"})),
        (ASKED, ASKED.model_copy(update={"priority": "high"})),
        (ASKED, ASKED.model_copy(update={"topology": "trials"})),
        (ASKED, None),
        (KEPT, LONG.model_copy(update={"ids": ["NCT00000001"]})),
    ],
)
def test_request_for_something_else_is_no_repetition(
    tenant: str, asked: JobRequest | ArtifactRef, again: JobRequest | None
) -> None:
    """The id of a job cannot be used for another: not by its own tenant, and by another not even for the same."""
    event = replace(requested(), request=asked, tenant_id="acme")
    state = state_after(begun(LINE, event))

    with pytest.raises(JobIdTaken, match="jobid: j-1 is the id of another job"):
        check_own(state, replace(event, request=again, tenant_id=tenant))
    with pytest.raises(JobIdTaken):
        check_own(state, replace(event, tenant_id="other"))


@pytest.mark.parametrize(("asked", "again"), [(ASKED, ASKED), (KEPT, LONG)])
def test_request_for_the_same_is_the_jobs_own(asked: JobRequest | ArtifactRef, again: JobRequest) -> None:
    """What asks for the very same, however it was kept, is the job's own request once more."""
    event = replace(requested(), request=asked)

    check_own(state_after(begun(LINE, event)), replace(event, request=again))


def test_item_of_the_same_batch_is_the_jobs_own() -> None:
    """An item that its batch asks for again is the same item, whatever a later version of expand says of it."""
    event = replace(requested(), request=ASKED, doc_id=ASKED.doc_id, batch_id="b-1")
    again = replace(event, request=ASKED.model_copy(update={"priority": "high"}))

    check_own(state_after(begun(LINE, event)), again)


def test_rejected_request_may_be_corrected_by_its_tenant_alone() -> None:
    """Of a rejected job the tenant may ask for something else; where nobody could tell whose it was, anybody may."""
    event = requested()
    rejected = state_after(reject(event, TopologyUnknown("there is none").info, NOW))
    unread = state_after(reject(replace(event, request=None), InvalidRequest("no").info, NOW))
    corrected = replace(event, request=ASKED)

    check_own(rejected, corrected)
    check_own(unread, replace(corrected, tenant_id="other"))
    with pytest.raises(JobIdTaken):
        check_own(rejected, replace(corrected, tenant_id="other"))
