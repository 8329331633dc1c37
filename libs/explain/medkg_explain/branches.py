"""What is concluded from the conclusions about all nodes that a job waits for at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from medkg_ledger import OPEN, PASSED, JobState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .causes import Cause
from .finding import Finding

#: Causes that explain nothing by themselves where a join waits: the branch is simply not there yet, or never comes.
_UNREMARKABLE: Final = frozenset({Cause.IN_WORK, Cause.NOT_BEGUN, Cause.RECORD_GONE})


def open_nodes(plan: Plan, state: JobState) -> list[StageNode | GateNode]:
    """The nodes that the job waits for, in the plan's order."""
    return [node for node in plan.nodes if state.node(node.name).status in OPEN]


def weigh(plan: Plan, state: JobState, findings: Mapping[str, Finding]) -> Finding:
    """The finding that explains the job, out of those about its open nodes, by their names.

    Where a join waits it is one about a node that holds the join; of several the one whose cause is most pressing.
    """
    if not findings:
        return _nothing_open(state)
    join = waiting_join(plan, state)
    holding = list(findings) if join is None else [name for name in findings if _holds(plan, name, join, state)]
    chosen = min(holding or findings, key=lambda name: findings[name].cause.rank)
    finding = findings[chosen]
    if join is not None and chosen in holding:
        finding = _at_join(finding, chosen, join, state)
    others = [f"{name} ({other.cause})" for name, other in findings.items() if name != chosen]
    notes = [f"also open: {', '.join(others)}"] if others else []
    if state.paused and finding.cause is not Cause.JOB_PAUSED:
        notes.append(f"the job is paused too, until `medkg resume --job {state.job_id}`")
    return replace(finding, waiting_on="; ".join([finding.waiting_on or "", *notes]).removeprefix("; ") or None)


def waiting_join(plan: Plan, state: JobState) -> StageNode | GateNode | None:
    """The first node some of whose branches have arrived while others have not."""
    wanted = plan.needed_for(state.until)
    for node in plan.nodes:
        arrived, missing = _branches(node, state)
        if node.name in wanted and state.node(node.name).status is NodeStatus.PENDING and arrived and missing:
            return node
    return None


def _branches(join: StageNode | GateNode, state: JobState) -> tuple[Sequence[str], Sequence[str]]:
    """The branches of a join that have arrived, and those that have not."""
    arrived = [name for name in join.depends_on if state.node(name).status in PASSED]
    return arrived, [name for name in join.depends_on if name not in arrived]


def _holds(plan: Plan, name: str, join: StageNode | GateNode, state: JobState) -> bool:
    """Whether a missing branch of the join needs the node."""
    return any(name in plan.needed_for(branch) for branch in _branches(join, state)[1])


def _at_join(finding: Finding, name: str, join: StageNode | GateNode, state: JobState) -> Finding:
    """The finding, told as what holds the join; where it has no cause of its own, the join's waiting is the cause."""
    arrived, missing = _branches(join, state)
    waits = f"the join {join.name} waits for its branch {' and '.join(missing)}"
    if finding.cause not in _UNREMARKABLE:
        return replace(finding, waiting_on=f"{finding.waiting_on}; {waits}")
    at = f"; {name}: {finding.summary}" if [name] != list(missing) else f": {finding.summary}"
    return replace(finding, cause=Cause.JOIN_WAITS, summary=f"{waits} ({', '.join(arrived)} has arrived){at}")


def _nothing_open(state: JobState) -> Finding:
    return Finding(
        Cause.RECORD_GONE,
        "nobody has been asked for anything, though the job has not ended",
        f"Ask for it again: `medkg job rerun {state.job_id}`.",
        stage=state.current_stage,
        waiting_on="somebody to run it again",
    )
