"""A work of OpenAlex as a document: its title, and its abstract, which a record has as places of words."""

from collections.abc import Mapping
from typing import Final

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from pydantic import JsonValue

from .generic import clean
from .json_tree import parse_json

SOURCE: Final = "openalex"
#: A work's metadata: what one filters by.
_FACTS: Final = ("type", "publication_year", "publication_date", "is_retracted", "doi")
_MAX_BODY: Final = 16_000_000
_MAX_DEPTH: Final = 16
_MAX_WORDS: Final = 100_000


def read_work(payload: RawPayload) -> Document:
    """The work's document; the abstract is put together by the places that the record gives for each word.

    Raises:
        InvalidDocument: the payload is not a work, is another than was asked for, or has neither title nor abstract.
    """
    if len(payload.body) > _MAX_BODY:
        raise InvalidDocument(f"the work has {len(payload.body)} characters; the limit is {_MAX_BODY}")
    work = parse_json(payload.body.removeprefix("\ufeff"), _MAX_DEPTH)
    if not isinstance(work, dict):
        raise InvalidDocument(f"the work is no object but {type(work).__name__}")
    own = work.get("id")
    if not isinstance(own, str) or own.rpartition("/")[2] != payload.source_id:
        raise InvalidDocument(f"/id is {own!r:.80}, but {payload.source_id!r} was asked for")
    provenance = Provenance(source=SOURCE, source_id=payload.source_id, uri=payload.uri, sha256=payload.sha256)
    title, abstract = _title(work), _abstract(work)
    parts = (("title", "Title", title, "/title"), ("abstract", "Abstract", abstract, "/abstract_inverted_index"))
    sections = [
        Section.model_validate(
            {"id": kind, "type": kind, "title": heading, "text": text,
             "provenance": provenance.model_copy(update={"path": path})}
        )
        for kind, heading, text, path in parts
        if text
    ]  # fmt: skip
    if not sections:
        raise InvalidDocument("neither /title nor /abstract_inverted_index has any word")
    facts = {name: work[name] for name in _FACTS if isinstance(work.get(name), str | bool | int)}
    return Document(
        id=f"{SOURCE}:{payload.source_id}",
        source=SOURCE,
        title=title or payload.source_id,
        sections=sections,
        metadata=facts,
        provenance=provenance,
    )


def _title(work: Mapping[str, JsonValue]) -> str:
    title = work.get("title") or work.get("display_name") or ""
    if not isinstance(title, str):
        raise InvalidDocument(f"/title is no text but {type(title).__name__}")
    return " ".join(clean(title).split())


def _abstract(work: Mapping[str, JsonValue]) -> str:
    index = work.get("abstract_inverted_index") or {}
    if not isinstance(index, dict):
        raise InvalidDocument(f"/abstract_inverted_index is no object but {type(index).__name__}")
    words: dict[int, str] = {}
    for word, places in index.items():
        for place in places if isinstance(places, list) else [places]:
            if not isinstance(place, int) or not 0 <= place < _MAX_WORDS:
                raise InvalidDocument(f"/abstract_inverted_index has {word!r:.80} at {place!r:.80}, which is no place")
            words[place] = word
    return clean(" ".join(words[place] for place in sorted(words)))
