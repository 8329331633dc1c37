"""What a stage's answer leads to."""

from datetime import UTC, datetime

import pytest
from medkg_contracts import topics
from medkg_contracts.data import JobEnded, StageRequest
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import advance, to_event

from .telling import (
    FAILURE,
    NOW,
    TRACE,
    Story,
    done,
    fired,
    gate,
    ignored,
    only,
    over,
    plan,
    ref,
    refs,
    requested,
    said,
    spoke,
    stage,
    started,
    state_after,
)

DIAMOND = plan(
    stage("ingest", makes=("payloads",)),
    stage("left", "ingest", takes=("payloads",), makes=("document",)),
    stage("right", "ingest", takes=("payloads",), makes=("entities", "claims")),
    stage("join", "left", "right", takes=("document", "claims")),
)


def test_completed_stage_starts_what_depends_on_it() -> None:
    """One answer fans out to every stage that waited for it alone."""
    step = Story(DIAMOND).tell(done("ingest", "payloads"))

    assert [("stage.requested", "left"), ("stage.requested", "right")] == said(step)


def test_join_waits_for_all() -> None:
    """A join starts with the last of its branches, not before."""
    story = Story(DIAMOND)
    first = story.tell(done("ingest", "payloads"), done("right", "entities", "claims"))
    second = story.tell(done("left", "document"))

    assert ([], [("stage.requested", "join")]) == (said(first), said(second))


def test_branches_may_be_read_in_any_order() -> None:
    """Two answers leave the same state whichever is read first: each is dated by its own time, what follows by both."""
    answers = [(done("left", "document"), NOW + 5_000), (done("right", "entities", "claims"), NOW + 7_000)]
    after = []
    for order in (answers, answers[::-1]):
        story = Story(DIAMOND)
        state = state_after(story.tell(done("ingest", "payloads")))
        for answer, now in order:
            state = state_after(advance(DIAMOND, state, answer, now))
        after.append(state)

    assert after[0] == after[1]
    assert (NOW + 5_000, NOW + 7_000) == (after[0].node("left").ended_at, after[0].node("join").started_at)


def test_request_carries_the_inputs_alone() -> None:
    """A stage is given the artifacts that it takes, and no others."""
    story = Story(DIAMOND)
    step = story.tell(done("ingest", "payloads"), done("right", "entities", "claims"), done("left", "document"))

    assert (
        StageRequest(request=requested().request, inputs=refs("document", "claims"))
        == only(step, Kind.STAGE_REQUESTED, "join").data
    )


def test_request_carries_what_the_topology_asks_of_the_stage() -> None:
    """A stage's options reach its service as the topology has them."""
    asked = stage("only").model_copy(update={"options": {"strategy": "section"}})
    said_of = only(Story(plan(stage("first"), asked)).steps[0], Kind.STAGE_REQUESTED, "only").data

    assert {"strategy": "section"} == said_of.options


def test_last_stage_completes_the_job() -> None:
    """When all has passed, the job completes and says how long it took."""
    story = Story(plan(stage("only")))
    step = story.tell(done("only"), after_ms=2500)

    assert JobStatus.COMPLETED == story.state.status
    assert JobEnded(duration_ms=2500) == only(step, Kind.JOB_COMPLETED).data


def test_result_is_recorded() -> None:
    """The node's state keeps times, retries and whether it was skipped."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads", retries=2, skipped=True))
    node = story.state.node("ingest")

    assert (NodeStatus.COMPLETED, NOW, NOW + 1000, 2, True) == (
        node.status, node.started_at, node.ended_at, node.retries, node.skipped,
    )  # fmt: skip
    assert {"ingest": 2} == story.state.retry_count_per_stage
    assert refs("payloads") == story.state.artifacts


def test_failed_stage_fails_the_job_at_once() -> None:
    """A failure ends the job although another branch still runs."""
    story = Story(DIAMOND)
    step = story.tell(done("ingest", "payloads"), done("left", error=FAILURE), after_ms=10)

    assert (JobStatus.FAILED, "left", FAILURE) == (story.state.status, story.state.failed_stage, story.state.error)
    assert JobEnded(stage="left", error=FAILURE, duration_ms=20) == only(step, Kind.JOB_FAILED).data


def test_missing_output_fails_the_job() -> None:
    """A stage that completes without an artifact that the topology promises has failed."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), done("right", "entities"))

    assert JobStatus.FAILED == story.state.status
    assert story.state.error is not None
    assert "right completed without claims, which the topology says it makes" == story.state.error.message


def test_undeclared_output_is_not_taken() -> None:
    """A stage cannot replace another stage's artifact by returning one of that name."""
    story = Story(DIAMOND)
    other = ref("payloads").model_copy(update={"size": 999})
    story.tell(done("ingest", "payloads"))
    story.tell(spoke(topics.done("left"), name="left", artifacts={**refs("document"), "payloads": other}))

    assert refs("payloads", "document") == story.state.artifacts


def test_sender_without_epochs_is_heard() -> None:
    """A result without an epoch answers the current run."""
    story = Story(plan(stage("only")))
    story.tell(done("only", epoch=None))

    assert JobStatus.COMPLETED == story.state.status


