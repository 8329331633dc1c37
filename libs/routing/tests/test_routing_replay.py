"""A job's history, folded again, is the job."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from medkg_contracts.data import JobRestarted
from medkg_contracts.errors import InFlightElsewhere, TopologyUnknown
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_ledger.state import JobState, JobStatus, NodeStatus
from medkg_routing import Decision, JobEvent, Requested, abandon, admit, advance, reject, rerun
from medkg_routing.replay import Accepted, Migrated, Obeyed, Past, Rejected, Restarted, replay

from .telling import (
    MINERU,
    Story,
    accepted,
    begun,
    cancelling,
    deferred,
    done,
    fired,
    gate,
    only,
    over,
    pausing,
    plan,
    ref,
    requested,
    rerunning,
    resuming,
    spoke,
    stage,
    state_after,
)

WAITS = plan(stage("a"), gate("wait", "a"), stage("b", "wait"))
PAIR = plan(stage("a"), stage("left", "a"), stage("right", "a"), stage("join", "left", "right"))


def began(of: Story) -> Accepted:
    """The verdict on the story's request."""
    return Accepted(of.plan, accepted(of.plan, requested()))


def lived(of: Story, events: Sequence[JobEvent]) -> list[Past]:
    """The history of a story that is told these events."""
    history = [Past(requested(), of.now)]
    for event in events:
        of.tell(event)
        history.append(Past(event, of.now))
    return history


def restarted(step: Decision, on: Story) -> Restarted:
    """The verdict on an order that this step obeyed."""
    emit = only(step, Kind.JOB_RESTARTED)
    assert isinstance(emit.data, JobRestarted)
    return Restarted(on.plan, emit.data, emit.cause, int(emit.sequence))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_history_in_order_gives_the_same_state(length: int) -> None:
    """After any part of a job's life the replayed state is the router's."""
    story = Story(WAITS)
    history = lived(story, [done("a"), spoke(MINERU)][:length])

    replayed = replay([began(story)], history)

    assert replayed is not None
    assert story.state.model_copy(update={"traceparent": None}) == replayed.state


def test_what_is_open_is_there_again() -> None:
    """A waiting gate and a deferred stage have their timers after the replay, a requested stage its ask."""
    story = Story(plan(stage("a"), stage("b"), gate("wait")))
    history = lived(story, [deferred("a")])

    replayed = replay([began(story)], history)

    assert replayed is not None
    assert {"a": story.now + 30_000, "wait": story.now - 1000 + 60_000} == replayed.timers
    assert {"b": only(story.steps[0], Kind.STAGE_REQUESTED, "b").sequence} == {
        node: emit.sequence for node, emit in replayed.asks.items()
    }


def test_retried_stage_has_its_last_ask() -> None:
    """Of a stage that was asked for in several epochs the replay has the request of the last."""
    story = Story(plan(stage("a")))
    history = lived(story, [deferred("a")])
    story.tell(fired("a"), after_ms=30_000)

    replayed = replay([began(story)], [*history, Past(fired("a"), story.now)])

    assert replayed is not None
    assert [2] == [emit.epoch for emit in replayed.asks.values()]


def test_answer_that_seems_older_than_its_question_counts() -> None:
    """A result stamped by a clock that runs behind is applied all the same."""
    first = requested()
    history = [Past(first, 5000), Past(done("a", "a"), 10)]

    replayed = replay([Accepted(WAITS, accepted(WAITS, first))], history)

    assert replayed is not None
    assert NodeStatus.WAITING == replayed.state.node("wait").status


def test_paused_job_is_paused_again() -> None:
    """A pause that was not ended holds after the replay; one that was ended does not."""
    story = Story(WAITS)
    history = lived(story, [pausing(), resuming(), pausing("pause-2")])
    verdicts = [Obeyed("pause-1", 3), Obeyed("resume-1", 4), Obeyed("pause-2", 5)]

    replayed = [replay([began(story), *verdicts[:count]], history) for count in (2, 3)]

    assert [False, True] == [each.paused for each in replayed if each is not None]


