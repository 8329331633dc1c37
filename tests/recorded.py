"""All recorded studies, as the extract stage is given them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TypeAlias

import medkg_replay
import orjson
from medkg_contracts.ir import Document, Provenance, RawPayload, Section
from medkg_replay.recordings import load_recordings

#: A study's payload, and its document.
Given: TypeAlias = tuple[RawPayload, Document]


def given(body: bytes, nct_id: str) -> Given:
    """What is made of a study's record, whatever stands in it."""
    digest = hashlib.sha256(body).hexdigest()
    uri = f"https://clinicaltrials.gov/api/v2/studies/{nct_id}"
    payload = RawPayload(
        source="ctgov", source_id=nct_id, uri=uri, media_type="application/json", body=body.decode(), sha256=digest
    )
    provenance = Provenance(source="ctgov", source_id=nct_id, uri=uri, sha256=digest)
    title = str(orjson.loads(body)["protocolSection"]["identificationModule"].get("briefTitle", nct_id))
    section = Section(id="title", type="title", title="Title", text=title, provenance=provenance)
    document = Document(id=f"ctgov:{nct_id}", source="ctgov", title=title, sections=[section], provenance=provenance)
    return payload, document


@cache
def bodies() -> dict[str, bytes]:
    """The records of all studies by their ids."""
    folder = Path(medkg_replay.__file__).parent / "recordings"
    return {study.nct_id: study.body for study in load_recordings(folder).studies}
