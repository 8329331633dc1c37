"""The work itself: a node, and what its facts are read and gathered with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from medkg_contracts.ir import Document
from medkg_contracts.knowledge import Attributes, Entity, Scalar

from medkg_extract.gathering import Gathering, Voice, local_id, node_of
from medkg_extract.record import Field

from .identifiers import Scheme, curie_of

#: https://github.com/biolink/information-resource-registry
SOURCE: Final = "infores:openalex"
_CATEGORIES: Final = {
    **dict.fromkeys(("article", "journal-article", "review", "letter", "editorial", "erratum"), "Article"),
    **dict.fromkeys(("preprint", "posted-content"), "PreprintPublication"),
    **dict.fromkeys(("book", "monograph"), "Book"),
    "book-chapter": "BookChapter",
}
#: Of a work of any other type, and of one of which only its id is known.
PUBLICATION: Final = "Publication"
_WORDS: Final = {
    "type": "type",
    "publication_date": "publication_date",
    "language": "language",
    "open_access/oa_status": "open_access",
    "primary_location/license": "license",
}
_FLAGS: Final = {"is_retracted": "is_retracted", "is_paratext": "is_paratext"}


@dataclass(frozen=True, slots=True)
class Work:
    """A work, and where its facts go.

    Attributes:
        record: of OpenAlex.
        id: of the work's node.
        facts: what is known so far.
        asserted: whoever says what OpenAlex has of publishers, authors and registries.
        predicted: whoever says what OpenAlex has read out of titles and abstracts.
    """

    record: Field
    id: str
    facts: Gathering
    asserted: Voice
    predicted: Voice

    def objects(self, field: Field) -> Iterator[Field]:
        """The elements of a list that are objects."""
        yield from self._elements(field, dict)

    def texts(self, field: Field) -> Iterator[Field]:
        """The elements of a list that are texts."""
        yield from self._elements(field, str)

    def curie(self, field: Field, scheme: Scheme) -> str | None:
        """The id in a field; None if there is none, or one that is none of this scheme."""
        if not field:
            return None
        if (found := curie_of(scheme, field.text)) is None:
            self.facts.drop(f"{scheme}_malformed")
        return found

    def node(self, kind: str, category: str, name: Field, ids: list[str | None], **attributes: Scalar) -> str | None:
        """A thing with the first of these ids, the others beside it; without one it is known by its name."""
        known = list(dict.fromkeys(id_ for id_ in ids if id_))
        if not (known or name.text):
            self.facts.drop(f"{kind}_nameless")
            return None
        id_ = known[0] if known else local_id(kind, name.text)
        return self.facts.entity(id_, category, name.text, known[1:], **attributes)

    def number(self, field: Field) -> float | None:
        """The number in a field, which older records have as text."""
        if not field:
            return None
        try:
            return float(field.text)
        except ValueError:
            self.facts.drop(f"{_last(field)}_malformed")
            return None

    def _elements(self, field: Field, kind: type) -> Iterator[Field]:
        if field.value is not None and not isinstance(field.value, list):
            self.facts.drop(f"{_last(field)}_malformed")
        for each in field:
            if isinstance(each.value, kind):
                yield each
            elif each.value is not None:
                self.facts.drop(f"{_last(field)}_malformed")


def work_of(document: Document, record: Field) -> Work:
    """The work, with its own node and the ids that it goes by."""
    own = record / "id" or record / "ids/openalex"
    schemes: tuple[tuple[Field, Scheme], ...] = (
        (record / "ids/pmid", "pmid"), (own, "openalex"), (record / "doi" or record / "ids/doi", "doi"),
        (record / "ids/pmcid", "pmcid"),
    )  # fmt: skip
    pmid, openalex, *others = (curie_of(scheme, field.text) for field, scheme in schemes)
    # A DOI has a slash in it, which exchange formats allow in no node's id.
    nameless = node_of(document.id)
    id_, *xrefs = [each for each in (pmid, openalex, nameless, *others) if each]
    category = _CATEGORIES.get((record / "type").text, PUBLICATION)
    name = (record / "display_name" or record / "title").text or document.title or id_
    entity = Entity(
        id=id_,
        category=f"biolink:{category}",
        name=name,
        xrefs=tuple(each for each in xrefs if each != nameless),
        attributes=_attributes(record),
    )
    facts = Gathering(document.id, entity)
    for (field, scheme), curie in zip(schemes, (pmid, openalex, *others), strict=True):
        if field.value is not None and curie is None:
            facts.drop(f"{scheme}_malformed")
    work = Work(
        record, id_, facts, Voice(SOURCE, "automated_agent", (id_,)), Voice(SOURCE, "text_mining_agent", (id_,))
    )
    if pmid and openalex:
        # By this id other works cite it.
        facts.entity(openalex, category, name)
        facts.claim(work.asserted, pmid, "same_as", openalex, [own.evidence])
    return work


def _attributes(record: Field) -> Attributes:
    words: Attributes = {name: text for path, name in _WORDS.items() if (text := (record / path).text)}
    if "publication_date" not in words and (year := (record / "publication_year").text):
        words["publication_date"] = year
    flags = ((name, (record / path).value) for path, name in _FLAGS.items())
    return words | {name: value for name, value in flags if isinstance(value, bool)}


def _last(field: Field) -> str:
    """The name of a field, without the numbers of elements of lists."""
    return next(part for part in reversed(field.pointer.split("/")) if not part.isdecimal()) or "record"