def test_order_that_was_not_obeyed_is_left_out() -> None:
    """An order of which the router said nothing, since it refused it or has not heard it, changes nothing."""
    story = Story(WAITS)
    history = [*lived(story, []), Past(cancelling(), story.now + 1), Past(rerunning("b"), story.now + 2)]

    replayed = replay([began(story)], history)

    assert replayed is not None
    assert (JobStatus.RUNNING, 0) == (replayed.state.status, replayed.state.run)


def test_obeyed_order_without_its_record_is_left_out() -> None:
    """An order whose record the router has not committed is obeyed again by the router itself."""
    story = Story(WAITS)
    history = lived(story, [])

    replayed = replay([began(story), Obeyed("cancel-1", 3)], history)

    assert replayed is not None
    assert JobStatus.RUNNING == replayed.state.status


def test_order_heard_before_an_older_answer() -> None:
    """The router hears control first: its numbers say that an answer which is older than the order came after it."""
    story = Story(plan(stage("a"), stage("b", "a")))
    answer = Past(done("a"), story.now + 10)
    order = Past(cancelling(), story.now + 20)
    history = [Past(requested(), story.now), answer, order]
    cancelled = story.tell(order.event, after_ms=20)
    story.tell(answer.event, after_ms=0)

    replayed = replay([began(story), Obeyed("cancel-1", int(cancelled.emits[0].sequence))], history)

    assert replayed is not None
    assert story.state.model_copy(update={"traceparent": None}) == replayed.state
    assert NodeStatus.PENDING == replayed.state.node("a").status


def test_order_heard_after_a_younger_answer() -> None:
    """An answer that the router heard before the order, though its clock ran ahead, counts."""
    story = Story(plan(stage("a"), stage("b", "a")))
    first = story.now
    story.tell(done("a"), after_ms=50)
    cancelled = story.tell(cancelling(), after_ms=-30)
    history = [Past(requested(), first), Past(done("a"), first + 50), Past(cancelling(), first + 20)]

    replayed = replay([began(story), Obeyed("cancel-1", int(cancelled.emits[0].sequence))], history)

    assert replayed is not None
    assert story.state.model_copy(update={"traceparent": None}) == replayed.state


def test_stages_that_ran_again_are_taken_as_they_were_told() -> None:
    """A branch whose answer was void live, though its time says otherwise, runs again in the replay as it did live."""
    story = Story(PAIR)
    history = lived(story, [done("a")])
    late = Past(done("left"), story.now + 1)
    cancelled = story.tell(cancelling(), after_ms=2)
    again = story.tell(rerunning(), after_ms=2)
    orders = [Past(cancelling(), story.now - 2), Past(rerunning(), story.now)]
    cancel = Obeyed("cancel-1", int(cancelled.emits[0].sequence))

    replayed = replay([began(story), cancel, restarted(again, story)], [*history, late, *orders])

    assert replayed is not None
    assert {"left": 2, "right": 2} == {node: emit.epoch for node, emit in replayed.asks.items()}
    assert story.state.sequence == replayed.state.sequence


def test_restart_on_another_plan_is_on_that_plan() -> None:
    """After a rerun on the newest version, the replayed job follows it."""
    longer = plan(stage("a"), stage("b", "a"), stage("c", "b"))
    story = Story(plan(stage("a"), stage("b", "a")))
    verdict = began(story)
    history = lived(story, [done("a"), done("b")])
    step = story.tell(rerunning(latest=True), on=longer)
    history = [*history, Past(rerunning(latest=True), story.now)]

    replayed = replay([verdict, restarted(step, story)], history)

    assert replayed is not None
    assert (longer.digest, {"c"}) == (replayed.state.pipeline_version, set(replayed.asks))


def test_rejected_job_is_rejected_again() -> None:
    """A rejected job's replay has the reason that its event gave."""
    first = requested()
    error = TopologyUnknown("there is none").info

    replayed = replay([Rejected(error)], [Past(first, 7)])

    assert replayed is not None
    assert state_after(reject(first, error, 7)) == replayed.state


@pytest.mark.parametrize("times", [1, 2])
def test_rejected_job_that_began_again(times: int) -> None:
    """A job that was accepted after a rejection is what the router made of it; one request may have had both."""
    request = requested()
    error = TopologyUnknown("there is none").info
    history = [Past(request, 7 + number) for number in range(times)]
    rejected = state_after(reject(request, error, 7))
    live = state_after(admit(WAITS, request, history[-1].now, accepted=accepted(WAITS, request), after=rejected))
    cause = request.origin.event_id

    replayed = replay([Rejected(error, cause), Accepted(WAITS, accepted(WAITS, request), cause)], history)

    assert replayed is not None
    assert live == replayed.state


