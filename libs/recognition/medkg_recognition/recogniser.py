"""Names in a document's text, as mentions: found, settled, linked, and looked at in their sentences."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from medkg_contracts.ir import Document, Span
from medkg_contracts.knowledge import Mention

from .abbreviations import short_forms
from .context import context
from .lexicon import Lexicon
from .linking import Linker
from .spans import Found, settled
from .tagger import Tagger
from .tokens import sentences, tokens

#: A name that was found once is looked for in the rest of the document, unless it is shorter.
_SHORTEST_REPEAT: Final = 4


class Recogniser:
    """A tagger, a dictionary and a linker, together."""

    def __init__(self, tagger: Tagger | None, lexicon: Lexicon, linker: Linker) -> None:
        """Put them together.

        Args:
            tagger: None to go by the dictionary alone.
            lexicon: the dictionary.
            linker: says what names mean.
        """
        self._tagger = tagger
        self._lexicon = lexicon
        self._linker = linker

    def mentions(self, document: Document) -> list[Mention]:
        """All mentions in a document, in the order of its text; none overlap."""
        text = document.text
        short = short_forms(text)
        bounds = list(sentences(text))
        starts = [start for start, _ in bounds]
        sections = _Sections(document)
        made = []
        for each in settled(self._found(text, short)):
            name = text[each.start : each.end]
            low, high = bounds[max(bisect_right(starts, each.start) - 1, 0)]
            negated, hedged = context(text[low:high], each.start - low, each.end - low)
            made.append(
                Mention(
                    entity=self._linker.link(short.get(name, name), each.category),
                    category=each.category,
                    text=name,
                    span=Span(start=each.start, end=each.end),
                    section_id=sections.at(each.start),
                    negated=negated,
                    hedged=hedged,
                    recogniser=each.by,
                    score=each.score,
                )
            )
        return made

    def _found(self, text: str, short: Mapping[str, str]) -> list[Found]:
        if self._tagger is None:
            return list(self._by_dictionary(text))
        tagged = self._tagger.find(text, short)
        explained = list(_explained(text, short, tagged))
        return [*tagged, *explained, *_repeated(text, [*tagged, *explained])]

    def _by_dictionary(self, text: str) -> Iterator[Found]:
        for start, end in sentences(text):
            words = tokens(text, start, end)
            for match in self._lexicon.find(words):
                (category, *_) = sorted(match.kinds)
                yield Found(words[match.first].start, words[match.last].end, category, "dictionary")


class _Sections:
    """Which section a position of the document's text is in."""

    def __init__(self, document: Document) -> None:
        self._ids = [section.id for section in document.sections]
        self._starts = []
        position = 0
        for section in document.sections:
            self._starts.append(position)
            position += len(section.text) + 2

    def at(self, position: int) -> str:
        return self._ids[max(bisect_right(self._starts, position) - 1, 0)]


def _explained(text: str, short: Mapping[str, str], tagged: Iterable[Found]) -> Iterator[Found]:
    """Short forms are what their long forms are, wherever they stand."""
    kinds = {text[each.start : each.end].casefold(): each.category for each in tagged}
    for form, long in short.items():
        if (category := kinds.get(long.casefold())) is not None:
            yield from _everywhere(text, form, category, "abbreviation")


def _repeated(text: str, tagged: Iterable[Found]) -> Iterator[Found]:
    """What a name is found to be in one sentence it is in the others."""
    kinds: dict[str, Counter[str]] = {}
    for each in tagged:
        kinds.setdefault(text[each.start : each.end], Counter())[each.category] += 1
    for name, its in kinds.items():
        if len(name) >= _SHORTEST_REPEAT:
            yield from _everywhere(text, name, min(its, key=lambda kind: (-its[kind], kind)), "repeat")


def _everywhere(text: str, name: str, category: str, by: str) -> Iterator[Found]:
    for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        yield Found(found.start(), found.end(), category, by)
