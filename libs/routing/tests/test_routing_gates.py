"""What becomes of a gate: opened, early, twice, late, refused, never."""

from datetime import UTC, datetime

import pytest
from medkg_contracts import topics
from medkg_contracts.data import GateNotice, StageRequest
from medkg_contracts.kinds import Kind
from medkg_contracts.policy import Policy
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import NodeEnded
from medkg_topology.plan import Plan

from .telling import (
    FAILURE,
    MINERU,
    NOW,
    Story,
    begun,
    done,
    fired,
    gate,
    ignored,
    only,
    over,
    plan,
    refs,
    requested,
    rerunning,
    said,
    spoke,
    stage,
    started,
)

PDF = plan(
    stage("download", makes=("pdf",)),
    gate("mineru", "download", request_topic="mineru.queue.v1", inputs=("pdf",), outputs=("pdf_ir",)),
    stage("chunk", "mineru", takes=("pdf_ir",), makes=("chunks",)),
)
OPTIONAL = plan(stage("a"), gate("wait", "a", on_timeout="continue"), stage("b", "wait"))
DEADLINE = 60_000

opened = spoke(MINERU, artifacts=refs("pdf_ir"))


def waiting() -> Story:
    """A job that waits at the PDF gate."""
    story = Story(PDF)
    story.tell(done("download", "pdf"))
    return story


def test_reached_gate_waits_with_a_timer() -> None:
    """A gate that is reached says until when it waits, and sets its timer."""
    story = waiting()
    step = story.steps[-1]
    deadline = NOW + 1000 + DEADLINE

    assert [("mineru", deadline)] == started(step)
    assert (
        GateNotice(topic=MINERU, deadline=datetime.fromtimestamp(deadline / 1000, UTC))
        == only(step, Kind.GATE_WAITING, "mineru").data
    )
    assert (NodeStatus.WAITING, deadline) == (story.state.node("mineru").status, story.state.node("mineru").deadline)


def test_reached_gate_asks_the_outside_system() -> None:
    """A gate with a request topic asks there, with its inputs and the time after which nobody waits."""
    emit = only(waiting().steps[-1], Kind.STAGE_REQUESTED, "mineru")

    assert ("mineru.queue.v1", 1, NOW + 1000 + DEADLINE) == (emit.topic, emit.epoch, emit.expires)
    assert StageRequest(request=requested().request, inputs=refs("pdf"), policy=Policy()) == emit.data


def test_gate_without_request_topic_asks_nobody() -> None:
    """A gate that waits for a person only says that it waits."""
    step = begun(plan(gate("approval", topic="approval.done.v1")), requested())

    assert [("job.accepted", None), ("gate.waiting", "approval")] == said(step)


@pytest.mark.parametrize(
    "event",
    [
        opened,
        spoke(MINERU, name="mineru", epoch=1, artifacts=refs("pdf_ir")),
        spoke(MINERU, name="some-pdf-service", artifacts=refs("pdf_ir"), tenant=None),
    ],
    ids=["names nothing", "names gate and epoch", "names itself"],
)
def test_gate_opens(event: NodeEnded) -> None:
    """The event of the gate's topic opens it, however much of medkg its sender knows; the job goes on."""
    story = waiting()
    step = story.tell(event)

    assert [("gate.opened", "mineru"), ("stage.requested", "chunk")] == said(step)
    assert ["mineru"] == over(step)
    assert refs("pdf", "pdf_ir") == story.state.artifacts
    assert (NodeStatus.OPENED, event.origin.identity) == (
        story.state.node("mineru").status,
        story.state.node("mineru").opened_by,
    )


def test_gate_takes_its_own_outputs_alone() -> None:
    """Artifacts that the topology does not expect of a gate are not taken."""
    story = waiting()
    story.tell(spoke(MINERU, artifacts=refs("pdf_ir", "surprise")))

    assert refs("pdf", "pdf_ir") == story.state.artifacts


