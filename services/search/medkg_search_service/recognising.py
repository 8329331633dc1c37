"""Finds the names of a vocabulary's terms among the words of a query."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

#: Words of the longest name that is looked for.
_LONGEST: Final = 8
#: A name of one word that is shorter than this says too little.
_SHORTEST: Final = 3
#: A name of so few letters in capitals is one only as it is written: AIDS, not aids.
_AS_WRITTEN_UP_TO: Final = 5
_WORD: Final = re.compile(r"\S+")
_AROUND: Final = ".,;:!?()[]{}\"'\u2018\u2019\u201c\u201d"


class Names(Protocol):
    """Knows which terms have a name."""

    def exactly_named(self, name: str) -> list[tuple[str, str]]:
        """Their ids, with the name as it is written; those first that prefer it."""
        ...


@dataclass(frozen=True, slots=True)
class Recognised:
    """A name that the query has.

    Attributes:
        typed: as it stands there.
        id: of the term that has it; of several, the one that prefers the name, or else the first.
    """

    typed: str
    id: str


def recognised(text: str, names: Names) -> list[Recognised]:
    """The names in a text, from the left: of those that begin together the longest; none overlap."""
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    found: list[Recognised] = []
    first = 0
    while first < len(words):
        length, name = _longest(text, words[first : first + _LONGEST], names)
        if name is not None:
            found.append(name)
        first += length
    return found


def _longest(text: str, words: list[tuple[int, int]], names: Names) -> tuple[int, Recognised | None]:
    """The longest name that begins with these words, and how many of them it has; one word and None without."""
    for length in range(len(words), 0, -1):
        typed = text[words[0][0] : words[length - 1][1]].strip(_AROUND)
        if len(typed) < _SHORTEST:
            continue
        terms = (
            term for spelling in _spellings(typed) for term, name in names.exactly_named(spelling) if _is(typed, name)
        )
        if (term := next(terms, None)) is not None:
            return length, Recognised(typed, term)
    return 1, None


def _spellings(typed: str) -> Iterator[str]:
    """As it is typed, and in the other number: who types heart attacks means a heart attack."""
    yield typed
    if typed[-1].isalpha():
        yield typed[:-1] if typed[-1] in "sS" else f"{typed}s"


def _is(typed: str, name: str) -> bool:
    short = name.isupper() and len(name) <= _AS_WRITTEN_UP_TO and " " not in name
    return not short or typed.startswith(name) or name.startswith(typed)
