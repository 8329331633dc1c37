"""From a topology file to a plan, or to all the reasons why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from medkg_contracts.policy import Policy
from pydantic import ValidationError

from .draft import Draft, Part, read_draft
from .models import GateEntry, Topology
from .plan import GateNode, Plan, StageNode
from .problems import Problem, in_line_order, refusal
from .rules import RULES
from .source import Source
from .violations import shape_problems


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a file.

    Attributes:
        plan: None when the file was refused.
        sources: the sources whose jobs take this topology, as far as they can be read.
        problems: why it was refused, in order of line.
        rollout: percentage of new jobs that take this version; None when all do.
    """

    plan: Plan | None
    sources: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    rollout: int | None = None

    def require(self) -> Plan:
        """The plan.

        Raises:
            TopologyInvalid: the file was refused; the message has all of its problems.
        """
        if self.plan is None:
            raise refusal(self.problems)
        return self.plan


def compile_topology(source: Source, policies: Mapping[str, Policy]) -> Compiled:
    """The plan of a topology file, whose stages take their policies from these."""
    problems = list(source.problems)
    if source.data is None:
        return Compiled(None, (), in_line_order(problems))
    draft = read_draft(source, policies)
    topology: Topology | None = None
    try:
        topology = Topology.model_validate(source.data)
        problems.extend(_misnamed(source, topology.name))
    except ValidationError as error:
        problems.extend(shape_problems(error, source, Topology))
    for rule in RULES:
        problems.extend(rule(draft))
    if problems or topology is None:
        return Compiled(None, _readable_sources(source), in_line_order(problems))
    nodes = tuple(_node(draft.parts[name], draft) for name in draft.order)
    plan = Plan(name=topology.name, version=topology.version, nodes=nodes)
    rollout = topology.rollout.percent if topology.rollout else None
    return Compiled(plan, tuple(topology.applicable_sources), rollout=rollout)


def _misnamed(source: Source, name: str) -> list[Problem]:
    """A file and its topology share a name, so that a broken file is found by the name that jobs use."""
    stem = PurePath(source.file).stem
    if stem == name:
        return []
    return [source.problem(("name",), f"'{name}' is not the file's name '{stem}'", f"Rename the file to {name}.yaml.")]


def _readable_sources(source: Source) -> tuple[str, ...]:
    names = source.data.get("applicable_sources")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _made_upstream(part: Part, draft: Draft) -> list[str]:
    """Of the inputs that the stage can do without, those that it is given."""
    there = draft.upstream[part.name] or frozenset()
    return [name for name in part.optional_inputs if name in there]


def _node(part: Part, draft: Draft) -> StageNode | GateNode:
    entry = part.entry
    # In the plan's order, so that the order in which an author lists dependencies changes no digest.
    depends_on = tuple(sorted(entry.depends_on, key=draft.order.index))
    if isinstance(entry, GateEntry):
        return GateNode(
            name=entry.name,
            event_topic=entry.opens_on,
            request_topic=entry.request,
            depends_on=depends_on,
            inputs=part.inputs,
            outputs=part.outputs,
            deadline_s=entry.deadline,
            on_timeout=entry.on_timeout,
        )
    return StageNode(
        name=entry.name,
        type=entry.type,
        service=entry.service or entry.name,
        depends_on=depends_on,
        inputs=(*part.inputs, *_made_upstream(part, draft)),
        outputs=part.outputs,
        policy=draft.policies[entry.policy],
        options=entry.options,
    )
