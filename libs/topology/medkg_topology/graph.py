"""Graphs of names: an order that respects dependencies, and the cycles that prevent one."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

#: What each name depends on. The mapping's own order is the file's.
Dependencies = Mapping[str, Sequence[str]]


def ordered(graph: Dependencies) -> list[str]:
    """The names so that each stands after those it depends on; among equals the file's order decides.

    Names on a cycle, and those that depend on one, are left out.
    """
    rank = {name: number for number, name in enumerate(graph)}
    names = list(graph)
    open_ = {name: len(set(needs)) for name, needs in graph.items()}
    dependants: dict[str, list[str]] = {name: [] for name in graph}
    for name, needs in graph.items():
        for need in set(needs):
            dependants[need].append(name)
    ready = [rank[name] for name in graph if not open_[name]]
    heapify(ready)
    order: list[str] = []
    while ready:
        name = names[heappop(ready)]
        order.append(name)
        for dependant in dependants[name]:
            open_[dependant] -= 1
            if not open_[dependant]:
                heappush(ready, rank[dependant])
    return order


def cycles(graph: Dependencies) -> list[list[str]]:
    """Cycles, none sharing a name, such that removing them leaves a graph that can be ordered.

    Each begins with its first name in the file's order; each name depends on the next.
    """
    found: list[list[str]] = []
    rank = {name: number for number, name in enumerate(graph)}
    rest = _without(graph, set(ordered(graph)))
    while rest:
        cycle = _walk(rest)
        start = cycle.index(min(cycle, key=rank.__getitem__))
        found.append(cycle[start:] + cycle[:start])
        rest = _without(rest, set(cycle))
        rest = _without(rest, set(ordered(rest)))
    return sorted(found, key=lambda names: rank[names[0]])


def _without(graph: Dependencies, names: set[str]) -> dict[str, list[str]]:
    return {name: [need for need in needs if need not in names] for name, needs in graph.items() if name not in names}


def _walk(graph: Dependencies) -> list[str]:
    """A cycle, found by going from name to first need until one comes again; each name here has a need."""
    path: dict[str, int] = {}
    name = next(iter(graph))
    while name not in path:
        path[name] = len(path)
        name = graph[name][0]
    return list(path)[path[name] :]
