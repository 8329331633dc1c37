"""How a job runs again: from a stage or from where it failed or waits for a try, on its own plan or on a newer one.

A node that runs again keeps the number of its epoch, so that its next run has another, and nothing else. Whatever
depends on it runs again as well; nothing that it depends on does.
"""

from collections.abc import Collection

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobRestarted
from medkg_contracts.errors import OrderRefused
from medkg_ledger.state import PASSED, JobState, JobStatus, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .decision import Decision, ignore
from .inbound import Rerun
from .transition import Transition


def rerun(
    plan: Plan, state: JobState, event: Rerun, now: int, *, ref: ArtifactRef, pinned: Plan | None = None
) -> Decision:
    """Run a job again as an operator orders.

    Args:
        plan: that the job goes on with.
        state: the job as it is.
        event: the order.
        now: its time, milliseconds since 1970.
        ref: where the plan is kept.
        pinned: the plan that the job has been on, if that is another one; None if nobody has it.

    Raises:
        OrderRefused: the job was rejected, it has nothing to run again, the plan has no such stage, or what the stage
            needs has not passed.
    """
    if event.tenant_id not in (None, state.tenant_id):
        return ignore(state, event.origin, "foreign")
    if state.status is JobStatus.REJECTED:
        raise OrderRefused(
            f"{state.job_id} was rejected, so it has nothing to run again"
            + (f": {state.error.message}" if state.error else ""),
            remedy="Submit the request again, or redrive its dead letter with `medkg dlq redrive`; "
            "an item of a cancelled batch begins when the batch is run again.",
        )
    if event.origin.identity in (state.restarted_by, *state.restarted_before):
        return ignore(state, event.origin, "duplicate")
    before = plan if state.pipeline_version == plan.digest else pinned
    again = _again(plan, before, state, event.order.stage)
    return restart(plan, state, event, now, ref=ref, again=again, pinned=before)


def restart(
    plan: Plan,
    state: JobState,
    event: Rerun,
    now: int,
    *,
    ref: ArtifactRef,
    again: Collection[str],
    pinned: Plan | None,
) -> Decision:
    """Run these nodes of a job again; the rest as in `rerun`."""
    transition = Transition(plan, state, event.origin, now)
    said = JobRestarted(
        stages=[node.name for node in plan.nodes if node.name in again],
        pipeline=plan.name,
        digest=plan.digest,
        plan=ref,
        order=event.order,
    )
    transition.restart(again, said)
    return transition.decision(pinned)


def _again(plan: Plan, pinned: Plan | None, state: JobState, stage: str | None) -> set[str]:
    """The nodes that run again, or now for the first time: the stage, all that cannot stand, and what depends on them.

    Raises:
        OrderRefused: as in `rerun`.
    """
    needed = _needed(plan, state, stage)
    again: set[str] = set()
    for node in plan.nodes:  # in a topological order
        stands = node.name != stage and again.isdisjoint(node.depends_on) and _stands(node, pinned, state)
        if stage is None and state.node(node.name).status is NodeStatus.DEFERRED:
            stands = False  # who names no stage wants what waits for its next try to be tried now
        if node.name in needed and not stands:
            again.add(node.name)
    if stage is None and not again:
        raise OrderRefused(
            f"{state.job_id} is {state.status} and has nothing that must run again",
            remedy="Name the stage to run again from: `medkg job rerun JOB --from STAGE`.",
        )
    upstream = plan.needed_for(stage) - {stage} if stage is not None else frozenset()
    missing = [
        node.name
        for node in plan.nodes
        if node.name in upstream and (node.name in again or state.node(node.name).status not in PASSED)
    ]
    if missing:
        raise OrderRefused(
            f"{stage} needs {', '.join(missing)}, which has not passed",
            remedy=f"Run the job again from {missing[0]}, or name no stage.",
        )
    return again


def _needed(plan: Plan, state: JobState, stage: str | None) -> frozenset[str]:
    """The nodes that the job wants.

    Raises:
        OrderRefused: it wants none that is called so.
    """
    if state.until is not None and state.until not in plan.by_name:
        raise OrderRefused(f"{plan.ref} has no stage {state.until!r}, which the job is to end with")
    needed = plan.needed_for(state.until)
    if stage is not None and stage not in needed:
        names = ", ".join(node.name for node in plan.nodes if node.name in needed)
        raise OrderRefused(f"{state.job_id} has no stage {stage!r} on {plan.ref}; it has {names}")
    return needed


def _stands(node: StageNode | GateNode, pinned: Plan | None, state: JobState) -> bool:
    """Whether the node may stay as it is: it has passed and made what the plan wants, or the job is at it."""
    old = None if pinned is None else pinned.by_name.get(node.name)
    current = state.node(node.name)
    if current.status not in PASSED:
        return not state.ended and old == node
    alike = pinned is None or (old is not None and _work(old) == _work(node))
    there = current.status is NodeStatus.EXPIRED or all(name in state.artifacts for name in node.outputs)
    return alike and there


def _work(node: StageNode | GateNode) -> tuple[str, frozenset[str]]:
    """What makes two nodes of one name the same work."""
    return (node.type if isinstance(node, StageNode) else node.event_topic), frozenset(node.outputs)
