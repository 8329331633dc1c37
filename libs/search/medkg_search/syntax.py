"""The language of queries: free text, ``"exact phrases"``, ``field:value`` and ``-exclusions``. Pure.

A quote, a minus or a field's name means something only where a word begins; everywhere else, and before anything that
is no value, it is text: ``5" needle``, ``IL-6``, ``-20 °C``, ``ratio 1:2``. So a sentence that somebody pastes is
looked for as it stands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import first_violation
from pydantic import ValidationError

from .filters import AS_GIVEN, DateRange, Meanings, SearchFilters

#: The longest query that is read, in characters. Each may be a term of its own, and OpenSearch takes 1,024 clauses.
MAX_QUERY: Final = 1000
#: OpenSearch counts clauses: phrases, fields and exclusions together.
MAX_PARTS: Final = 32

#: The filter that a field of the language is.
FIELDS: Final[Mapping[str, str]] = {
    "source": "source",
    "status": "status",
    "phase": "phase",
    "mesh": "mesh",
    "section": "section_type",
    "id": "known_as",
    "date": "date",
    "entity": "entity",
}
_TITLE: Final = "title"
_WORDS: Final = ("text", "document_title", "section_title")

_QUOTES: Final = {'"': '"', "\u201c": "\u201d"}
_BEGINS: Final = re.compile(r"""(?P<minus>-(?=[^\W\d_]|["\u201c]))?(?:(?P<field>[A-Za-z]{2,20}):(?=[^\s:/]))?""")
_BARE: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together, in this order.

    Attributes:
        text: the words.
        title: they stand in the document's title; else they may stand in the text or in any title.
    """

    text: str
    title: bool = False

    def clause(self) -> dict[str, Any]:
        """As OpenSearch's clause."""
        fields = ["document_title"] if self.title else list(_WORDS)
        return {"multi_match": {"query": self.text, "type": "phrase", "fields": fields}}


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a query says.

    Attributes:
        text: the free words.
        phrases: each must be there.
        filters: what fields were given.
        excluded: what may not be there.
    """

    text: str
    phrases: tuple[Phrase, ...] = ()
    filters: SearchFilters = field(default_factory=SearchFilters)
    excluded: tuple[Phrase | SearchFilters, ...] = ()

    @property
    def words(self) -> str:
        """All that is looked for, for who knows no syntax, such as a model; empty if there are only filters."""
        return " ".join(part for part in (self.text, *(phrase.text for phrase in self.phrases)) if part)

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities that are asked for, or excluded."""
        excluded = (each.entity for each in self.excluded if isinstance(each, SearchFilters))
        return tuple(dict.fromkeys(entity for entities in (self.filters.entity, *excluded) for entity in entities))

    def clauses(self, meanings: Meanings = AS_GIVEN) -> list[dict[str, Any]]:
        """What must hold of every hit, whichever arm has found it, as OpenSearch's filter clauses.

        Args:
            meanings: the ids of entities that are not given by the one that they mean.
        """
        must = [*self.filters.clauses(meanings), *(phrase.clause() for phrase in self.phrases)]
        if self.excluded:
            excluded = (
                (each.clause(),) if isinstance(each, Phrase) else each.clauses(meanings) for each in self.excluded
            )
            must.append({"bool": {"must_not": [clause for clauses in excluded for clause in clauses]}})
        return must


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a query that begins where a word does.

    Attributes:
        start: where, from 0.
        end: where it ends.
        excluded: it has a minus before it.
        field: of the language; None for a phrase, and for a word.
        value: the phrase, word or field's value.
        quoted: the value stands in quotes.
    """

    start: int
    end: int
    excluded: bool
    field: str | None
    value: str
    quoted: bool

    @property
    def plain(self) -> bool:
        """It is free text."""
        return not (self.excluded or self.quoted or self.field)


def parse_query(query: str) -> SearchQuery:
    """What the query says.

    Raises:
        InvalidRequest: it is empty or too long, or a part of it is none; the message says where, and the remedy how
            the part is written.
    """
    if not query.strip():
        raise InvalidRequest("the query is empty", remedy="Give some words, or a field such as source:ctgov.")
    if len(query) > MAX_QUERY:
        raise InvalidRequest(
            f"the query has {len(query)} characters; at most {MAX_QUERY} are read", remedy="Make the query shorter."
        )
    parts = list(_parts(query))
    special = [part for part in parts if not part.plain]
    if len(special) > MAX_PARTS:
        _refuse(
            special[MAX_PARTS].start,
            f"more than {MAX_PARTS} phrases, fields and exclusions",
            "Leave some out, or make several searches.",
        )
    included = [part for part in special if not part.excluded]
    return SearchQuery(
        text=_free_text(query, special),
        phrases=tuple(_phrase(part) for part in included if part.field in (None, _TITLE)),
        filters=_filters([part for part in included if part.field in FIELDS]),
        excluded=tuple(_excluding(part) for part in special if part.excluded),
    )


def _parts(query: str) -> Iterator[_Part]:
    """The query's parts, in order; white space lies between them."""
    at = 0
    while (word := _BARE.search(query, at)) is not None:
        part = _part(query, word.start())
        yield part
        at = part.end


def _part(query: str, start: int) -> _Part:
    begins = _BEGINS.match(query, start)
    minus, name = (begins["minus"], begins["field"]) if begins else (None, None)
    name = name.lower() if name else None
    after = begins.end() if begins else start
    if name is not None and name not in FIELDS and name != _TITLE:
        _refuse_misspelt(start, name, query[after])
        name, after = None, start + len(minus or "")
    closing = _QUOTES.get(query[after])
    if closing is None:
        end = _bare_end(query, after)
        return _Part(start, end, minus is not None, name, query[after:end], quoted=False)
    end = query.find(closing, after + 1)
    if end < 0:
        _refuse(after, "the quote is not closed", 'Close it with a second ", or leave it out.')
    value = query[after + 1 : end]
    if not any(character.isalnum() for character in value):
        _refuse(after, "there is no word between the quotes", "Put the words between them, or leave them out.")
    return _Part(start, end + 1, minus is not None, name, value, quoted=True)


def _bare_end(query: str, start: int) -> int:
    word = _BARE.match(query, start)
    return word.end() if word else start


def _refuse_misspelt(start: int, name: str, first: str) -> None:
    """Refuses a name that is nearly a field's; any other word before a colon is text.

    Raises:
        InvalidRequest: it is.
    """
    known = get_close_matches(name, (*FIELDS, _TITLE), n=1, cutoff=0.8)
    if known and (first.isalnum() or first in _QUOTES):
        _refuse(
            start,
            f"there is no field {name!r}",
            f"Write {known[0]}:VALUE; the fields are {', '.join((_TITLE, *FIELDS))}. To look for the text itself, put "
            "it in quotes.",
        )


def _free_text(query: str, special: list[_Part]) -> str:
    """What is left without the parts that mean something; as it stands if there are none."""
    kept, at = [], 0
    for part in special:
        kept.append(query[at : part.start].strip())
        at = part.end
    kept.append(query[at:].strip())
    return " ".join(text for text in kept if text)


def _phrase(part: _Part) -> Phrase:
    return Phrase(part.value, title=part.field == _TITLE)


def _excluding(part: _Part) -> Phrase | SearchFilters:
    return _filters([part]) if part.field in FIELDS else _phrase(part)


def _filters(parts: list[_Part]) -> SearchFilters:
    """The filters that these parts are; the values of one field are alternatives, but for entities."""
    found: dict[str, Any] = {}
    for part in parts:
        name = FIELDS[str(part.field)]
        value = _dates(part) if name == "date" else _lower(name, part.value)
        try:
            SearchFilters.model_validate({name: (value,)})
        except ValidationError as error:
            told = first_violation(error).partition(": ")[2]
            _refuse(part.start, f"{part.field}: {told}", f"Correct the value {part.value[:80]!r}.")
        found.setdefault(name, []).append(value)
    return SearchFilters.model_validate({name: tuple(values) for name, values in found.items()})


def _lower(name: str, value: str) -> str:
    """The value; a source's and a section's name have no capitals."""
    return value.lower() if name in ("source", "section_type") else value


def _dates(part: _Part) -> DateRange:
    """The range: ``2020..2022``, ``2020..``, ``..2022``, or one day, month or year."""
    since, dots, until = part.value.partition("..")
    try:
        return DateRange.model_validate({"since": since or None, "until": (until if dots else since) or None})
    except ValidationError:
        _refuse(
            part.start,
            f"{part.value[:80]!r} is no date and no range of dates",
            "Write date:2021, date:2021-03-31, date:2020..2022, date:2020.. or date:..2022.",
        )


def _refuse(at: int, what: str, remedy: str) -> NoReturn:
    """Refuses the query.

    Raises:
        InvalidRequest: always.
    """
    raise InvalidRequest(f"the query, at character {at + 1}: {what}", remedy=remedy)
