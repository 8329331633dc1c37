"""Properties over generated topologies."""

import itertools
from typing import Any

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from medkg_contracts.policy import Policy
from medkg_topology.compile import Compiled, compile_topology
from medkg_topology.drawing import drawing
from medkg_topology.plan import StageNode
from medkg_topology.render import plan_difference, plan_text
from medkg_topology.source import read_source

POLICIES = {"default": Policy()}
Element = dict[str, Any]


@st.composite
def stages(draw: st.DrawFn, least: int = 1) -> list[Element]:
    """Elements of a sound topology, in any order of the file: stage ``n1`` makes ``a1`` of earlier artifacts."""
    count = draw(st.integers(least, 9))
    elements: list[Element] = []
    upstream: dict[int, set[int]] = {}
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        upstream[number] = set(needs).union(*(upstream[need] for need in needs)) if needs else set()
        element: Element = {
            "name": f"n{number}",
            "depends_on": draw(st.permutations([f"n{need}" for need in sorted(needs)])),
        }
        if number and draw(st.integers(0, 5)) == 0:
            element |= {"type": "Gate", "opens_on": f"g{number}.v1", "deadline": "15m"}
        else:
            inputs = draw(st.sets(st.sampled_from(sorted(upstream[number])))) if upstream[number] else set()
            made = {str(element["name"]) for element in elements if element["type"] == "Stage"}
            element |= {
                "type": "Stage",
                "inputs": [f"a{need}" for need in sorted(inputs) if f"n{need}" in made],
                "outputs": [f"a{number}"],
            }
        elements.append(element)
    return draw(st.permutations(elements))


def compiled(elements: list[Element]) -> Compiled:
    text = yaml.safe_dump({"version": "1.0", "name": "x", "stages": elements})
    return compile_topology(read_source("x.yaml", text.encode()), POLICIES)


@given(stages())
def test_the_plans_order_respects_dependencies(elements: list[Element]) -> None:
    """Each node stands after all that it depends on, and no node is lost."""
    nodes = compiled(elements).require().nodes

    position = {node.name: number for number, node in enumerate(nodes)}
    assert {str(element["name"]) for element in elements} == set(position)
    assert all(position[need] < position[node.name] for node in nodes for need in node.depends_on)


@given(stages(least=3), st.data())
def test_removing_a_producer_is_refused(elements: list[Element], data: st.DataObject) -> None:
    """Without the stage that makes an input, and without the dependencies on it, the topology does not load."""
    used = {name for element in elements for name in element.get("inputs", [])}
    producers = [element for element in elements if used & set(element.get("outputs", []))]
    assume(producers)
    removed = data.draw(st.sampled_from(producers))
    rest = [
        element | {"depends_on": [need for need in element["depends_on"] if need != removed["name"]]}
        for element in elements
        if element is not removed
    ]

    problems = compiled(rest).problems

    assert any(f"needs '{removed['outputs'][0]}'" in problem.message for problem in problems)


@given(stages(least=2), st.data())
def test_a_dependency_that_closes_a_cycle_is_refused(elements: list[Element], data: st.DataObject) -> None:
    """An edge from an ancestor back to its descendant is reported as a cycle with both in it."""
    by_name = {str(element["name"]): element for element in elements}
    edges = [(name, need) for name, element in by_name.items() for need in element["depends_on"]]
    assume(edges)
    name, need = data.draw(st.sampled_from(edges))
    looped = [
        element | {"depends_on": [*element["depends_on"], name]} if element["name"] == need else element
        for element in elements
    ]

    assert any("form a cycle" in problem.message for problem in compiled(looped).problems)


@given(stages(), stages())
def test_a_difference_is_empty_exactly_for_equal_digests(one: list[Element], other: list[Element]) -> None:
    """Whatever changes the digest is said in words."""
    old, new = compiled(one).require(), compiled(other).require()

    assert (old.digest == new.digest) == (plan_difference(old, new) == ())


@given(stages())
def test_the_text_names_every_node_and_artifact(elements: list[Element]) -> None:
    """The effective plan leaves nothing out."""
    plan = compiled(elements).require()

    text = plan_text(plan)

    assert all(f"{number}. {node.name}  (" in text for number, node in enumerate(plan.nodes, 1))
    assert all(topic in text for topic in plan.event_topics())


@settings(max_examples=settings().max_examples * 3 // 2)
@given(stages())
def test_the_drawn_lines_are_the_dependencies(elements: list[Element]) -> None:
    """Following the drawing's lines from each symbol gives exactly the plan's edges."""
    plan = compiled(elements).require()

    expected = {(need, node.name) for node in plan.nodes for need in node.depends_on}
    assert expected == traced(drawing(plan))
    assert {node.name: isinstance(node, StageNode) for node in plan.nodes} == symbols(drawing(plan))


def symbols(text: str) -> dict[str, bool]:
    """Which nodes are drawn, and whether as stages."""
    rows = [line for line in text.splitlines() if {"○", "◇"} & set(line)]
    return {row.replace("│", " ").split()[1]: "○" in row for row in rows}


def traced(text: str) -> set[tuple[str, str]]:
    """The edges that a reader sees: down along lines, sideways along branches."""
    grid = {(y, x): mark for y, row in enumerate(text.splitlines()) for x, mark in enumerate(row)}
    names = {
        place: text.splitlines()[place[0]].replace("│", " ").split()[1] for place, mark in grid.items() if mark in "○◇"
    }
    return set(itertools.chain.from_iterable(_reached(grid, names, start) for start in names))


def _reached(
    grid: dict[tuple[int, int], str], names: dict[tuple[int, int], str], start: tuple[int, int]
) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    y, x = start[0] + 1, start[1]
    open_ = [(y, x)] if grid.get((y, x), " ") in "│├┤┼╰╯┴○◇" else []
    if open_ and grid[y, x] in "├┤┼╰╯┴":
        row = [x]
        for step in (-1, 1):
            at = x
            while grid.get((y, at + step), " ") in "─│├┤┼╰╯┴╭╮┬" and _leads(grid[y, at], step):
                at += step
                row.append(at)
                # An unbroken upright line is only crossed.
        open_ = [(y + 1, at) for at in row if grid[y, at] in "├┤┼╭╮┬"]
    while open_:
        place = open_.pop()
        while place not in names:
            place = (place[0] + 1, place[1])
        found.add((names[start], names[place]))
    return found


def _leads(mark: str, step: int) -> bool:
    return mark in ("─│├┼╰┴╭┬" if step > 0 else "─│┤┼╯┴╮┬")
