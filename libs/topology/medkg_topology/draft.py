"""A topology between file and plan: each element that can be read, with its place in the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from medkg_contracts.policy import Policy
from medkg_contracts.stages import STAGE_TYPES, StageType
from pydantic import TypeAdapter, ValidationError

from .graph import ordered
from .models import OPEN_TYPE, GateEntry, NodeEntry, StageEntry
from .problems import Problem
from .source import Source

#: The job's own request: every stage may read it and nothing produces it.
REQUEST = "request"

_ENTRY: TypeAdapter[StageEntry | GateEntry] = TypeAdapter(NodeEntry)


@dataclass(frozen=True)
class Part:
    """An element of ``stages`` whose own shape is right.

    Attributes:
        number: its position in the list.
        source: the file.
        entry: the element.
    """

    number: int
    source: Source
    entry: StageEntry | GateEntry

    @property
    def name(self) -> str:
        """The element's name."""
        return self.entry.name

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.source.line(("stages", self.number))

    @property
    def known_type(self) -> bool:
        """Whether its inputs and outputs are known."""
        return isinstance(self.entry, GateEntry) or self.entry.type in {*STAGE_TYPES, OPEN_TYPE}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The artifacts that it needs; the job's request is not one."""
        names = self._fixed.inputs if self._fixed else self.entry.inputs
        return tuple(name for name in names if name not in {REQUEST, *self.optional_inputs})

    @property
    def optional_inputs(self) -> tuple[str, ...]:
        """The artifacts that it is given if they are made."""
        kind = self._fixed
        return tuple(name for name in kind.inputs if name in kind.optional) if kind else ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The artifacts that it makes or brings."""
        return tuple(self._fixed.outputs if self._fixed else self.entry.outputs)

    @property
    def _fixed(self) -> StageType | None:
        return STAGE_TYPES.get(self.entry.type)

    def problem(self, field: str, message: str, remedy: str, item: int | None = None) -> Problem:
        """A problem in one of its fields."""
        place = ("stages", self.number, field)
        return self.source.problem(place if item is None else (*place, item), message, remedy)


@dataclass(frozen=True)
class Draft:
    """All that can be read of a topology.

    Attributes:
        source: the file.
        parts: the elements whose own shape is right and whose name is the first of its kind.
        repeated: the elements whose name stands earlier already.
        unreadable: names of elements whose shape is wrong.
        policies: those that stages may name.
    """

    source: Source
    parts: Mapping[str, Part]
    repeated: tuple[Part, ...]
    unreadable: frozenset[str]
    policies: Mapping[str, Policy]

    @cached_property
    def graph(self) -> dict[str, list[str]]:
        """What each part depends on, as far as that is a part too; no part on itself."""
        return {
            name: [need for need in part.entry.depends_on if need in self.parts and need != name]
            for name, part in self.parts.items()
        }

    @cached_property
    def order(self) -> list[str]:
        """The parts in order of dependency, less those on or behind a cycle."""
        return ordered(self.graph)

    @cached_property
    def makers(self) -> dict[str, Part]:
        """The first producer of each artifact."""
        makers: dict[str, Part] = {}
        for part in self.parts.values():
            for output in part.outputs:
                makers.setdefault(output, part)
        return makers

    @cached_property
    def upstream(self) -> dict[str, frozenset[str] | None]:
        """The artifacts produced before each part of `order`; None where a fault upstream hides them."""
        found: dict[str, frozenset[str] | None] = {}
        for name in self.order:
            artifacts: frozenset[str] | None = frozenset()
            for need in self.parts[name].entry.depends_on:
                above = found.get(need) if need != name else frozenset()
                if artifacts is None or above is None or (need in self.parts and not self.parts[need].known_type):
                    artifacts = None
                elif need != name:
                    artifacts |= above | frozenset(self.parts[need].outputs)
            found[name] = artifacts
        return found


def read_draft(source: Source, policies: Mapping[str, Policy]) -> Draft:
    """All that can be read of this file."""
    parts: dict[str, Part] = {}
    repeated: list[Part] = []
    unreadable: set[str] = set()
    for number, value in enumerate(_elements(source.data)):
        try:
            part = Part(number, source, _ENTRY.validate_python(value))
        except ValidationError:
            unreadable.update(_name(value))
            continue
        if part.name in parts:
            repeated.append(part)
        else:
            parts[part.name] = part
    return Draft(source, parts, tuple(repeated), frozenset(unreadable), policies)


def _elements(data: Any) -> list[Any]:  # noqa: ANN401 - whatever the file holds
    stages = data.get("stages")
    return stages if isinstance(stages, list) else []


def _name(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        yield value["name"]
