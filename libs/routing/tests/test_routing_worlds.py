"""Whole lives of jobs on generated topologies: any order, repeats, failures, silence."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.kinds import JOB_ENDS, Kind
from medkg_ledger.state import PASSED, JobState, JobStatus, NodeStatus
from medkg_routing import NodeEnded, Rerun, TimerFired, advance, to_event
from medkg_topology.plan import GateNode, Plan

from .dags import plans
from .telling import over, spoke, started, state_after
from .world import Manner, World, settled, unready_requests

FEW = settings(max_examples=settings().max_examples // 2)
MORE = settings()

GATE_MANNERS: list[Manner] = ["well", "early", "silent", "badly", "poorly", "early-badly", "early-badly"]
STAGE_MANNERS: list[Manner] = ["well", "well", "well", "well", "well", "later", "later", "badly", "poorly"]
SEEDS = st.integers(0, 10_000)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A job that has run until nothing was left to hear."""
    plan = draw(plans())
    manners = {
        node.name: draw(st.sampled_from(GATE_MANNERS if isinstance(node, GateNode) else STAGE_MANNERS))
        for node in plan.nodes
    }
    until = draw(st.none() | st.sampled_from(list(plan.by_name)))
    return World(plan, manners, draw(SEEDS), until).run()


@st.composite
def kind_worlds(draw: st.DrawFn) -> tuple[Plan, dict[str, Manner]]:
    """A topology whose nodes all answer well, some gates early."""
    plan = draw(plans())
    manners: dict[str, Manner] = {
        node.name: draw(st.sampled_from(["well", "early"])) if isinstance(node, GateNode) else "well"
        for node in plan.nodes
    }
    return plan, manners


@MORE
@given(worlds())
def test_every_job_ends(world: World) -> None:
    """Once all answers and timers are delivered, the job has completed or failed, and its end is its last event."""
    assert world.state.status in {JobStatus.COMPLETED, JobStatus.FAILED}
    assert [world.emits[-1]] == [emit for emit in world.emits if emit.kind in JOB_ENDS]


@MORE
@given(worlds())
def test_end_fits_the_nodes(world: World) -> None:
    """A completed job's wanted nodes have all passed; a failed job names the node that failed, and why."""
    state = world.state
    wanted = {state.node(name).status for name in world.plan.needed_for(world.until)}
    if state.status is JobStatus.COMPLETED:
        assert wanted <= PASSED
        assert (None, None) == (state.error, state.failed_stage)
    else:
        assert NodeStatus.FAILED == state.node(state.failed_stage or "").status
        assert state.error is not None


@MORE
@given(worlds())
def test_nothing_starts_too_soon(world: World) -> None:
    """No node starts before all that it depends on has passed, nor without its inputs."""
    assert [] == unready_requests(world)


@MORE
@given(worlds())
def test_each_node_is_asked_once(world: World) -> None:
    """No node is asked twice in one epoch: joins fire once."""
    asked = Counter((emit.node, emit.epoch) for emit in world.emits if emit.kind is Kind.STAGE_REQUESTED)

    assert {1} >= set(asked.values())


@FEW
@given(worlds())
def test_only_what_is_wanted_starts(world: World) -> None:
    """With `until`, nodes that it does not need never start."""
    started = {name for name, node in world.state.nodes.items() if node.epoch}

    assert started <= world.plan.needed_for(world.until)


@FEW
@given(worlds())
def test_events_are_numbered_and_distinct(world: World) -> None:
    """The events of a job have the numbers 1, 2, 3 … in their order, and no two the same id."""
    ids = {to_event(emit, datetime.now(UTC)).id for emit in world.emits}

    assert [f"{number:08d}" for number in range(1, len(world.emits) + 1)] == [emit.sequence for emit in world.emits]
    assert (len(world.emits), world.state.sequence) == (len(ids), len(world.emits))


@FEW
@given(worlds())
def test_end_leaves_no_timer(world: World) -> None:
    """When the job has ended, the ledger holds none of its timers."""
    held: set[str] = set()
    for step in world.steps:
        held = (held - set(over(step))) | {name for name, _ in started(step)}
        if state_after(step).ended:
            break

    assert set() == held


@FEW
@given(worlds())
def test_time_never_goes_back(world: World) -> None:
    """A job's time does not go back, although the clocks of those who speak differ."""
    times = [state_after(step).updated_at for step in world.steps]

    assert sorted(times) == times


@FEW
@given(worlds())
def test_second_delivery_changes_nothing(world: World) -> None:
    """Delivering the whole history again to the finished job changes nothing and sends nothing."""
    after = [advance(world.plan, world.state, event, now) for event, now in world.heard if not isinstance(event, Rerun)]

    assert all(step.state is world.state for step in after)
    assert [] == [emit for step in after for emit in step.emits]


@FEW
@given(worlds())
def test_every_ineffective_event_is_accounted_for(world: World) -> None:
    """An event of a service either changes the job or is ignored with a reason: never a silent drop."""
    spoken = zip(world.heard, world.steps, world.steps[1:], strict=False)
    silent = [
        event
        for (event, _), before, after in spoken
        if isinstance(event, NodeEnded) and before.state is after.state and after.ignored is None
    ]

    assert [] == silent


@FEW
@given(kind_worlds(), SEEDS, SEEDS)
def test_order_of_branches_does_not_matter(kind: tuple[Plan, dict[str, Manner]], one: int, other: int) -> None:
    """When all answer well, every order and every repetition lead to the same end."""
    plan, manners = kind
    first = World(plan, manners, one, repeats=0.0).run()
    second = World(plan, manners, other).run()

    assert JobStatus.COMPLETED == first.state.status
    assert settled(first.state) == settled(second.state)


def strangers(plan: Plan) -> st.SearchStrategy[NodeEnded | TimerFired]:
    """Events that fit the plan in some parts and not in others."""
    names = st.sampled_from([*plan.by_name, "nowhere"]) | st.text(max_size=5)
    done = st.sampled_from([*plan.event_topics(), "nowhere.done.v1"]) | st.text(max_size=5)
    return st.builds(
        spoke,
        done,
        name=st.none() | names,
        epoch=st.none() | st.integers(0, 3),
        tenant=st.sampled_from([None, "public", "acme", ""]),
        retries=st.integers(0, 3),
    )


@MORE
@given(st.data())
def test_no_event_is_too_strange(data: Any) -> None:
    """Whatever is said, the decision is a step that keeps the job's numbers in order; never an exception."""
    plan = data.draw(plans())
    world = World(plan, dict.fromkeys(plan.by_name, "well"), 0)
    world.begin()
    for event in data.draw(st.lists(strangers(plan), max_size=15)):
        before: JobState = world.state
        world.hear(event)
        step = world.steps[-1]
        assert before.sequence + len(step.emits) == world.state.sequence
        assert not step.ignored or (step.state is before and not step.emits)
