"""The recorded studies in chunks, as texts to measure with."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import medkg_replay
from medkg_contracts.ir import Chunk, Document, RawPayload, Span
from medkg_parse.readers import read_payload
from medkg_replay.recordings import load_recordings

#: About 200 words.
_PIECE: Final = re.compile(r".{1,1300}(?:\s+|$)", re.DOTALL)


def recorded_chunks() -> list[Chunk]:
    """Every recorded study, in chunks of about 200 words."""
    studies = load_recordings(Path(medkg_replay.__file__).parent / "recordings").studies
    return [
        chunk
        for study in studies
        for chunk in _pieces(
            read_payload(
                RawPayload(
                    source="ctgov",
                    source_id=study.nct_id,
                    uri="x:y",
                    media_type="application/json",
                    body=study.body.decode(),
                    sha256="0" * 64,
                )
            )
        )
    ]


def _pieces(document: Document) -> Iterator[Chunk]:
    for section in document.sections:
        for part in _PIECE.finditer(section.text):
            yield Chunk(
                id=f"{document.id}-{section.id}-{part.start()}",
                document_id=document.id,
                document_title=document.title,
                source=document.source,
                section_id=section.id,
                section_type=section.type,
                section_title=section.title,
                ordinal=0,
                text=part[0],
                span=Span(start=part.start(), end=part.end()),
                token_count=1,
            )