def test_gate_event_without_its_outputs_fails_the_job() -> None:
    """An event that lacks what the gate must bring fails the job here, not in the stage that needs it."""
    story = waiting()
    step = story.tell(spoke(MINERU))

    assert ([("job.failed", None)], NodeStatus.FAILED) == (said(step), story.state.node("mineru").status)
    assert story.state.error is not None
    assert ("gate_refused", "mineru.done.v1 answered without pdf_ir, which the topology says it brings") == (
        story.state.error.code,
        story.state.error.message,
    )


def test_early_event_is_kept() -> None:
    """An event before the gate is reached changes nothing but is remembered."""
    story = Story(PDF)
    step = story.tell(opened)

    assert ([], None) == (said(step), ignored(step))
    assert NodeStatus.PENDING == story.state.node("mineru").status


def test_early_event_opens_the_gate_when_it_is_reached() -> None:
    """A gate whose event came early opens at once, asks nobody, sets no timer, and says so."""
    story = Story(PDF)
    step = story.tell(opened, done("download", "pdf"))

    assert [("gate.opened", "mineru"), ("stage.requested", "chunk")] == said(step)
    assert ([], GateNotice(topic=MINERU, early=True)) == (
        started(step),
        only(step, Kind.GATE_OPENED, "mineru").data,
    )
    assert refs("pdf_ir") == only(step, Kind.STAGE_REQUESTED, "chunk").data.inputs  # type: ignore[union-attr]  # a StageRequest


def test_early_refusal_fails_the_job_when_the_gate_is_reached() -> None:
    """A refusal that came early counts when the gate is reached, not before."""
    story = Story(PDF)
    early = story.tell(spoke(MINERU, error=FAILURE))
    step = story.tell(done("download", "pdf"))

    assert ([], [("job.failed", None)]) == (said(early), said(step))
    assert ([], JobStatus.FAILED, "mineru") == (started(step), story.state.status, story.state.failed_stage)


def test_nothing_starts_after_an_early_refusal() -> None:
    """What would have started beside a gate that was refused early does not start: the end is the last word."""
    story = Story(plan(stage("a"), gate("wait", "a"), stage("beside", "a"), gate("later", "a", topic="later.done.v1")))
    step = story.tell(spoke(MINERU, error=FAILURE), done("a"))

    assert [("job.failed", None)] == said(step)
    assert ({"a", "wait"}, []) == (set(story.state.nodes), started(step))


def test_second_early_event_is_a_duplicate() -> None:
    """Of two early events the first counts."""
    story = Story(PDF)
    step = story.tell(opened, spoke(MINERU, error=FAILURE))

    assert "duplicate" == ignored(step)


def test_second_event_is_a_duplicate() -> None:
    """A gate opens once."""
    step = waiting()
    second = step.tell(opened, opened)

    assert ("duplicate", []) == (ignored(second), said(second))


def test_refusal_fails_the_job() -> None:
    """The outside system's failure fails the job with its message and remedy."""
    story = waiting()
    step = story.tell(spoke(MINERU, error=FAILURE))

    assert ([("job.failed", None)], ["mineru"]) == (said(step), over(step))
    assert story.state.error is not None
    assert ("gate_refused", "mineru.done.v1 answered: ctgov answered 503", FAILURE.remedy) == (
        story.state.error.code,
        story.state.error.message,
        story.state.error.remedy,
    )


def test_expiry_fails_the_job() -> None:
    """With ``on_timeout: fail`` the missing event fails the job."""
    story = waiting()
    step = story.tell(fired("mineru"), after_ms=DEADLINE)

    assert [("gate.expired", "mineru"), ("job.failed", None)] == said(step)
    assert ["mineru"] == over(step)
    assert story.state.error is not None
    assert ("gate_expired", "nothing came on mineru.done.v1 within 60 s") == (
        story.state.error.code,
        story.state.error.message,
    )


def test_expiry_may_continue() -> None:
    """With ``on_timeout: continue`` what depends on the gate starts."""
    story = Story(OPTIONAL)
    step = story.tell(done("a"), fired("wait"), after_ms=DEADLINE)

    assert [("gate.expired", "wait"), ("stage.requested", "b")] == said(step)
    assert (JobStatus.RUNNING, NodeStatus.EXPIRED) == (story.state.status, story.state.node("wait").status)


