"""Names of vocabularies found in text: whole words, the longest first, by an Aho-Corasick automaton."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from .spans import Found
from .tokens import Token, words

#: Before and behind each word: two signs, so that names that stand side by side have none in common.
_BEFORE, _BEHIND = "\x02", "\x03"
#: A name of one word that is shorter than this says too little.
_SHORTEST: Final = 3
#: A name of so few letters is a name only as it is written: AIDS, not aids.
_EXACT_UP_TO: Final = 5


@dataclass(frozen=True, slots=True)
class Match:
    """A name that was found.

    Attributes:
        first: of its tokens.
        last: of its tokens.
        kinds: what may be called so: Biolink's categories.
    """

    first: int
    last: int
    kinds: frozenset[str]


class Lexicon:
    """A set of names, each of one kind or more."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Build the automaton.

        Args:
            names: each with its kind, a Biolink category.
        """
        kinds: dict[str, set[str]] = {}
        self._exact: dict[str, set[str]] = {}
        for name, kind in names:
            for variant in _variants(name):
                its = words(variant)
                if not its or (len(its) == 1 and len(its[0]) < _SHORTEST):
                    continue
                pattern = _marked(f"{_BEHIND}{_BEFORE}".join(its))
                kinds.setdefault(pattern, set()).add(kind)
                if len(its) == 1 and len(its[0]) <= _EXACT_UP_TO and its[0].isupper():
                    self._exact.setdefault(pattern, set()).add(its[0])
        patterns = sorted(kinds)
        self._kinds = [frozenset(kinds[pattern]) for pattern in patterns]
        self._patterns = patterns
        self._automaton = AhoCorasick(
            patterns, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all names with their kinds."""
        kinds = (",".join(sorted(each)) for each in self._kinds)
        return sha256("\n".join(chain(self._patterns, kinds, sorted(self._exact))).encode()).hexdigest()

    def __len__(self) -> int:
        """How many different names there are."""
        return len(self._patterns)

    def find(self, said: Sequence[Token]) -> list[Match]:
        """The names among the words, from the left, of those that begin together the longest; none overlap."""
        parts = [_marked(word.text) for word in said]
        starts, position = [], 0
        for part in parts:
            starts.append(position)
            position += len(part)
        found = []
        for pattern, start, end in self._automaton.find_matches_as_indexes("".join(parts)):
            first, last = bisect_left(starts, start), bisect_left(starts, end) - 1
            as_written = self._exact.get(self._patterns[pattern])
            if as_written is None or said[first].text in as_written:
                found.append(Match(first, last, self._kinds[pattern]))
        return found

    def named(self, said: Sequence[Token]) -> Iterator[Found]:
        """The names among the words as mentions; where one may be of several kinds, of the first by name."""
        for match in self.find(said):
            yield Found(said[match.first].start, said[match.last].end, min(match.kinds), "dictionary")


def _variants(name: str) -> Iterable[str]:
    """The name, as it stands in an index turned round, and its plural: "Neoplasms, Lung" is "Lung Neoplasms"."""
    turned = " ".join(reversed(name.split(", "))) if name.count(", ") == 1 else name
    for variant in dict.fromkeys((name, turned)):
        yield variant
        if variant[-1:].isalpha() and variant[-1:].islower() and not variant.endswith("s"):
            yield variant + "s"


def _marked(word: str) -> str:
    return f"{_BEFORE}{word.casefold()}{_BEHIND}"
