"""The rules of a topology's graph: each yields the problems that it finds."""

from collections.abc import Callable, Iterator

from medkg_contracts import topics
from medkg_contracts.stages import STAGE_TYPES

from .draft import REQUEST, Draft, Part
from .graph import cycles
from .models import GATE_TYPE, OPEN_TYPE, GateEntry, StageEntry
from .problems import Problem, listed, suggestion

Rule = Callable[[Draft], Iterator[Problem]]

_FIXED_TOPICS = frozenset({topics.REQUESTS, topics.CONTROL, topics.EVENTS, topics.ROUTER_DLQ, topics.VECTORS})


def names_are_unique(draft: Draft) -> Iterator[Problem]:
    """No two elements have one name."""
    for part in draft.repeated:
        first = draft.parts[part.name]
        yield part.problem(
            "name", f"'{part.name}' is the name of another element, on line {first.line}", "Give each its own name."
        )


def lists_say_things_once(draft: Draft) -> Iterator[Problem]:
    """No list of an element has a name twice."""
    for part in draft.parts.values():
        for field in ("depends_on", "inputs", "outputs"):
            names = getattr(part.entry, field)
            for number, name in enumerate(names):
                if name in names[:number]:
                    yield part.problem(field, f"'{name}' stands twice", "Leave one of the two out.", number)


def sources_stand_once(draft: Draft) -> Iterator[Problem]:
    """No source is claimed twice by one topology."""
    names = draft.source.data.get("applicable_sources")
    for number, name in enumerate(names if isinstance(names, list) else []):
        if name in names[:number]:
            place = ("applicable_sources", number)
            yield draft.source.problem(place, f"'{name}' stands twice", "Leave one of the two out.")


def dependencies_exist(draft: Draft) -> Iterator[Problem]:
    """Every dependency is an element of the topology, and not the element itself."""
    known = {*draft.parts, *draft.unreadable}
    for part in draft.parts.values():
        for number, need in enumerate(part.entry.depends_on):
            if need == part.name:
                yield part.problem("depends_on", f"'{need}' depends on itself", f"Leave '{need}' out.", number)
            elif need not in known:
                yield part.problem(
                    "depends_on",
                    f"there is no stage or gate '{need}'{suggestion(need, known)}",
                    f"Use one of {listed(name for name in draft.parts if name != part.name)}.",
                    number,
                )


def dependencies_have_no_cycle(draft: Draft) -> Iterator[Problem]:
    """No element depends on itself by way of others."""
    for cycle in cycles(draft.graph):
        way = " -> ".join([*cycle, cycle[0]])
        yield draft.parts[cycle[0]].problem(
            "depends_on", f"the dependencies form a cycle: {way}", "Remove one of these dependencies."
        )


def there_is_a_stage(draft: Draft) -> Iterator[Problem]:
    """A topology has at least one stage."""
    if draft.parts and not draft.unreadable and all(isinstance(p.entry, GateEntry) for p in draft.parts.values()):
        yield draft.source.problem(
            ("stages",), "there are only gates, no stage", "Add a stage, such as {name: ingest, type: IngestStage}."
        )


def stages_are_known(draft: Draft) -> Iterator[Problem]:
    """Types and policies exist, and a service's topics are its own."""
    for part, entry in _stages(draft):
        if not part.known_type:
            yield part.problem(
                "type",
                f"'{entry.type}' is not a stage type{suggestion(entry.type, [*STAGE_TYPES, OPEN_TYPE, GATE_TYPE])}",
                f"Use one of {listed(STAGE_TYPES)}, or {OPEN_TYPE} with its own inputs and outputs.",
            )
        if entry.policy not in draft.policies:
            yield part.problem(
                "policy",
                f"there is no policy '{entry.policy}'{suggestion(entry.policy, draft.policies)}",
                f"Use one of {listed(sorted(draft.policies))}, or add it to policies.yaml.",
            )
        service = entry.service or entry.name
        if topics.group(service) == topics.ROUTER_GROUP:
            yield part.problem(
                "service" if entry.service else "name",
                f"'{service}' is the router's own name: their consumer groups would mix",
                "Choose another name.",
            )


