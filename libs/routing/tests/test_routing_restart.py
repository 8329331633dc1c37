"""How a job runs again."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from medkg_contracts import topics
from medkg_contracts.data import JobRestarted, StageRequest
from medkg_contracts.errors import InvalidRequest, OrderRefused
from medkg_contracts.kinds import Kind
from medkg_contracts.policy import Policy
from medkg_ledger.state import JobState, JobStatus, NodeState, NodeStatus
from medkg_routing import JobEvent, reject, rerun, to_event
from medkg_topology.plan import Plan

from .telling import (
    FAILURE,
    NOW,
    Story,
    cancelling,
    deferred,
    done,
    gate,
    ignored,
    only,
    over,
    pausing,
    plan,
    ref,
    refs,
    requested,
    rerunning,
    said,
    spoke,
    stage,
    started,
    state_after,
)

INGEST = stage("ingest", makes=("payloads",))
LEFT = stage("left", "ingest", takes=("payloads",), makes=("document",))
RIGHT = stage("right", "ingest", takes=("payloads",), makes=("claims",))
JOIN = stage("join", "left", "right", takes=("document", "claims"), makes=("receipt",))
DIAMOND = plan(INGEST, LEFT, RIGHT, JOIN)

UP_TO_JOIN: Sequence[JobEvent] = (done("ingest", "payloads"), done("left", "document"), done("right", "claims"))


def completed() -> Story:
    """A job that has completed."""
    story = Story(DIAMOND)
    story.tell(*UP_TO_JOIN, done("join", "receipt"))
    return story


def failed() -> Story:
    """A job that failed at its left branch while the right one was at work."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), done("left", error=FAILURE))
    return story


def test_rerun_from_a_stage() -> None:
    """The stage and all that depends on it run again, in their next epochs, with what the rest has made."""
    story = completed()
    step = story.tell(rerunning("left"))
    asked = only(step, Kind.STAGE_REQUESTED, "left")

    assert [("job.restarted", None), ("stage.requested", "left")] == said(step)
    assert (2, refs("payloads", "claims")) == (asked.epoch, story.state.artifacts)
    assert (JobStatus.RUNNING, 1) == (story.state.status, story.state.run)

    story.tell(done("left", "document", epoch=2), done("join", "receipt", epoch=2))
    assert (JobStatus.COMPLETED, [1, 2, 1, 2]) == (
        story.state.status,
        [story.state.node(name).epoch for name in ("ingest", "left", "right", "join")],
    )


def test_restart_is_told() -> None:
    """The event says which nodes run again, on which plan, and who ordered it."""
    step = completed().tell(rerunning("left"))

    assert (
        JobRestarted(
            stages=["left", "join"],
            pipeline="trials",
            digest=DIAMOND.digest,
            plan=ref("plan"),
            order=rerunning("left").order,
        )
        == only(step, Kind.JOB_RESTARTED).data
    )
    assert (topics.EVENTS, "rerun-1") == (step.emits[0].topic, step.emits[0].cause)


def test_rerun_of_a_failed_job_goes_on_where_it_failed() -> None:
    """Without a stage, all that has not passed runs: what failed, and what was withdrawn when it did."""
    story = failed()
    step = story.tell(rerunning())

    assert [("job.restarted", None), ("stage.requested", "left"), ("stage.requested", "right")] == said(step)
    assert (None, None, {"left": 2, "right": 2}) == (
        story.state.error,
        story.state.failed_stage,
        {name: story.state.node(name).epoch for name in ("left", "right")},
    )


def test_failure_withdraws_what_is_under_way() -> None:
    """When a job fails, the other branches' credit is free at once, and their answers are void for ever."""
    story = failed()
    assert [("left", "left"), ("right", "right")] == list(story.steps[-1].effects.settled)

    step = story.tell(rerunning(), done("right", "claims", epoch=1))
    assert "stale_epoch" == ignored(step)


def test_rerun_from_a_stage_of_a_failed_job_mends_the_rest_as_well() -> None:
    """A job that had ended runs all that has not passed, or it could never complete."""
    step = failed().tell(rerunning("ingest"))
    other = failed().tell(rerunning("right"))

    assert [("job.restarted", None), ("stage.requested", "ingest")] == said(step)
    assert [("job.restarted", None), ("stage.requested", "left"), ("stage.requested", "right")] == said(other)


def test_rerun_of_a_cancelled_job() -> None:
    """A cancelled job goes on with all that has not passed; only the cancel fences."""
    story = Story(DIAMOND)
    cancelled = story.tell(done("ingest", "payloads"), done("right", "claims"), cancelling())
    step = story.tell(rerunning())

    assert ([("job.restarted", None), ("stage.requested", "left")], (True, None)) == (
        said(step),
        (cancelled.effects.fence is not None, step.effects.fence),
    )


def test_rerun_of_a_running_stage_asks_again() -> None:
    """A stage that is under way is asked for in a new epoch; the old one's credit is settled, its answer stale."""
    story = Story(DIAMOND)
    step = story.tell(done("ingest", "payloads"), rerunning("left"))
    late = story.tell(done("left", "document", epoch=1))

    assert ([("left", "left")], 2) == (list(step.effects.settled), only(step, Kind.STAGE_REQUESTED, "left").epoch)
    assert ("stale_epoch", NodeStatus.REQUESTED) == (ignored(late), story.state.node("right").status)