def test_event_after_the_expiry_is_late() -> None:
    """An event that comes after the gate gave up is late, whether the job went on or failed."""
    story = Story(OPTIONAL)
    went_on = story.tell(done("a"), fired("wait"), spoke(MINERU), after_ms=DEADLINE)
    failed = waiting()
    after_failure = failed.tell(fired("mineru"), opened, after_ms=DEADLINE)

    assert ("late", "late") == (ignored(went_on), ignored(after_failure))


def test_event_after_the_jobs_end_is_ignored() -> None:
    """A gate that still waited when the job failed elsewhere does not open any more."""
    story = Story(plan(stage("a"), gate("wait"), stage("b", "a", "wait")))
    step = story.tell(done("a", error=FAILURE), spoke(MINERU))

    assert ("job_ended", []) == (ignored(step), said(step))


def test_event_of_a_gate_that_is_not_wanted_is_foreign() -> None:
    """With `until` before the gate, its event concerns the job no more than a stranger's."""
    step = Story(PDF, until="download").tell(opened)

    assert "foreign" == ignored(step)


@pytest.mark.parametrize(
    ("epoch", "reason"), [(1, "stale_epoch"), (2, None), (None, None)], ids=["old run", "this run", "knows no epochs"]
)
def test_gate_that_runs_again(epoch: int | None, reason: str | None) -> None:
    """An answer to an earlier request does not open a gate that was reset; one to this or to no request does."""
    story = waiting()
    story.tell(opened, rerunning("download"), done("download", "pdf", epoch=2))
    step = story.tell(spoke(MINERU, epoch=epoch, artifacts=refs("pdf_ir"), event_id="another"))

    assert reason == ignored(step)


@pytest.mark.parametrize("reached", [False, True])
def test_event_that_opened_a_gate_does_not_open_it_again(reached: bool) -> None:
    """The very event of the last run, delivered again, is a duplicate in the next, whether it names epochs or not."""
    story = waiting()
    story.tell(opened, rerunning("download"), *[done("download", "pdf", epoch=2)][: int(reached)])

    assert "duplicate" == ignored(story.tell(opened))


def test_no_event_of_any_run_before_opens_a_gate_again() -> None:
    """However often the gate was run again since, an event that has opened it is known when it is delivered again."""
    story = waiting()
    approvals = [spoke(MINERU, artifacts=refs("pdf_ir"), event_id=f"approval-{number}") for number in (1, 2, 3)]
    for run, approval in enumerate(approvals, 2):
        again = rerunning("download", event_id=f"rerun-{run}")
        story.tell(approval, again, done("download", "pdf", epoch=run))

    assert ["duplicate"] * 3 == [ignored(story.tell(approval)) for approval in approvals]


@pytest.mark.parametrize("reached", [False, True])
def test_somebody_elses_event_of_the_same_id_is_another(reached: bool) -> None:
    """An event is known by its source and id: another source's with the same id opens the gate in the next run."""
    story = waiting()
    alice, bob = (
        spoke(MINERU, artifacts=refs("pdf_ir"), event_id="approval-1", source=source) for source in ("/alice", "/bob")
    )
    story.tell(alice, rerunning("download"), *[done("download", "pdf", epoch=2)][: int(reached)], bob)
    if not reached:
        story.tell(done("download", "pdf", epoch=2))

    assert (NodeStatus.OPENED, "/bob approval-1") == (
        story.state.node("mineru").status,
        story.state.node("mineru").opened_by,
    )


def test_answer_that_names_the_run_opens_it_under_the_same_id() -> None:
    """An outside system whose ids tell no runs apart, but which gives back the epoch, is heard in each run, once."""
    story = waiting()
    first, second = (
        spoke(MINERU, name="mineru", epoch=epoch, artifacts=refs("pdf_ir"), event_id="pdf-1") for epoch in (1, 2)
    )
    story.tell(first, rerunning("download"), done("download", "pdf", epoch=2))

    assert ["stale_epoch", None, "duplicate"] == [ignored(story.tell(event)) for event in (first, second, second)]
    assert NodeStatus.OPENED is story.state.node("mineru").status


