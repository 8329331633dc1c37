"""Whole lives of jobs whose operators cancel, pause, resume and rerun them at any moment, on generated topologies."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.data import JobRestarted
from medkg_contracts.kinds import JOB_ENDS, Kind
from medkg_ledger.state import OPEN, PASSED, JobState, JobStatus
from medkg_routing import Deferred, NodeEnded, to_event
from medkg_routing.replay import replay
from medkg_topology.plan import Plan

from .dags import MOST_NODES, plans
from .telling import started, state_after
from .world import Manner, World, requested_nodes, unready_requests

MORE = settings()
FEW = settings(max_examples=settings().max_examples // 2)

MANNERS: list[Manner] = ["well", "well", "well", "well", "once-badly", "badly", "poorly", "later", "silent", "early"]
FORWARD = (1, 500)
SKEWED = (-200, 500)


@st.composite
def operated(draw: st.DrawFn, clock: tuple[int, int] = SKEWED, orders: int = 10) -> World:
    """A job and up to this many orders; not begun."""
    names = [f"n{number}" for number in range(MOST_NODES)]
    return World(
        draw(plans()),
        {name: draw(st.sampled_from(MANNERS)) for name in names},
        draw(st.integers(0, 10_000)),
        draw(st.none() | st.sampled_from(["n0", "n0", "n1"])) if draw(st.booleans()) else None,
        orders=draw(st.integers(1, orders)),
        latest=draw(plans() | st.none()),
        clock=clock,
    )


def lived(world: World) -> World:
    """The world after its job's life; `until` names a node of its plan or nothing."""
    if world.until not in world.plan.by_name:
        world.until = None
    return world.run()


def moves(world: World) -> list[tuple[JobState, JobState]]:
    """The states before and after each thing that was heard."""
    return list(pairwise(state_after(step) for step in world.steps))


@MORE
@given(operated())
def test_every_job_whose_stages_answer_ends(world: World) -> None:
    """Once all answers, timers and orders are dealt with, the job has ended, and nothing of it is open."""
    state = lived(world).state

    assert state.status in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
    assert [] == [name for name, node in state.nodes.items() if node.status in OPEN]
    assert (set(), {}, False) == (world.flight, world.timers, state.paused)


@MORE
@given(operated())
def test_flight_is_what_is_requested(world: World) -> None:
    """What the ledger counts from asks and settlements is, after every step, the set of REQUESTED stages."""
    if world.until not in world.plan.by_name:
        world.until = None

    def check(world: World) -> None:
        assert requested_nodes(world.plan, world.state) == world.flight

    world.run(check)


@MORE
@given(operated())
def test_epochs_never_decrease(world: World) -> None:
    """Whatever is ordered, and on whatever plan, a node's epoch only grows: by one whenever it is asked for."""
    for before, after in moves(lived(world)):
        assert all(after.node(name).epoch - node.epoch in (0, 1) for name, node in before.nodes.items())


@MORE
@given(operated())
def test_old_epochs_change_nothing(world: World) -> None:
    """What is said of an earlier run of a stage or gate changes nothing."""
    heard = [event for event, _ in lived(world).heard]
    for event, (before, after) in zip(heard, moves(world), strict=True):
        if isinstance(event, NodeEnded | Deferred) and event.epoch is not None and event.stage is not None:
            node = before.node(event.stage)
            over = event.epoch < node.epoch or (event.epoch == node.epoch and node.status not in OPEN)
            assert before is after or not over


@MORE
@given(operated())
def test_cancelled_is_cancelled(world: World) -> None:
    """After a cancel nothing changes the job, and nothing is said, until somebody runs it again."""
    lived(world)
    for step, (before, after) in zip(world.steps[1:], moves(world), strict=True):
        if before.status is JobStatus.CANCELLED and after.run == before.run:
            assert (before is after, [], [], []) == (True, list(step.emits), list(step.effects.settled), started(step))


@MORE
@given(operated())
def test_nothing_starts_too_soon(world: World) -> None:
    """However often it runs, no node starts before all that it depends on has passed, nor without its inputs."""
    assert [] == unready_requests(lived(world))


@MORE
@given(operated())
def test_rerun_repeats_nothing_upstream(world: World) -> None:
    """A rerun from a stage asks for nothing that this stage needs, and resets what depends on it."""
    lived(world)
    for step, plan in zip(world.steps, world.plans, strict=True):
        for said in (emit.data for emit in step.emits if isinstance(emit.data, JobRestarted)):
            stage = said.order.stage
            upstream = plan.needed_for(stage) - {stage} if stage is not None else frozenset()
            assert set() == upstream & {emit.node for emit in step.emits}
            assert all(state_after(step).node(name).status in PASSED for name in upstream)
            assert stage is None or downstream(plan, stage) & plan.needed_for(world.until) <= set(said.stages)


def downstream(plan: Plan, stage: str) -> set[str]:
    """The stage and all that depends on it."""
    found = {stage}
    for node in plan.nodes:
        if found & set(node.depends_on):
            found.add(node.name)
    return found


@MORE
@given(operated())
def test_events_are_numbered_and_distinct(world: World) -> None:
    """Over all runs, the events of a job are numbered 1, 2, 3 …, and no two have the same id."""
    lived(world)
    told = [to_event(emit, datetime.now(UTC)).id for step in world.steps for emit in step.emits]

    assert [f"{number:08d}" for number in range(1, len(told) + 1)] == [emit.sequence for emit in world.emits]
    assert (len(told), world.state.sequence) == (len(set(told)), len(told))


@FEW
@given(operated())
def test_each_run_ends_once(world: World) -> None:
    """The end is told when the job ends, and never else; a cancel fences, and a pause holds, in their own step."""
    lived(world)
    for step, (before, after) in zip(world.steps[1:], moves(world), strict=True):
        ends = [emit.kind for emit in step.emits if emit.kind in JOB_ENDS]
        assert (len(ends) == 1) is (after.ended and (not before.ended or after.run > before.run))
        assert (after.sequence if Kind.JOB_CANCELLED in ends else None) == step.effects.fence
        assert (None if before.paused is after.paused else after.paused) is step.effects.hold


@MORE
@given(operated(clock=FORWARD))
def test_replay_arrives_at_the_same_state(world: World) -> None:
    """The history and what the router said of it lead, at any moment, to the router's own state, timers and asks."""
    if world.until not in world.plan.by_name:
        world.until = None

    def check(world: World) -> None:
        again = replay(world.verdicts(), world.history())
        assert again is not None
        assert world.state == again.state
        assert world.timers == again.timers
        asked = {emit.node: emit for emit in world.emits if emit.service is not None}
        assert {name: asked[name] for _, name in world.flight} == again.asks

    world.run(check)


@FEW
@given(operated())
def test_replay_with_skewed_clocks_still_leads_on(world: World) -> None:
    """Where clocks disagree, the replayed job has the router's plan, run and numbers, and it waits for something."""
    lived(world)
    again = replay(world.verdicts(), world.history())

    assert again is not None
    assert (world.state.run, world.state.pipeline_version) == (again.state.run, again.state.pipeline_version)
    assert again.state.ended or again.asks or again.timers
