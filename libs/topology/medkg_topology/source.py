"""A YAML file as data, with the line of every field. Nothing in the file can run code or fill the memory."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from .problems import Problem

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_ALIASES = 64
#: Values in all, counted after aliases are expanded: what stops a "billion laughs" file.
MAX_VALUES = 5_000

#: Digits of a whole number: what 64 bits hold, so that nothing that computes with it overflows.
MAX_DIGITS = 18

#: Where a value stands: keys and list positions from the top of the file.
Place = tuple[str | int, ...]

#: A value without parts.
Scalar = str | int | float | bool | None

#: A value of a file.
Value = dict[str, "Value"] | list["Value"] | Scalar

_TAG = "tag:yaml.org,2002:"


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits")
    return int(text)


_SCALARS: Mapping[str, Callable[[str], Scalar]] = {
    _TAG + "str": str,
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _whole,
    _TAG + "float": float,
}


class _CoreLoader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's core scalars, so that ``no``, ``on`` and ``15:00`` stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_CoreLoader.add_implicit_resolver(_TAG + "null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_CoreLoader.add_implicit_resolver(_TAG + "bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_CoreLoader.add_implicit_resolver(_TAG + "int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_CoreLoader.add_implicit_resolver(
    _TAG + "float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read.

    Attributes:
        file: its path as it was given.
        data: its content; None when it could not be read.
        lines: the line of each place; of a field, the line of its key.
        problems: why it could not be read, or not wholly.
    """

    file: str
    data: Any = None
    lines: Mapping[Place, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, place: Place) -> int:
        """The line of this place, or of the nearest one around it that exists."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, message: str, remedy: str) -> Problem:
        """A problem at this place."""
        return Problem(self.file, self.line(place), name_of(place), message, remedy)


def name_of(place: Place) -> str:
    """A place as messages name it: ``stages[2].depends_on``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".") or "file"


def read_source(file: str, content: bytes) -> Source:
    """The file's data; what is wrong with its YAML stands in the result's problems."""
    if len(content) > MAX_BYTES:
        return _unreadable(file, 1, f"has more than {MAX_BYTES} bytes", "Split it into several topologies.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(file, line, "is not UTF-8 text", "Save the file as UTF-8.")
    try:
        too_much = _excess(text)
        if too_much is not None:
            return _unreadable(file, *too_much)
        root = yaml.compose(text, Loader=_CoreLoader)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets numbers of its own escape unread
        line, what = _syntax(error, text)
        return _unreadable(file, line, f"is not YAML: {what}", "Correct the indentation, quotes or brackets here.")
    if root is None:
        return _unreadable(file, 1, "is empty", "Write it as the schema in topologies/schema says.")
    return _Reading(file).source(root)


def _unreadable(file: str, line: int, message: str, remedy: str) -> Source:
    return Source(file, problems=(Problem(file, line, "file", message, remedy),))


def _excess(text: str) -> tuple[int, str, str] | None:
    """What passes a bound, found while parsing: before anything is built from it."""
    depth = aliases = values = 0
    for event in yaml.parse(text, Loader=_CoreLoader):
        line = _line(event.start_mark)
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            return line, f"has more than {MAX_VALUES} values", "Split it into several topologies."
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return line, f"is nested more than {MAX_DEPTH} deep", "Write it flat, as the schema says."
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MAX_ALIASES:
                return line, f"has more than {MAX_ALIASES} aliases", "Write the values out."
    return None


def _syntax(error: Exception, text: str) -> tuple[int, str]:
    if isinstance(error, yaml.MarkedYAMLError):
        context = f" {error.context}" if error.context else ""
        return _line(error.problem_mark), f"{error.problem}{context}"
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1, "it has a control character"
    return 1, str(error)


class _Mark(Protocol):
    line: int


def _line(mark: _Mark | None) -> int:
    return 1 if mark is None else mark.line + 1


class _Reading:
    """Builds the data of one file from its YAML nodes, noting lines and problems on the way."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[Place, int] = {}
        self._problems: list[Problem] = []
        self._values = 0

    def source(self, root: yaml.Node) -> Source:
        data = self._value(root, ())
        if self._values > MAX_VALUES:
            return _unreadable(
                self._file,
                1,
                f"has more than {MAX_VALUES} values, aliases expanded",
                "Write the values out.",
            )
        if not isinstance(data, dict):
            return _unreadable(self._file, 1, "is not a mapping of fields", "Begin it with `name: value` lines.")
        return Source(self._file, data, self._lines, tuple(self._problems))

    def _value(self, node: yaml.Node, place: Place) -> Value:
        self._values += 1
        self._lines.setdefault(place, _line(node.start_mark))
        # An anchor that holds itself has no end; the depth and the count both stop it.
        if self._values > MAX_VALUES or len(place) > MAX_DEPTH:
            self._values = MAX_VALUES + 1
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self._value(item, (*place, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
                self._refuse(key_node, place, "has a key that is not text", "Put it in quotes.")
                continue
            key = key_node.value
            here = (*place, key)
            if key in values:
                first = self._lines[here]
                self._refuse(key_node, here, f"stands twice; first on line {first}", "Leave one of the two out.")
                continue
            self._lines[here] = _line(key_node.start_mark)
            values[key] = self._value(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, place: Place) -> Scalar:
        read = _SCALARS.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
        if read is None:
            self._refuse(node, place, f"has the tag {node.tag}", "Leave the tag out; plain text and numbers suffice.")
            return None
        try:
            return read(node.value)
        except ValueError:
            kind = node.tag.removeprefix(_TAG)
            self._refuse(node, place, f"is no {kind} that can be read", "Write it as plain text or a plain number.")
            return None

    def _refuse(self, node: yaml.Node, place: Place, message: str, remedy: str) -> None:
        line = _line(node.start_mark)
        self._problems.append(Problem(self._file, line, name_of(place), message, remedy))
