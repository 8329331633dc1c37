"""The whole of it: mentions found in a text, settled where they overlap, linked, and looked at in their sentences."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .abbreviations import short_forms
from .context import context
from .lexicon import Lexicon
from .linking import Linker
from .spans import Found, settled
from .tagger import Tagger
from .tokens import sentences, tokens

#: A name that was found once is looked for in the rest of the text, unless it is shorter.
_SHORTEST_REPEAT: Final = 4

#: A stretch of a text.
Part = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Named:
    """A place where a text names something.

    Attributes:
        entity: what it names; None where no vocabulary has it.
        sentence: in which it stands.
    """

    found: Found
    entity: str | None
    sentence: Part
    negated: bool
    hedged: bool


class Recogniser:
    """A tagger, a dictionary and a linker, together."""

    def __init__(self, tagger: Tagger | None, lexicon: Lexicon, linker: Linker) -> None:
        """Put them together.

        Args:
            tagger: None to go by the dictionary alone.
            lexicon: the dictionary; with a tagger, of what it does not know by itself.
            linker: says what names mean.
        """
        self._tagger = tagger
        self._lexicon = lexicon
        self._linker = linker

    def recognise(self, text: str, parts: Iterable[Part] | None = None) -> list[Named]:
        """All mentions in a text, in its order; none overlap.

        Args:
            text: of a document; short forms are explained anywhere in it.
            parts: which stretches are looked through; no mention goes beyond one. By default the whole text.
        """
        short = short_forms(text)
        within = [(0, len(text))] if parts is None else list(parts)
        bounds = [sentence for start, end in within for sentence in sentences(text, start, end)]
        return [self._named(text, each, bounds, short) for each in settled(self._found(text, bounds, short))]

    def _named(self, text: str, found: Found, bounds: Sequence[Part], short: Mapping[str, str]) -> Named:
        low, high = bounds[max(bisect_right(bounds, (found.start, len(text))) - 1, 0)]
        negated, hedged = context(text[low:high], found.start - low, found.end - low)
        name = text[found.start : found.end]
        entity = self._linker.link(short.get(name, name), found.category)
        return Named(found, entity, (low, high), negated, hedged)

    def _found(self, text: str, bounds: Sequence[Part], short: Mapping[str, str]) -> list[Found]:
        words = [tokens(text, start, end) for start, end in bounds]
        if self._tagger is None:
            return [each for sentence in words for each in self._lexicon.named(sentence)]
        tagged = self._tagger.find(text, words, short)
        explained = list(_explained(text, bounds, short, tagged))
        return [*tagged, *explained, *_repeated(text, bounds, [*tagged, *explained])]


def _explained(text: str, bounds: Sequence[Part], short: Mapping[str, str], tagged: Iterable[Found]) -> Iterator[Found]:
    """Short forms are what their long forms are, wherever they stand."""
    kinds = {text[each.start : each.end].casefold(): each.category for each in tagged}
    for form, long in short.items():
        if (category := kinds.get(long.casefold())) is not None:
            yield from _everywhere(text, bounds, form, category, "abbreviation")


def _repeated(text: str, bounds: Sequence[Part], tagged: Iterable[Found]) -> Iterator[Found]:
    """What a name is found to be in one sentence it is in the others."""
    kinds: dict[str, Counter[str]] = {}
    for each in tagged:
        kinds.setdefault(text[each.start : each.end], Counter())[each.category] += 1
    for name, its in kinds.items():
        if len(name) >= _SHORTEST_REPEAT:
            yield from _everywhere(text, bounds, name, min(its, key=lambda kind: (-its[kind], kind)), "repeat")


def _everywhere(text: str, bounds: Sequence[Part], name: str, category: str, by: str) -> Iterator[Found]:
    """The places within the sentences where a name stands as whole words."""
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()) and _inside(bounds, start, end):
            yield Found(start, end, category, by)
        start = text.find(name, end)


def _inside(bounds: Sequence[Part], start: int, end: int) -> bool:
    place = bisect_right(bounds, (start, end)) - 1
    return any(low <= start and end <= high for low, high in bounds[max(place, 0) : place + 2])
