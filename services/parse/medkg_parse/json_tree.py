"""JSON as a tree, within limits and without what readers of JSON lose: numbers' digits, and names that occur twice."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from medkg_contracts.errors import InvalidDocument
from pydantic import JsonValue

#: Python refuses to make integers of more digits.
_MOST_DIGITS = 4000
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Number(float):
    """A number that Python would write in other digits than the body does: ``0.10``, ``-0``, ``1e400``."""

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, text: str) -> Self:
        """The number that a body writes as `text`."""
        number = super().__new__(cls, text)
        number._text = text
        return number

    def __repr__(self) -> str:
        """The body's own digits."""
        return self._text

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class _Place:
    """An object or a list in the tree, and where it stands."""

    value: dict[str, JsonValue] | list[JsonValue]
    name: str | int = ""
    above: "_Place | None" = None
    depth: int = 1

    def pointer(self, name: str | None = None) -> str:
        """The JSON Pointer of this place, or of the field of this name in it."""
        names, place = [] if name is None else [name], self
        while place.above is not None:
            names.append(str(place.name))
            place = place.above
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in reversed(names))


class _Objects:
    """Makes objects of pairs, and keeps those that have a name twice."""

    def __init__(self) -> None:
        self._doubtful: list[dict[str, JsonValue]] = []
        self._names: dict[int, str] = {}

    def make(self, pairs: Sequence[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        """The object of these pairs."""
        made = dict(pairs)
        if len(made) != len(pairs):
            (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
            self._doubtful.append(made)  # one that is dropped would leave its identity to another object
            self._names[id(made)] = name
        return made

    def repeated(self, value: object) -> str | None:
        """The name that this object has twice, if it has one."""
        return self._names.get(id(value))


def parse_json(body: str, max_depth: int) -> JsonValue:
    """The value that the body is.

    Raises:
        InvalidDocument: it is not JSON, is nested too deep, has half of a character, or an object has a name twice.
    """
    objects = _Objects()
    try:
        value: JsonValue = json.loads(
            body, object_pairs_hook=objects.make, parse_int=_integer, parse_float=_decimal, parse_constant=_refuse
        )
    except json.JSONDecodeError as error:
        raise InvalidDocument(f"the body is not JSON, perhaps truncated: {error}") from error
    except RecursionError as error:
        raise InvalidDocument(f"the body is nested deeper than {max_depth} levels") from error
    surrogates = _ESCAPED_SURROGATE.search(body) is not None
    for place in _places(value):
        if place.depth > max_depth:
            raise InvalidDocument(f"the body is nested deeper than {max_depth} levels")
        if (name := objects.repeated(place.value)) is not None:
            raise InvalidDocument(f"{place.pointer(name)} is there twice, and which of the two counts nobody can tell")
        if surrogates and _has_lone_surrogate(place.value):
            raise InvalidDocument(f"the body is not JSON text: {place.pointer() or 'its root'} has half a character")
    return value


def _places(value: JsonValue) -> Iterator[_Place]:
    """All objects and lists, each after the one that it is in."""
    open_ = [_Place(value)] if isinstance(value, dict | list) else []
    while open_:
        place = open_.pop()
        yield place
        within = place.value
        for name, item in within.items() if isinstance(within, dict) else enumerate(within):
            if isinstance(item, dict | list):
                open_.append(_Place(item, name, place, place.depth + 1))


def _has_lone_surrogate(value: dict[str, JsonValue] | list[JsonValue]) -> bool:
    texts = [*value, *value.values()] if isinstance(value, dict) else value
    return any(isinstance(text, str) and _SURROGATE.search(text) for text in texts)


def _integer(text: str) -> int | float:
    return Number(text) if text == "-0" or len(text) > _MOST_DIGITS else int(text)


def _decimal(text: str) -> float:
    value = float(text)
    return value if str(value) == text else Number(text)


def _refuse(name: str) -> float:
    raise InvalidDocument(f"the body is not JSON: {name} is no number")