def test_foreign_branch_fails_while_a_gate_waits() -> None:
    """The end of a job drops the timers of the gates that still wait."""
    story = Story(plan(stage("a"), gate("wait")))
    step = story.tell(done("a", error=FAILURE))

    assert ["wait"] == over(step)


def test_timer_of_a_gate_reached_in_the_failing_step_is_not_set() -> None:
    """A gate that is reached by the very event that ends the job leaves no timer."""
    refusing = plan(stage("a"), gate("slow", "a", topic="slow.done.v1"), gate("wait", "a"))
    story = Story(refusing)
    step = story.tell(spoke("mineru.done.v1", error=FAILURE), done("a"))

    assert (JobStatus.FAILED, [], []) == (story.state.status, started(step), over(step))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (done("left", "document", epoch=0), "stale_epoch"),
        (done("left", "document", epoch=2), "foreign"),
        (done("ingest", "payloads"), "duplicate"),
        (done("join"), "foreign"),
        (done("elsewhere"), "foreign"),
        (spoke("mineru.done.v1"), "foreign"),
        (spoke(topics.done("right"), name="left", epoch=1, artifacts=refs("document")), "foreign"),
        (spoke(topics.done("left"), epoch=1, artifacts=refs("document")), "foreign"),
        (done("left", "document", tenant="acme"), "foreign"),
        (requested(), "duplicate"),
    ],
    ids=[
        "old epoch", "future epoch", "again", "not asked yet", "no such stage", "no such gate", "another stage's topic",
        "no stage named", "another tenant", "requested again",
    ],
)  # fmt: skip
def test_event_that_changes_nothing(event: object, reason: str) -> None:
    """An event that does not fit the job's state is ignored with its reason; nothing is sent."""
    story = Story(DIAMOND)
    before = story.tell(done("ingest", "payloads")).state
    step = story.tell(event)  # type: ignore[arg-type]  # the parameters' common type

    assert (reason, [], []) == (ignored(step), said(step), started(step))
    assert step.state is before


def test_sender_without_tenant_is_heard() -> None:
    """An outside system that knows no tenants may answer."""
    story = Story(plan(stage("only")))
    story.tell(done("only", tenant=None))

    assert JobStatus.COMPLETED == story.state.status


def test_result_after_the_end_is_ignored() -> None:
    """What a running branch answers after the job failed changes nothing."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), done("left", error=FAILURE))
    step = story.tell(done("right", "entities", "claims"))

    assert ("job_ended", []) == (ignored(step), said(step))


def test_item_is_called_as_its_source_calls_it() -> None:
    """What the source's stage says of how the item's id is written holds from then on; what failed says nothing."""
    story = Story(plan(stage("a"), stage("b", "a"), stage("c", "b")))
    step = story.tell(done("a", doc_id="ctgov:NCT00000001"))
    told = to_event(only(step, Kind.STAGE_REQUESTED, "b"), datetime.now(UTC))
    story.tell(done("b"))

    assert ("ctgov:NCT00000001", "ctgov:NCT00000001") == (told.subject, story.state.doc_id)


def test_ignored_event_is_named() -> None:
    """The notice of an ignored event says which it was."""
    event = done("elsewhere", event_id="e-9")
    (ignored,) = Story(DIAMOND).tell(event).ignored

    notice = ignored.data
    assert (event.origin.type, "elsewhere.done.v1", "e-9") == (notice.type, notice.topic, notice.event_id)


def test_sequence_counts_on() -> None:
    """Each event of a job has the next number, across steps."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), done("left", "document"), done("right", "entities", "claims"), done("join"))

    assert [f"{number:08d}" for number in range(1, 7)] == [emit.sequence for emit in story.emits]
    assert 6 == story.state.sequence


def test_trace_of_the_answer_is_continued() -> None:
    """What an event leads to continues that event's trace and names it as the cause."""
    trace = TRACE.replace("b7ad", "0000")
    step = Story(DIAMOND).tell(done("ingest", "payloads", traceparent=trace, event_id="e-2"))

    assert {(trace, "e-2")} == {(emit.traceparent, emit.cause) for emit in step.emits}


def test_trace_of_the_request_is_the_fallback() -> None:
    """An answer without a trace continues the request's."""
    step = Story(DIAMOND).tell(done("ingest", "payloads"))

    assert {TRACE} == {emit.traceparent for emit in step.emits}


def test_clock_never_goes_back() -> None:
    """An event whose time is before the last does not make the job's time go back."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), after_ms=5000)
    story.tell(done("left", "document"), after_ms=-4000)

    assert NOW + 5000 == story.state.updated_at


def test_current_stage_is_the_one_that_runs() -> None:
    """`current_stage` shows a node that waits for its answer; after the end, the last."""
    story = Story(DIAMOND)
    seen = [story.state.current_stage]
    for event in (
        done("ingest", "payloads"),
        done("right", "entities", "claims"),
        done("left", "document"),
        done("join"),
    ):
        story.tell(event)
        seen.append(story.state.current_stage)

    assert ["ingest", "right", "left", "join", "join"] == seen


def test_timer_of_a_stage_is_dropped() -> None:
    """A timer that names no waiting gate is only dropped."""
    story = Story(DIAMOND)
    step = story.tell(fired("ingest"))

    assert (["ingest"], [], []) == (over(step), started(step), said(step))