def test_rerun_drops_the_timers_of_what_it_resets() -> None:
    """A gate and a deferred stage that are reset leave no timer of the run before."""
    story = Story(plan(stage("a"), gate("wait", "a"), stage("b", "a")))
    step = story.tell(done("a"), deferred("b"), rerunning("a"))

    assert (["b", "wait"], []) == (sorted(over(step)), started(step))


def test_rerun_from_a_gate_waits_again() -> None:
    """A gate may run again: it asks and waits anew, with a new deadline."""
    story = Story(plan(gate("wait"), stage("b", "wait")))
    step = story.tell(spoke("mineru.done.v1"), rerunning("wait"))

    assert [("job.restarted", None), ("gate.waiting", "wait")] == said(step)
    assert ([("wait", NOW + 62_000)], [("b", "b")]) == (started(step), list(step.effects.settled))


def test_retries_are_counted_by_run() -> None:
    """The retries of a stage that runs again are those of its new run."""
    story = Story(plan(stage("a"), stage("b", "a")))
    story.tell(done("a", retries=2), done("b", retries=1), rerunning("b"))

    assert {"a": 2} == story.state.retry_count_per_stage


def test_paused_job_stays_paused() -> None:
    """A rerun of a running job does not end its pause."""
    story = Story(DIAMOND)
    step = story.tell(pausing(), rerunning("ingest"))

    assert (True, None) == (story.state.paused, step.effects.hold)


def test_rerun_keeps_to_what_is_wanted() -> None:
    """With `until`, a rerun starts nothing beyond it."""
    story = Story(DIAMOND, until="left")
    story.tell(done("ingest", "payloads"), done("left", "document"), rerunning("ingest"))
    step = story.tell(done("ingest", "payloads", epoch=2))

    assert [("stage.requested", "left")] == said(step)


@pytest.mark.parametrize(
    ("story", "order", "message"),
    [
        (completed(), rerunning(), "has nothing that must run again"),
        (completed(), rerunning("embed"), "no stage 'embed' on trials@.*; it has ingest, left, right, join"),
        (Story(DIAMOND), rerunning(), "is running and has nothing"),
        (Story(DIAMOND), rerunning("left"), "left needs ingest, which has not passed"),
        (failed(), rerunning("join"), "join needs left, right, which has not passed"),
        (Story(DIAMOND, until="left"), rerunning("join"), "no stage 'join'.*; it has ingest, left$"),
    ],
)
def test_rerun_that_is_refused(story: Story, order: JobEvent, message: str) -> None:
    """What cannot be run again is refused, and the message says why."""
    with pytest.raises(OrderRefused, match=message):
        story.tell(order)


def test_rejected_job_is_not_rerun() -> None:
    """A job that never began has nothing to run again."""
    rejected = state_after(reject(requested(), InvalidRequest("no").info, NOW))

    with pytest.raises(OrderRefused, match="was rejected, so it has nothing to run again: "):
        rerun(DIAMOND, rejected, rerunning(), NOW, ref=ref("plan"))


def test_rerun_of_another_tenants_job_is_foreign() -> None:
    """An operator of one tenant runs nothing of another's."""
    assert "foreign" == ignored(completed().tell(rerunning("left", tenant="acme")))


def test_the_same_order_twice_is_obeyed_once() -> None:
    """An order that is heard again, after a crash of the router or of its sender, runs nothing a second time."""
    story = completed()
    story.tell(rerunning("left"))

    assert "duplicate" == ignored(story.tell(rerunning("left")))
    assert 1 == story.state.run


def test_deferred_stage_is_tried_now() -> None:
    """A rerun that names no stage asks at once for what waits for its next try, with all tries before it."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), deferred("left", tried=2))
    step = story.tell(rerunning())
    asked = only(step, Kind.STAGE_REQUESTED, "left")

    assert [("job.restarted", None), ("stage.requested", "left")] == said(step)
    assert (2, StageRequest(request=requested().request, inputs=refs("payloads"))) == (asked.epoch, asked.data)
    assert ["left"] == over(step)


def test_deferred_stage_waits_on_while_another_runs_again() -> None:
    """A rerun from a stage leaves the timer of one beside it as it is."""
    story = Story(DIAMOND)
    story.tell(done("ingest", "payloads"), deferred("left"), done("right", "claims"))
    step = story.tell(rerunning("right"))

    assert ([("job.restarted", None), ("stage.requested", "right")], []) == (said(step), over(step))


def test_order_of_any_run_before_starts_nothing_again() -> None:
    """An order that was obeyed is known when it is delivered again, though others were obeyed since."""
    story = Story(DIAMOND)
    orders = [rerunning("ingest", event_id=f"rerun-{number}") for number in (1, 2, 3)]
    story.tell(*orders)

    assert (["duplicate"] * 3, 3) == ([ignored(story.tell(order)) for order in orders], story.state.run)


def test_somebody_elses_order_of_the_same_id_is_another() -> None:
    """An order is known by its source and id: another operator's with the same id is obeyed, and told by an event."""
    story = Story(DIAMOND)
    orders = [rerunning("ingest", event_id="1", source=source) for source in ("/alice", "/bob")]
    told = [to_event(story.tell(order).emits[0], datetime.now(UTC)) for order in orders]

    assert ["/alice", "/bob"] == [event.extensions["causationsource"] for event in told]
    assert (2, 2) == (story.state.run, len({event.id for event in told}))