def only_open_types_name_artifacts(draft: Draft) -> Iterator[Problem]:
    """The type ``Stage`` names its artifacts; the others have theirs."""
    for part, entry in _stages(draft):
        if entry.type == OPEN_TYPE and not entry.outputs:
            yield part.problem(
                "outputs",
                f"a stage of the type {OPEN_TYPE} must name what it makes",
                "Write, for example, `outputs: [summary]`.",
            )
        if entry.type in STAGE_TYPES:
            for field in ("inputs", "outputs"):
                if getattr(entry, field):
                    fixed = listed(getattr(STAGE_TYPES[entry.type], field))
                    yield part.problem(
                        field,
                        f"the {field} of the type {entry.type} are fixed: {fixed}",
                        f"Leave {field} out, or use the type {OPEN_TYPE}.",
                    )


def artifacts_have_one_maker(draft: Draft) -> Iterator[Problem]:
    """No artifact is produced by two elements, and none is called as the job's request is."""
    for part in draft.parts.values():
        field = "type" if part.entry.type in STAGE_TYPES else "outputs"
        for output in part.outputs:
            maker = draft.makers[output]
            if output == REQUEST:
                yield part.problem(field, f"'{REQUEST}' is the job's own request", "Call the output something else.")
            elif maker is not part:
                yield part.problem(
                    field,
                    f"'{output}' is already produced by '{maker.name}' (line {maker.line})",
                    "Remove one of the two, or give the output another name.",
                )


def inputs_are_made_upstream(draft: Draft) -> Iterator[Problem]:
    """Every input is produced by an element that this one depends on, directly or by way of others."""
    for name, produced in draft.upstream.items():
        part = draft.parts[name]
        if not part.known_type or produced is None:
            continue
        for artifact in part.inputs:
            if artifact not in produced:
                yield part.problem(
                    "depends_on",
                    f"'{name}' needs '{artifact}', which nothing upstream of it produces",
                    _how_to_get(artifact, part, draft),
                )


def _how_to_get(artifact: str, part: Part, draft: Draft) -> str:
    maker = draft.makers.get(artifact)
    if maker is not None and maker is not part:
        return f"Add '{maker.name}', which produces it, to depends_on."
    types = [kind.name for kind in STAGE_TYPES.values() if artifact in kind.outputs]
    kind = f"a stage of the type {types[0]}" if types else "a stage"
    return f"Add {kind} that produces '{artifact}', and depend on it."


def gates_use_topics_of_their_own(draft: Draft) -> Iterator[Problem]:
    """A gate's topics are neither medkg's fixed ones nor those of the topology's stages."""
    taken: dict[str, str] = dict.fromkeys(_FIXED_TOPICS, "medkg itself")
    for part, entry in _stages(draft):
        service = entry.service or entry.name
        taken |= dict.fromkeys(
            (topics.queue(service), topics.done(service), topics.dlq(service)), f"stage '{part.name}'"
        )
    for part, gate in _gates(draft):
        for field, topic in (("opens_on", gate.opens_on), ("request", gate.request)):
            if topic in taken:
                yield part.problem(
                    field, f"the topic {topic} belongs to {taken[topic]}", "Use a topic of the outside system."
                )
        if gate.request == gate.opens_on:
            yield part.problem(
                "request", f"the router's own request on {gate.request} would open the gate", "Use two topics."
            )


def gates_carry_what_they_say(draft: Draft) -> Iterator[Problem]:
    """A gate's inputs have a request to travel with, and its outputs are there whenever they are needed."""
    for part, gate in _gates(draft):
        if gate.inputs and gate.request is None:
            yield part.problem(
                "inputs",
                "inputs travel with the request, and this gate sends none",
                "Name the request's topic with `request`, or leave inputs out.",
            )
        if gate.on_timeout == "continue":
            for reader in draft.parts.values():
                for artifact in reader.inputs:
                    if artifact in gate.outputs and reader is not part:
                        yield part.problem(
                            "on_timeout",
                            f"'{reader.name}' needs '{artifact}', which is missing when the gate's deadline passes",
                            "Set on_timeout: fail.",
                        )


def _stages(draft: Draft) -> Iterator[tuple[Part, StageEntry]]:
    return ((part, part.entry) for part in draft.parts.values() if isinstance(part.entry, StageEntry))


def _gates(draft: Draft) -> Iterator[tuple[Part, GateEntry]]:
    return ((part, part.entry) for part in draft.parts.values() if isinstance(part.entry, GateEntry))


RULES: tuple[Rule, ...] = (
    names_are_unique,
    lists_say_things_once,
    sources_stand_once,
    dependencies_exist,
    dependencies_have_no_cycle,
    there_is_a_stage,
    stages_are_known,
    only_open_types_name_artifacts,
    artifacts_have_one_maker,
    inputs_are_made_upstream,
    gates_use_topics_of_their_own,
    gates_carry_what_they_say,
)
