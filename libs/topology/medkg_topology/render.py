"""A plan for people and for scripts: what each node really gets, and what changed between two plans."""

from collections.abc import Iterator

from medkg_contracts import topics
from medkg_contracts.policy import Policy
from pydantic import JsonValue

from .duration import format_duration
from .plan import GateNode, Plan, StageNode
from .policies import worst_case_s
from .problems import listed
from .rate import format_rate


def plan_data(plan: Plan, rollout: int | None = None) -> dict[str, JsonValue]:
    """The effective plan as data: each node with its topics, artifacts and policy.

    Args:
        plan: the plan.
        rollout: percentage of new jobs that take it; None when all do.
    """
    return {
        "name": plan.name,
        "version": plan.version,
        "digest": plan.digest,
        "rollout": None if rollout is None else {"percent": rollout},
        "nodes": [_stage_data(node) if isinstance(node, StageNode) else _gate_data(node) for node in plan.nodes],
    }


def plan_text(plan: Plan, rollout: int | None = None) -> str:
    """The effective plan as text; with the percentage of new jobs that take it, when not all do."""
    share = "" if rollout is None else f"  for {rollout} % of new jobs"
    lines = [f"{plan.ref}  version {plan.version}{share}"]
    for number, node in enumerate(plan.nodes, 1):
        kind = node.type if isinstance(node, StageNode) else "Gate"
        lines += ["", f"{number}. {node.name}  ({kind})"]
        lines += [f"   {label:<11}{value}" for label, value in _facts(node)]
    return "\n".join(lines) + "\n"


def policy_text(policy: Policy) -> str:
    """A policy's attempts and waits in a line, with the longest time that they allow."""
    tries = "1 attempt" if policy.attempts == 1 else f"{policy.attempts} attempts"
    words = f"{policy.name}: {tries} of {format_duration(policy.timeout_s)}"
    if policy.backoff != "none":
        first, longest = format_duration(policy.initial_s), format_duration(policy.max_s)
        words += f", {policy.backoff} waits {first} to {longest}"
        if policy.jitter_s:
            words += f" and up to {format_duration(policy.jitter_s)} jitter"
    return f"{words}; at most {format_duration(worst_case_s(policy))} in all"


def gate_text(gate: GateNode) -> str:
    """What a gate waits for, in a line."""
    after = "then the job fails" if gate.on_timeout == "fail" else "then the job continues"
    return f"{gate.event_topic} for {format_duration(gate.deadline_s)}, {after}"


def plan_difference(old: Plan, new: Plan) -> tuple[str, ...]:
    """What is different in the new plan, one sentence each; empty when their digests are equal."""
    if old.digest == new.digest:
        return ()
    lines = [
        f"the {field} was {getattr(old, field)} and is {getattr(new, field)}"
        for field in ("name", "version")
        if getattr(old, field) != getattr(new, field)
    ]
    lines += [f"{_title(node)} is gone" for node in old.nodes if node.name not in new.by_name]
    for node in new.nodes:
        before = old.by_name.get(node.name)
        lines += [f"{_title(node)} is new: {_summary(node)}"] if before is None else _changes(before, node)
    common = [node.name for node in old.nodes if node.name in new.by_name]
    if common != [node.name for node in new.nodes if node.name in old.by_name]:
        lines.append(f"the order is now {listed(node.name for node in new.nodes)}")
    return tuple(lines)


def _stage_data(stage: StageNode) -> JsonValue:
    data: dict[str, JsonValue] = stage.model_dump(mode="json")
    data["topics"] = {
        "queue": topics.queue(stage.service),
        "done": topics.done(stage.service),
        "dlq": topics.dlq(stage.service),
    }
    data["worst_case_s"] = worst_case_s(stage.policy)
    return data


def _gate_data(gate: GateNode) -> JsonValue:
    data: JsonValue = gate.model_dump(mode="json")
    return data


def _facts(node: StageNode | GateNode) -> Iterator[tuple[str, str]]:
    yield "after", listed(node.depends_on) if node.depends_on else "the job's acceptance"
    if isinstance(node, StageNode):
        yield "takes", listed(node.inputs) if node.inputs else "the job's request"
        yield "gives", listed(node.outputs)
        if node.options:
            yield "options", _options_text(node)
        yield "queue", topics.queue(node.service)
        yield "done", topics.done(node.service)
        yield "policy", policy_text(node.policy)
        if node.policy.concurrency:
            yield "at once", _concurrency_text(node.policy)
        if node.policy.rate:
            yield "rate", _rate_text(node.policy)
        if node.policy.breaker:
            yield "breaker", _breaker_text(node.policy)
    else:
        if node.request_topic:
            yield "asks on", f"{node.request_topic} with {listed(node.inputs)}"
        yield "brings", listed(node.outputs)
        yield "waits for", gate_text(node)


def _title(node: StageNode | GateNode) -> str:
    return f"{node.kind} '{node.name}'"


def _summary(node: StageNode | GateNode) -> str:
    return "; ".join(f"{label} {value}" for label, value in _facts(node))


def _changes(old: StageNode | GateNode, new: StageNode | GateNode) -> list[str]:
    if old.kind != new.kind:
        return [f"'{new.name}' was a {old.kind} and is a {new.kind}: {_summary(new)}"]
    before, after = _fields(old), _fields(new)
    return [
        f"{_title(new)}: {field} was {before[field]} and is {after[field]}"
        for field in after
        if before[field] != after[field]
    ]


def _fields(node: StageNode | GateNode) -> dict[str, str]:
    """Every field of the node that changes behaviour, in words."""
    if isinstance(node, StageNode):
        own = {"type": node.type, "service": node.service, "options": _options_text(node)}
        own |= _policy_fields(node.policy)
    else:
        own = {
            "opening topic": node.event_topic,
            "request topic": node.request_topic or "none",
            "deadline": format_duration(node.deadline_s),
            "on_timeout": node.on_timeout,
        }
    lists = {name: listed(getattr(node, name)) for name in ("depends_on", "inputs", "outputs")}
    return own | lists


def _policy_fields(policy: Policy) -> dict[str, str]:
    return {
        "policy": policy.name,
        "timeout": format_duration(policy.timeout_s),
        "attempts": str(policy.attempts),
        "backoff": policy.backoff,
        "initial wait": format_duration(policy.initial_s),
        "longest wait": format_duration(policy.max_s),
        "jitter": format_duration(policy.jitter_s),
        "concurrency": _concurrency_text(policy),
        "rate": _rate_text(policy),
        "breaker": _breaker_text(policy),
    }


def _options_text(stage: StageNode) -> str:
    return listed(f"{name} {value}" for name, value in stage.options.items())


def _concurrency_text(policy: Policy) -> str:
    return f"{policy.concurrency} a replica" if policy.concurrency else "the service's own"


def _rate_text(policy: Policy) -> str:
    if policy.rate is None:
        return "none"
    burst = f", in bursts of {policy.rate.burst}" if policy.rate.burst > 1 else ""
    return f"{format_rate(policy.rate.per_s)} by all replicas{burst}"


def _breaker_text(policy: Policy) -> str:
    if policy.breaker is None:
        return "none"
    return f"open for {format_duration(policy.breaker.reset_s)} after {policy.breaker.failures} failures in a row"
