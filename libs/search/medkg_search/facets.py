"""What a record has of its whole document, beside the chunk: what it is known as, and what one filters by. Pure."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from medkg_contracts.ir import Document
from pydantic import JsonValue

#: A longer title is found by its words.
MAX_KNOWN_AS: Final = 512
#: Terms that are kept of one document's field.
MAX_TERMS: Final = 200

#: The metadata that a document is asked for by.
_NAMES: Final = ("nct_id", "acronym", "doi", "pmid", "pmcid", "eudract", "isrctn")
#: What each facet is called by the sources; the first that a document has counts.
_DATE: Final = ("date", "publication_date", "start_date", "year")
_STATUS: Final = ("status",)
_PHASE: Final = ("phase", "phases")
_MESH: Final = ("mesh",)
_DAY: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_DOI_ADDRESS: Final = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)(?=10\.)", re.IGNORECASE)


def document_facets(document: Document) -> dict[str, Any]:
    """The fields of a document that each of its records has, as `CHUNKS` maps them; none that it lacks."""
    metadata = document.metadata
    names = (name for key in _NAMES for name in _texts(metadata.get(key)))
    found: dict[str, Any] = {
        "known_as": known_as(document.id, document.title, document.provenance.source_id, *names),
        "date": next((day for text in _first(metadata, _DATE) if is_day(day := text[:10])), None),
        "status": next(iter(_first(metadata, _STATUS)), None),
        "phase": _first(metadata, _PHASE),
        "mesh": _first(metadata, _MESH),
    }
    return {name: value for name, value in found.items() if value}


def known_as(document_id: str, title: str, *names: str) -> list[str]:
    """What a document is asked for by: its id, with and without its source, its title, and other names of it."""
    _, _, source_id = document_id.partition(":")
    told = (document_id, source_id, title, *(_DOI_ADDRESS.sub("", name) for name in names))
    return list(dict.fromkeys(one for name in told if (one := " ".join(name.split()))))


def is_day(text: str) -> bool:
    """Whether this is a day, a month or a year as ISO 8601 writes it."""
    found = _DAY.fullmatch(text)
    if found is None:
        return False
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _first(metadata: dict[str, JsonValue], keys: Iterable[str]) -> list[str]:
    return next((texts for key in keys if (texts := _texts(metadata.get(key)))), [])


def _texts(value: JsonValue) -> list[str]:
    """The words of a fact; a number is one, a truth value is none."""
    values = value if isinstance(value, list) else [value]
    plain = (one for one in values if isinstance(one, str | int) and not isinstance(one, bool))
    return list(dict.fromkeys(text for one in plain if (text := str(one).strip())))[:MAX_TERMS]
