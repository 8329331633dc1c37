"""What vocabularies know of a search: which terms its words are, by which other names, and what is below them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from medkg_contracts.errors import InvalidRequest
from medkg_search.expansion import NAME_FIELDS, Expanded, Expansion, Relation, SoughtName
from medkg_search.filters import Meanings
from medkg_search.syntax import MAX_QUERY
from medkg_vocabulary import Vocabulary
from medkg_vocabulary.prefixes import normalised

from .recognising import Recognised, recognised

#: Terms of one query that are expanded: the first of them, of the first vocabulary before those of the next.
MOST_TERMS: Final = 6
#: Names that are looked for of a term.
MOST_SYNONYMS: Final = 14
MOST_DESCENDANTS: Final = 14
#: Of more terms the nearest are an arbitrary few, such as of "treatment": they are looked for by their ids alone.
MOST_NAMED_BELOW: Final = 500
#: A term with more below it says too little to look for any of them: "disease".
MOST_BELOW: Final = 5_000
#: OpenSearch takes no more values of one filter.
MOST_MEANINGS: Final = 65_000
#: Letters of a name in capitals that no word is like.
_SHORTEST_ACRONYM: Final = 5
#: Candidates that a message names.
_TOLD: Final = 5

_CURIE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*:\S+")
_LETTERS: Final = re.compile(r"[^\W_]+")


class Terms:
    """The terms of some vocabularies, in the order in which they are asked."""

    def __init__(self, vocabularies: Sequence[Vocabulary]) -> None:
        self._vocabularies = {vocabulary.about.name: vocabulary for vocabulary in vocabularies}

    async def close(self) -> None:
        """Close their files."""
        for vocabulary in self._vocabularies.values():
            vocabulary.close()

    def expanded(self, text: str, by: Sequence[str]) -> list[Expanded]:
        """What else is looked for where the text has names of these vocabularies; nothing twice.

        Raises:
            InvalidRequest: there is no vocabulary of this name here.
        """
        found: list[Expanded] = []
        seen: dict[str, list[tuple[str, ...]]] = {}
        left = most_names(text)
        for name in by:
            vocabulary = self._vocabulary(name)
            for each in list(dict.fromkeys(recognised(text, vocabulary)))[: MOST_TERMS - len(found)]:
                typed = each.typed.casefold()
                expanded = _expanded(vocabulary, each, seen.setdefault(typed, [_words(typed)]), left)
                left -= len(expanded.told.names)
                found.append(expanded)
        return found

    def meanings(self, entities: Iterable[str], by: Sequence[str]) -> Meanings:
        """The ids that are meant by entities of a filter.

        Args:
            entities: each an id, or a name; of vocabularies that know the name the first decides.
            by: vocabularies whose terms below them are meant, too.

        Raises:
            InvalidRequest: a name is that of no term, or of several; or there is no such vocabulary here.
        """
        below = [self._vocabulary(name) for name in by]
        return {entity: self._meaning(entity, below) for entity in entities}

    def labels(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The names of those that a vocabulary here has."""
        found = ((id_, vocabulary.label(id_)) for id_ in ids for vocabulary in self._vocabularies.values())
        return {id_: label for id_, label in found if label is not None}

    def _vocabulary(self, name: str) -> Vocabulary:
        if name not in self._vocabularies:
            raise InvalidRequest(
                f"there is no vocabulary {name!r} here",
                remedy=f"Expand by {' or '.join(self._vocabularies) or 'none'}, or have the service's MK_VOCABULARIES "
                "name the file of another one.",
            )
        return self._vocabularies[name]

    def _meaning(self, entity: str, below: Sequence[Vocabulary]) -> list[str]:
        id_ = normalised(entity) if is_id(entity) else self._id_of(entity)
        found = {id_: None}
        for vocabulary in below:
            descendants = vocabulary.below(id_, MOST_MEANINGS)
            if descendants is None:
                raise InvalidRequest(
                    f"there are more than {MOST_MEANINGS} terms below {id_}",
                    remedy="Ask for something narrower, or for the term alone, without expansion.",
                )
            found |= dict.fromkeys(descendants)
        return list(found)

    def _id_of(self, name: str) -> str:
        for vocabulary in self._vocabularies.values():
            terms = vocabulary.exactly_named(name)
            if len(terms) > 1:
                told = ", ".join(f"{term} ({vocabulary.label(term)})" for term, _ in terms[:_TOLD])
                raise InvalidRequest(f"{name!r} may be {told}", remedy="Give the id of the one that is meant.")
            if terms:
                return terms[0][0]
        raise InvalidRequest(
            f"no vocabulary here ({', '.join(self._vocabularies) or 'there is none'}) has the name {name!r}",
            remedy="Give the id of the entity, such as MESH:D003924, or look for the words.",
        )


