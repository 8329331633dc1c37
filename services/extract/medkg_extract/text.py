"""What a document's text names: mentions, and that the document mentions what they mean, with the sentences."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from medkg_contracts.ir import SECTION_BREAK, Document, SectionType, Span
from medkg_contracts.knowledge import Entity, Mention, TextEvidence
from medkg_recognition import Named, Recogniser
from medkg_vocabulary import Vocabulary

from .gathering import Gathering, Voice

#: Who says what is read out of a text.
SOURCE: Final = "infores:medkg"
#: A claim has so many sentences at most: those that are no more than further places of the same.
MOST_EVIDENCE: Final = 20
#: A sentence that is longer, such as a table, is quoted only around the name.
_LONGEST_QUOTE: Final = 600

#: What is no prose about the document's subject, or what the record itself says field by field.
UNREAD: Final[frozenset[SectionType]] = frozenset(
    {"status", "sponsor", "contacts", "locations", "references", "data_sharing", "documents", "terms", "adverse_events"}
)


class TextReader:
    """Finds what a document's text names."""

    def __init__(self, recogniser: Recogniser, vocabularies: Sequence[Vocabulary]) -> None:
        """Read with these.

        Args:
            recogniser: finds names and says what they mean.
            vocabularies: say what else is known of that.
        """
        self._recogniser = recogniser
        self._vocabularies = vocabularies

    def read(self, document: Document, gathering: Gathering) -> None:
        """Add mentions, the entities that they mean, and that the document mentions these."""
        text = document.text
        sections = list(_sections(document))
        named = self._recogniser.recognise(text, [(start, end) for _, start, end in sections])
        by_entity: dict[str, list[tuple[Named, str]]] = {}
        for each, section in _within(named, sections):
            gathering.mention(_mention(text, each, section))
            if each.entity is not None:
                by_entity.setdefault(each.entity, []).append((each, section))
        for id_, places in by_entity.items():
            gathering.have(self._entity(id_, places[0][0], text))
            _claim(gathering, text, id_, places)

    def _entity(self, id_: str, first: Named, text: str) -> Entity:
        """As the first vocabulary has it that knows it; as the text has it where none does."""
        terms = (vocabulary.term(id_) for vocabulary in self._vocabularies)
        if (term := next((each for each in terms if each is not None), None)) is not None:
            return Entity(id=id_, category=term.category, name=term.name, xrefs=term.xrefs)
        found = first.found
        return Entity(id=id_, category=found.category, name=text[found.start : found.end])


def _sections(document: Document) -> Iterator[tuple[str, int, int]]:
    """The sections that are read: their ids, and where they are in the document's text."""
    position = 0
    for section in document.sections:
        if section.type not in UNREAD:
            yield section.id, position, position + len(section.text)
        position += len(section.text) + len(SECTION_BREAK)


def _within(named: Iterable[Named], sections: Sequence[tuple[str, int, int]]) -> Iterator[tuple[Named, str]]:
    """Each with the section that it is in; both are in the order of the text."""
    rest = iter(sections)
    id_, _, end = "", 0, -1
    for each in named:
        while each.found.start >= end:
            id_, _, end = next(rest)
        yield each, id_


def _mention(text: str, named: Named, section: str) -> Mention:
    found = named.found
    return Mention(
        entity=named.entity,
        category=found.category,
        text=text[found.start : found.end],
        span=Span(start=found.start, end=found.end),
        section_id=section,
        negated=named.negated,
        hedged=named.hedged,
        recogniser=found.by,
        score=found.score,
    )


def _claim(gathering: Gathering, text: str, id_: str, places: Sequence[tuple[Named, str]]) -> None:
    """That the document mentions it: proved first by the sentences that say plainly that it is so.

    A document that only denies or doubts it still mentions it, and the claim says so: it never becomes a claim that the
    document does not mention it.
    """
    plain = [named for named, _ in places if not (named.negated or named.hedged)]
    ordered = sorted(places, key=lambda each: (each[0].negated, each[0].hedged, each[0].found.start))
    evidence = dict.fromkeys(_evidence(text, named, section) for named, section in ordered)
    kept = tuple(evidence)[:MOST_EVIDENCE]
    gathering.drop("further-sentences", len(evidence) - len(kept))
    certainty = "" if plain else "hedged" if any(not named.negated for named, _ in places) else "negated"
    sure = max(named.found.score for named, _ in places)
    voice = Voice(SOURCE, "text_mining_agent", (gathering.document,), sure)
    gathering.claim(voice, gathering.document, "mentions", id_, kept, "prediction", certainty=certainty)


def _evidence(text: str, named: Named, section: str) -> TextEvidence:
    start, end = named.sentence
    if end - start > _LONGEST_QUOTE:
        room = _LONGEST_QUOTE // 2
        start, end = max(start, named.found.start - room), min(end, named.found.end + room)
    return TextEvidence(section_id=section, span=Span(start=start, end=end), quote=text[start:end])
