"""Which term of a vocabulary a name in a text means."""

from collections.abc import Iterable, Iterator, Mapping
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

        A term that refers to one of an earlier vocabulary is that one, by another name: DOID:1824 is MESH:D013226.

        Args:
            vocabularies: with the one whose ids are wanted first.
            learned: what people have linked, which counts before all names; where it is a term that the vocabulary of
                its prefix does not have, as it goes by another id today, after them.
        """
        self._learned = dict(learned or {})
        self._names: list[_Names] = []
        self._known: set[str] = set()
        for vocabulary in vocabularies:
            same = {term: xref for term, xref in vocabulary.xrefs() if xref in self._known}
            names = _Names()
            for text, id_, category, _ in vocabulary.preferred_first():
                names.add(text, _UNDER.get(category, category), same.get(id_, id_))
                self._known.add(id_)
            self._names.append(names)

        self._prefixes = frozenset(map(_prefix, self._known))

    def link(self, name: str, category: str) -> str | None:
        """The id of the term of this category that the name means; None if none does."""
        kind = _UNDER.get(category, category)
        words = key(name)
        for shorter in _shortened(words, both_ends=kind == "biolink:ChemicalEntity"):
            if (found := self._found(kind, shorter)) is not None:
                return found
        return None

    def _found(self, kind: str, words: Key) -> str | None:
        said = self._learned.get((kind, words))
        if said is not None and (said in self._known or _prefix(said) not in self._prefixes):
            return said
        return next((found for names in self._names if (found := names.find(kind, words)) is not None), said)


class _Names:
    """The names of a vocabulary: as they are, in any order of words, and in words that mean the same."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, Key], str] = {}

    def add(self, text: str, kind: str, id_: str) -> None:
        """A name; one that another term has already is not taken from it."""
        for form in _forms(kind, key(text)):
            self._ids.setdefault(form, id_)

    def find(self, kind: str, words: Key) -> str | None:
        """The term that is called so, or as nearly so as is allowed."""
        return next((found for form in _forms(kind, words) if (found := self._ids.get(form)) is not None), None)


def _prefix(id_: str) -> str:
    return id_.partition(":")[0]


def _forms(kind: str, words: Key) -> Iterator[tuple[str, Key]]:
    if words:
        yield kind, words
        yield f"{kind} bag", bag(words)
        yield f"{kind} meaning", meaning(words)


def _shortened(words: Key, *, both_ends: bool) -> Iterable[Key]:
    yield words
    for left_out in range(1, len(words)):
        yield words[left_out:]
        if both_ends:
            yield words[:-left_out]