@pytest.mark.parametrize("other", ["source", "tenant", "item"])
@pytest.mark.parametrize("earlier", [False, True])
def test_request_that_was_refused_is_not_taken_for_the_jobs_own(other: str, earlier: bool) -> None:
    """Of two requests of one id for one job the replay takes that which was accepted, whichever seems to be older."""
    own = replace(requested(), origin=replace(requested().origin, source="/own"))
    strangers = {
        "source": replace(own, doc_id="ctgov:1", origin=replace(own.origin, source="/other")),
        "tenant": replace(own, doc_id="ctgov:1", tenant_id="other"),
        "item": replace(own, doc_id="ctgov:1", request=JobRequest(source="ctgov", id="1")),
    }
    history = [Past(strangers[other], 4 if earlier else 6), Past(own, 5)]
    live = state_after(admit(WAITS, own, 5, accepted=accepted(WAITS, own)))
    verdict = Accepted(WAITS, accepted(WAITS, own), own.origin.event_id, "/own", own.tenant_id)

    replayed = replay([verdict], history)

    assert replayed is not None
    assert live == replayed.state


def test_migrated_job_needs_no_request() -> None:
    """A job from before medkg begins with the state that its event gave, and may be run again from there."""
    failed = JobState(
        job_id="j-1", tenant_id="public", doc_id="ctgov:1", correlation_id="c-1", status=JobStatus.FAILED,
        request=requested().request, created_at=1, updated_at=2, sequence=1, error=InFlightElsewhere("at work").info,
    )  # fmt: skip
    step = rerun(WAITS, failed, rerunning(latest=True), 9, ref=ref("plan"))
    emit = only(step, Kind.JOB_RESTARTED)
    assert isinstance(emit.data, JobRestarted)
    verdict = Restarted(WAITS, emit.data, emit.cause, int(emit.sequence))

    as_it_came = replay([Migrated(failed)], [])
    run_again = replay([Migrated(failed), verdict], [Past(rerunning(latest=True), 9)])

    assert as_it_came is not None
    assert run_again is not None
    assert (failed, step.state) == (as_it_came.state, run_again.state)
    assert {"a"} == set(run_again.asks)


def test_history_without_a_request_is_no_job() -> None:
    """Answers alone make no job."""
    assert replay([Accepted(WAITS, accepted(WAITS, requested()))], [Past(fired("wait"), 1)]) is None


def test_request_without_a_verdict_is_no_job() -> None:
    """A request that the router has not decided is none yet."""
    assert replay([], [Past(requested(), 1), Past(done("a"), 2)]) is None


def test_job_without_its_plan_fails_with_the_reason() -> None:
    """A running job whose plan nobody has ends failed, says so once, and leaves no timer."""
    state = state_after(begun(plan(stage("a"), gate("wait")), requested()))
    event = done("a", "a")
    error = TopologyUnknown("gone").info

    step = abandon(state, event.origin, error, 9000)
    again = abandon(state_after(step), event.origin, error, 9001)

    assert (JobStatus.FAILED, error) == (state_after(step).status, state_after(step).error)
    assert ([Kind.JOB_FAILED], ["wait"]) == ([emit.kind for emit in step.emits], over(step))
    assert "job_ended" == (again.ignored[0].data.reason if again.ignored else None)


def test_abandoned_job_hears_nothing_more() -> None:
    """An answer that comes when the plan is known again does not revive a job that was abandoned."""
    abandoned = abandon(state_after(begun(WAITS, requested())), requested().origin, TopologyUnknown("gone").info, 9000)
    step = advance(WAITS, state_after(abandoned), done("a"), 9001)

    assert "job_ended" == (step.ignored[0].data.reason if step.ignored else None)


def test_history_may_name_no_request_of_the_verdict() -> None:
    """A verdict about a request whose record is gone begins nothing."""
    other = requested()
    assert isinstance(other, Requested)

    assert replay([Accepted(WAITS, accepted(WAITS, other), "another-request")], [Past(other, 1)]) is None