def test_rerun_on_a_plan_without_the_wanted_end_is_refused() -> None:
    """A job that is to end with a stage cannot go on where there is none of that name."""
    story = Story(DIAMOND, until="left")

    with pytest.raises(OrderRefused, match="no stage 'left', which the job is to end with"):
        story.tell(rerunning(latest=True), on=plan(INGEST))


LONGER = plan(INGEST, LEFT, RIGHT, JOIN, stage("after", "join"))
CHANGED = plan(INGEST, LEFT.model_copy(update={"outputs": ("document", "tables")}), RIGHT, JOIN)
RETYPED = plan(INGEST, LEFT, RIGHT.model_copy(update={"type": "Other"}), JOIN)
SLOWER = plan(INGEST.model_copy(update={"policy": Policy(timeout_s=99)}), LEFT, RIGHT, JOIN)
INSERTED = plan(
    INGEST, stage("check", "ingest"), LEFT.model_copy(update={"depends_on": ("ingest", "check")}), RIGHT, JOIN
)
SHORTER = plan(INGEST, LEFT)


@pytest.mark.parametrize(
    ("newest", "asked", "again"),
    [
        (LONGER, ["after"], ["after"]),
        (CHANGED, ["left"], ["left", "join"]),
        (RETYPED, ["right"], ["right", "join"]),
        (INSERTED, ["check"], ["check", "left", "join"]),
    ],
    ids=["a new stage at the end", "other outputs", "another type", "a new stage in between"],
)
def test_rerun_on_the_newest_plan(newest: Plan, asked: list[str], again: list[str]) -> None:
    """What the newest version has as it was stays; what it has otherwise runs, and all that depends on that."""
    story = completed()
    step = story.tell(rerunning(latest=True), on=newest)

    assert [("job.restarted", None), *(("stage.requested", name) for name in asked)] == said(step)
    restarted = step.emits[0].data
    assert isinstance(restarted, JobRestarted)
    assert (again, newest.digest) == (restarted.stages, story.state.pipeline_version)


def test_another_policy_changes_no_result() -> None:
    """What has passed stays although its policy is another now; what is under way is asked for under the new one."""
    with pytest.raises(OrderRefused):
        completed().tell(rerunning(latest=True), on=SLOWER)
    step = Story(DIAMOND).tell(rerunning(latest=True), on=SLOWER)

    assert [("job.restarted", None), ("stage.requested", "ingest")] == said(step)


def test_stage_that_the_newest_plan_lacks_keeps_its_epoch_alone() -> None:
    """What a plan does not have any more is settled, its artifacts go, and its epoch is never used again."""
    story = Story(DIAMOND)
    step = story.tell(done("ingest", "payloads"), done("right", "claims"), rerunning("left", latest=True), on=SHORTER)

    assert ([("left", "left")], refs("payloads")) == (list(step.effects.settled), story.state.artifacts)
    assert NodeState(epoch=1) == story.state.node("right")


def test_work_of_another_service_is_settled_with_the_old_one() -> None:
    """A stage that another service does from now on is asked there, and owes the old service nothing."""
    moved = plan(INGEST.model_copy(update={"service": "fetch"}), LEFT, RIGHT, JOIN)
    step = Story(DIAMOND).tell(rerunning(latest=True), on=moved)

    assert ([("ingest", "ingest")], "fetch.queue.v1") == (list(step.effects.settled), step.emits[1].topic)


def test_stage_above_that_the_newest_plan_added_stands_against_the_order() -> None:
    """A rerun from a stage runs nothing that the stage needs, so a new stage above it refuses the order."""
    with pytest.raises(OrderRefused, match="join needs check, left, which has not passed"):
        completed().tell(rerunning("join", latest=True), on=INSERTED)


def test_job_whose_old_plan_is_lost_keeps_what_is_there() -> None:
    """Where nobody knows the old plan, what has passed and made the new plan's artifacts stays, by its name."""
    migrated = JobState(
        job_id="j-1", tenant_id="public", doc_id="ctgov:1", correlation_id="c-1", status=JobStatus.FAILED,
        request=requested().request, created_at=1, updated_at=2, artifacts=refs("payloads"),
        nodes={name: NodeState(status=NodeStatus.COMPLETED, epoch=1) for name in ("ingest", "left")},
    )  # fmt: skip
    step = rerun(DIAMOND, migrated, rerunning(latest=True), 9, ref=ref("plan"))

    assert [("job.restarted", None), ("stage.requested", "left"), ("stage.requested", "right")] == said(step)
