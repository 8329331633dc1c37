"""A row of a corpus in BEIR's layout as a document: ``{"_id": …, "title": …, "text": …, "metadata": {…}}``."""

from collections.abc import Mapping
from typing import Final

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from pydantic import JsonValue

from .generic import clean
from .json_tree import parse_json

SOURCE: Final = "beir"

#: The longest title of a document; what has none is called by the beginning of its text.
MAX_TITLE: Final = 600
MAX_TITLE_FROM_TEXT: Final = 100

_MAX_BODY: Final = 16_000_000
_MAX_DEPTH: Final = 16
#: Integers up to here are the same in every reader of JSON.
_EXACT: Final = 2**53


def read_row(payload: RawPayload) -> Document:
    """The row's document: its text is the body, and what it says besides becomes metadata where that is plain.

    Raises:
        InvalidDocument: the payload is not a row of a corpus, is another row than was asked for, or has no words.
    """
    if len(payload.body) > _MAX_BODY:
        raise InvalidDocument(f"the row has {len(payload.body)} characters; the limit is {_MAX_BODY}")
    row = parse_json(payload.body.removeprefix("\ufeff"), _MAX_DEPTH)
    if not isinstance(row, dict):
        raise InvalidDocument(f"the row is no object but {type(row).__name__}")
    if row.get("_id") != payload.source_id:
        raise InvalidDocument(f"/_id is {row.get('_id')!r:.80}, but {payload.source_id!r} was asked for")
    title, text = " ".join(_text(row, "title").split()), _text(row, "text")
    if not (title or text):
        raise InvalidDocument("neither /title nor /text has any word")
    metadata, notes = _metadata(row)
    provenance = Provenance(source=SOURCE, source_id=payload.source_id, uri=payload.uri, sha256=payload.sha256)
    body = Section(
        id="body",
        type="body",
        title="Text",
        text=text or title,
        provenance=provenance.model_copy(update={"path": "/text" if text else "/title"}),
    )
    return Document(
        id=f"{SOURCE}:{payload.source_id}",
        source=SOURCE,
        title=title[:MAX_TITLE] or _beginning(text),
        sections=[body],
        metadata=metadata,
        provenance=provenance.model_copy(update={"notes": notes}),
    )


def _text(row: Mapping[str, JsonValue], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidDocument(f"/{name} is no text but {type(value).__name__}")
    return clean(value)


def _beginning(text: str) -> str:
    """The first words of a text."""
    line = " ".join(text[: 2 * MAX_TITLE_FROM_TEXT].split())
    return (
        line
        if len(line) <= MAX_TITLE_FROM_TEXT
        else line[:MAX_TITLE_FROM_TEXT].rpartition(" ")[0] or line[:MAX_TITLE_FROM_TEXT]
    )


def _metadata(row: Mapping[str, JsonValue]) -> tuple[dict[str, JsonValue], list[str]]:
    """The row's plain facts, and notes of what it has that is none."""
    within = row.get("metadata")
    facts = {name: value for name, value in row.items() if name not in ("_id", "title", "text", "metadata")}
    facts |= within if isinstance(within, dict) else {"metadata": within}
    plain: dict[str, JsonValue] = {}
    notes = []
    for name, value in facts.items():
        if _is_plain(value) or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            plain[name] = value
        elif value is not None:
            notes.append(f"{name!r:.80} is neither a plain value nor a list of texts, and is no metadata")
    return plain, notes


def _is_plain(value: JsonValue) -> bool:
    return isinstance(value, str | bool) or (isinstance(value, int | float) and abs(value) <= _EXACT)
