"""A ClinicalTrials.gov study's payload as a document: nothing that it says is left out."""

import re
from collections.abc import Mapping

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, Provenance, RawPayload
from pydantic import JsonValue

from medkg_parse.generic import clean

from .metadata import facts
from .payload import Record, quote, read_record
from .reading import MAX_TITLE, SectionReader

SOURCE = "ctgov"
NCT_ID = re.compile(r"NCT\d{8}", re.ASCII)

_IDENTIFICATION = "protocolSection/identificationModule"


def read_study(payload: RawPayload) -> Document:
    """The study's document.

    Raises:
        InvalidDocument: the payload is not the record of one study; the message says what is wrong and where.
    """
    record = read_record(payload)
    nct_id, names = _identity(record, payload)
    provenance = Provenance(source=SOURCE, source_id=nct_id, uri=payload.uri, sha256=payload.sha256)
    metadata, notes = facts(record.content, nct_id)
    return Document(
        id=f"{SOURCE}:{nct_id}",
        source=SOURCE,
        title=_title(names, nct_id),
        sections=list(SectionReader(record, provenance).sections()),
        metadata=metadata,
        provenance=provenance.model_copy(update={"notes": notes}),
    )


def _identity(record: Record, payload: RawPayload) -> tuple[str, Mapping[str, JsonValue]]:
    """The study's id and the fields that name it."""
    at, path = record.content, ""
    for name in _IDENTIFICATION.split("/"):
        path += f"/{name}"
        value = at.get(name)
        if not isinstance(value, dict):
            raise InvalidDocument(f"{path} is {'missing' if value is None else quote(value) + ', not an object'}")
        at = value
    nct_id = at.get("nctId")
    if not isinstance(nct_id, str) or not NCT_ID.fullmatch(nct_id.strip()):
        raise InvalidDocument(f"{path}/nctId is {quote(nct_id)}, not NCT and eight digits")
    nct_id = nct_id.strip()
    aliases = at.get("nctIdAliases")
    if payload.source_id.strip().upper() not in (nct_id, *(aliases if isinstance(aliases, list) else (aliases,))):
        raise InvalidDocument(f"{path}/nctId is {nct_id}, but {quote(payload.source_id)} was asked for")
    return nct_id, at


def _title(names: Mapping[str, JsonValue], nct_id: str) -> str:
    """What people call the study."""
    for name in ("briefTitle", "officialTitle", "acronym"):
        value = names.get(name)
        if isinstance(value, str) and (text := " ".join(clean(value).split())):
            return text[:MAX_TITLE]
    return nct_id