def is_id(entity: str) -> bool:
    """Whether an entity is given by its id, and not by a name."""
    return _CURIE.fullmatch(entity) is not None


def most_names(text: str) -> int:
    """How many names are looked for beside a text.

    OpenSearch takes little more clauses than a query may have characters, each of which may be one; a name is one in
    each of its fields, and a term some more.
    """
    return max(0, (MAX_QUERY - len(text)) // len(NAME_FIELDS) - MOST_TERMS)


def _expanded(vocabulary: Vocabulary, each: Recognised, seen: list[tuple[str, ...]], most: int) -> Expanded:
    below = vocabulary.below(each.id, MOST_BELOW) or {}
    synonyms = _fresh(vocabulary.synonyms(each.id), seen, min(most, MOST_SYNONYMS))
    names = [SoughtName(text=text, id=each.id, relation=Relation.SYNONYM) for text in synonyms]
    if len(below) <= MOST_NAMED_BELOW:
        names += _descendants(vocabulary, below, seen, min(most - len(names), MOST_DESCENDANTS))
    told = Expansion(
        typed=each.typed,
        id=each.id,
        name=vocabulary.label(each.id) or each.id,
        vocabulary=vocabulary.about.name,
        names=tuple(names),
        descendants=len(below),
    )
    return Expanded(told, below)


def _descendants(
    vocabulary: Vocabulary, below: Mapping[str, str], seen: list[tuple[str, ...]], most: int
) -> list[SoughtName]:
    """The names of the nearest terms below, each by its preferred one before any by another."""
    found: list[SoughtName] = []
    for id_, name in below.items():
        texts = _fresh([name], seen, most - len(found))
        found += [SoughtName(text=text, id=id_, relation=Relation.DESCENDANT) for text in texts]
    for id_ in list(below)[:MOST_DESCENDANTS]:
        texts = _fresh(vocabulary.synonyms(id_), seen, most - len(found))
        found += [SoughtName(text=text, id=id_, relation=Relation.DESCENDANT) for text in texts]
    return found


def _fresh(names: Iterable[str], seen: list[tuple[str, ...]], most: int) -> Iterator[str]:
    """Those of the names, at most so many, that say what none of those before says, which they are added to.

    A name that has another one in it is found by that: who looks for pain finds back pain.
    """
    for name in names:
        if most <= 0:
            return
        text = _turned(name)
        words = _words(text)
        if words and not _reads_as_a_word(text) and not any(_within(shorter, words) for shorter in seen):
            seen.append(words)
            most -= 1
            yield text


def _turned(name: str) -> str:
    """A name as texts have it: "Diabetes Mellitus, Type 2" is "Type 2 Diabetes Mellitus"."""
    head, comma, rest = name.partition(", ")
    return f"{rest} {head}" if comma and ", " not in rest else name


def _reads_as_a_word(text: str) -> bool:
    """A short name in capitals is looked for by its id alone: texts are read without case, and COLD is cold."""
    return text.isupper() and len(text) < _SHORTEST_ACRONYM


def _words(text: str) -> tuple[str, ...]:
    """Its words without case and number."""
    return tuple(word.removesuffix("s") for word in _LETTERS.findall(text.casefold()))


def _within(shorter: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether these words stand among those side by side, in this order."""
    return any(words[at : at + len(shorter)] == shorter for at in range(len(words) - len(shorter) + 1))
