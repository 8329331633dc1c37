"""Which term of a vocabulary a name in a text means."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from medkg_vocabulary import Vocabulary

from .keys import Key, bag, key, meaning

#: Terms of these categories are looked for under a mention's one: a sign is told as a disease, a protein as a chemical.
_UNDER: Final[Mapping[str, str]] = {
    "biolink:PhenotypicFeature": "biolink:Disease",
    "biolink:Protein": "biolink:ChemicalEntity",
    "biolink:Drug": "biolink:ChemicalEntity",
    "biolink:SmallMolecule": "biolink:ChemicalEntity",
}

#: Names that were linked by people, with what they meant: (category, key) -> id.
Learned = Mapping[tuple[str, Key], str]


class Linker:
    """Finds terms by their names: as they are, in another order of words, in words that mean the same.

    A name that no vocabulary has is tried without its first words, and a chemical's also without its last: "severe low
    back pain" is low back pain.
    """

    def __init__(self, vocabularies: Iterable[Vocabulary], learned: Learned | None = None) -> None:
        """Read the names of the vocabularies; those of an earlier one count first.

        Args:
            vocabularies: with the one whose ids are wanted first.
            learned: what people have linked, which counts before all names.
        """
        self._learned = dict(learned or {})
        self._exact: dict[tuple[str, Key], str] = {}
        self._bags: dict[tuple[str, Key], str] = {}
        self._meanings: dict[tuple[str, Key], str] = {}
        for vocabulary in vocabularies:
            for text, id_, category, preferred in vocabulary.preferred_first():
                self._add(text, _UNDER.get(category, category), id_, preferred=preferred)

    def link(self, name: str, category: str) -> str | None:
        """The id of the term of this category that the name means; None if none does."""
        kind = _UNDER.get(category, category)
        words = key(name)
        for shorter in _shortened(words, both_ends=kind == "biolink:ChemicalEntity"):
            if (found := self._found(kind, shorter)) is not None:
                return found
        return None

    def _found(self, kind: str, words: Key) -> str | None:
        tables: tuple[tuple[Mapping[tuple[str, Key], str], Callable[[Key], Key]], ...] = (
            (self._learned, tuple),
            (self._exact, tuple),
            (self._bags, bag),
            (self._meanings, meaning),
        )
        return next((found for table, of in tables if (found := table.get((kind, of(words)))) is not None), None)

    def _add(self, text: str, kind: str, id_: str, *, preferred: bool) -> None:
        words = key(text)
        if not words:
            return
        if preferred:
            self._exact[kind, words] = id_
        for table, of in ((self._exact, words), (self._bags, bag(words)), (self._meanings, meaning(words))):
            table.setdefault((kind, of), id_)


def _shortened(words: Key, *, both_ends: bool) -> Iterable[Key]:
    yield words
    for left_out in range(1, len(words)):
        yield words[left_out:]
        if both_ends:
            yield words[:-left_out]