def test_early_event_for_a_gate_that_runs_again() -> None:
    """A new event that comes before a reset gate is reached opens it when it is."""
    story = waiting()
    story.tell(opened, rerunning("download"), spoke(MINERU, artifacts=refs("pdf_ir"), event_id="another"))
    step = story.tell(done("download", "pdf", epoch=2))

    assert [("gate.opened", "mineru"), ("stage.requested", "chunk")] == said(step)
    assert 2 == only(step, Kind.GATE_OPENED, "mineru").epoch


def test_early_event_outlives_a_failure_before_the_gate() -> None:
    """What an outside system has said is not lost when the job fails before the gate and is run again."""
    story = Story(PDF)
    story.tell(opened, done("download", error=FAILURE), rerunning())
    step = story.tell(done("download", "pdf", epoch=2))

    assert [("gate.opened", "mineru"), ("stage.requested", "chunk")] == said(step)


@pytest.mark.parametrize("newest", [PDF, plan(stage("download", makes=("pdf",)), gate("reader", "download"))])
def test_event_that_names_another_node_is_foreign(newest: Plan) -> None:
    """An event for another node of the job, or for a gate of the plan that it was on, opens no gate."""
    story = waiting()
    story.tell(rerunning("download", latest=True), done("download", "pdf", epoch=2), on=newest)
    name = "download" if newest is PDF else "mineru"

    assert "foreign" == ignored(story.tell(spoke(MINERU, name=name, epoch=1, artifacts=refs("pdf_ir"))))


def test_nothing_is_asked_in_the_step_that_fails() -> None:
    """A stage that would start beside a gate that is refused at once is not asked for."""
    story = Story(plan(stage("a"), stage("beside", "a"), gate("wait", "a")))
    step = story.tell(spoke(MINERU, error=FAILURE), done("a"))

    assert ([("job.failed", None)], [("a", "a")]) == (said(step), list(step.effects.settled))


def test_two_gates_on_one_topic_need_a_name() -> None:
    """Where one topic serves two gates, an event that names neither opens neither."""
    story = Story(plan(gate("first"), gate("second")))
    unnamed = story.tell(spoke(MINERU))
    named = story.tell(spoke(MINERU, name="second"))

    assert ("foreign", [("gate.opened", "second")]) == (ignored(unnamed), said(named))


def test_timer_after_the_opening_is_dropped() -> None:
    """A timer that fires although its gate has opened is only dropped."""
    story = waiting()
    step = story.tell(opened, fired("mineru"), after_ms=DEADLINE)

    assert (["mineru"], []) == (over(step), said(step))


def test_premature_timer_is_set_again() -> None:
    """A timer that fires before the deadline, by another machine's clock, does not leave the gate without one."""
    story = waiting()
    before = story.state
    step = story.tell(fired("mineru"), after_ms=DEADLINE - 1)

    assert ([("mineru", NOW + 1000 + DEADLINE)], [], []) == (started(step), over(step), said(step))
    assert step.state is before


def test_timer_of_an_unknown_node_is_dropped() -> None:
    """A timer that names no node of the plan is only dropped."""
    step = waiting().tell(fired("nowhere"))

    assert (["nowhere"], []) == (over(step), said(step))


def test_gate_after_gate_opens_in_one_step() -> None:
    """Gates whose events all came early open one after another when the first is reached."""
    chain = plan(stage("a"), gate("one", "a", topic="one.done.v1"), gate("two", "one", topic="two.done.v1"))
    story = Story(chain)
    step = story.tell(spoke("two.done.v1"), spoke("one.done.v1"), done("a"))

    assert [("gate.opened", "one"), ("gate.opened", "two"), ("job.completed", None)] == said(step)
    assert topics.EVENTS == only(step, Kind.GATE_OPENED, "two").topic
