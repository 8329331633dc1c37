"""A plan as a graph: a Mermaid flowchart for documents, and a drawing of lines for the terminal."""

from collections.abc import Collection, Iterator

from .duration import format_duration
from .plan import GateNode, Plan, StageNode

#: Line pieces by the directions that meet in them: up, down, left, right.
_PIECES = {
    (True, True, False, True): "├",
    (True, True, True, False): "┤",
    (True, True, True, True): "┼",
    (True, False, False, True): "╰",
    (True, False, True, False): "╯",
    (True, False, True, True): "┴",
    (False, True, False, True): "╭",
    (False, True, True, False): "╮",
    (False, True, True, True): "┬",
}


def mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart; gates are hexagons, lines are labelled with what passes on them."""
    number = {node.name: index for index, node in enumerate(plan.nodes)}
    lines = ["flowchart TD"]
    for node in plan.nodes:
        # Numbered, since a name such as "end" is a word of Mermaid's.
        shape = f'["{node.name}<br/>{node.type}"]' if isinstance(node, StageNode) else f'{{{{"{_gate(node)}"}}}}'
        lines.append(f"    n{number[node.name]}{shape}")
    for node in plan.nodes:
        for need in node.depends_on:
            passed = [name for name in plan.by_name[need].outputs if name in node.inputs]
            label = f'|"{", ".join(passed)}"|' if passed else ""
            lines.append(f"    n{number[need]} -->{label} n{number[node.name]}")
    return "\n".join(lines) + "\n"


def drawing(plan: Plan) -> str:
    """The plan drawn with lines: ``○`` is a stage, ``◇`` a gate; lines run downwards from needed to needing.

    Each column is one line on its way to one node. Where two lines only cross, the upright one is unbroken.
    """
    dependants = {node.name: [n.name for n in plan.nodes if node.name in n.depends_on] for node in plan.nodes}
    columns: list[str | None] = []
    lines: list[str] = []
    ended: int | None = None
    for node in plan.nodes:
        begins = node.name not in columns
        here = _free(columns) if begins else columns.index(node.name)
        if begins and here == ended:
            # Without a row between them, the two would look like need and needing.
            lines.append(_row(columns))
        symbol = "○" if isinstance(node, StageNode) else "◇"
        columns[here] = node.name
        lines.append(f"{_row(columns, (here, symbol))}  {_label(node)}")
        columns[here] = None
        before = list(columns)
        targets = {_column(columns, here, name) for name in dependants[node.name]}
        if targets - {here}:
            lines.append(_branches(before, columns, here, targets))
        ended = None if targets else here
        while columns and columns[-1] is None:
            columns.pop()
    return "\n".join(lines) + "\n"


def _column(columns: list[str | None], here: int, name: str) -> int:
    """The column of the line to this node; a new line goes straight down when it can."""
    if name in columns:
        return columns.index(name)
    column = here if columns[here] is None else _free(columns)
    columns[column] = name
    return column


def _free(columns: list[str | None]) -> int:
    if None not in columns:
        columns.append(None)
    return columns.index(None)


def _row(columns: list[str | None], mark: tuple[int, str] = (-1, "")) -> str:
    place, symbol = mark
    marks = (symbol if number == place else "│" if name else " " for number, name in enumerate(columns))
    return " ".join(marks).rstrip()


def _branches(before: list[str | None], after: list[str | None], here: int, targets: Collection[int]) -> str:
    """The line below a node at which its further lines leave it."""
    low, high = min(here, *targets), max(here, *targets)
    marks: list[str] = []
    for number in range(len(after)):
        up = number == here or (number < len(before) and before[number] is not None)
        down = after[number] is not None
        inside = low <= number <= high
        if inside and (number == here or number in targets):
            marks.append(_PIECES[up, down, number > low, number < high])
        else:
            marks.append("│" if down else "─" if inside else " ")
        marks.append("─" if low <= number < high else " ")
    return "".join(marks).rstrip()


def _label(node: StageNode | GateNode) -> str:
    words = _stage(node) if isinstance(node, StageNode) else _waits(node)
    return f"{node.name}  {' '.join(words)}"


def _stage(stage: StageNode) -> Iterator[str]:
    yield ", ".join(stage.inputs) or "request"
    yield "→"
    yield ", ".join(stage.outputs)


def _waits(gate: GateNode) -> Iterator[str]:
    yield f"waits {format_duration(gate.deadline_s)} for {gate.event_topic}"
    yield "or continues" if gate.on_timeout == "continue" else "or fails"


def _gate(gate: GateNode) -> str:
    return f"{gate.name}<br/>{gate.event_topic} · {format_duration(gate.deadline_s)}"
