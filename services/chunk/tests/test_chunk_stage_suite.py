"""The chunk stage behaves as every stage does."""

import json
from pathlib import Path

from medkg_chunk import app
from medkg_contracts.ir import Document, Provenance, Section, Span, Table
from medkg_stagekit.testing import ComputingStageSuite, Example

STUDIES = json.loads((Path(__file__).parent / "data" / "ctgov_eligibility.json").read_text(encoding="utf-8"))


def document(number: str, tables: list[Table]) -> Document:
    provenance = Provenance(source="ctgov", source_id=number, uri=f"https://x.test/{number}", sha256="0" * 64)
    sections = [
        Section(id=name, type="body", title=name, text=text, tables=tables, provenance=provenance)
        for name, text in STUDIES[number].items()
    ]
    return Document(id=f"ctgov:{number}", source="ctgov", title=number, sections=sections, provenance=provenance)


class TestChunkStageSuite(ComputingStageSuite):
    service = app.service
    stage_type = "ChunkStage"
    examples = (
        *(Example({"document": document(number, [])}) for number in sorted(STUDIES)[:3]),
        Example({"document": document(min(STUDIES), [])}, options={"strategy": "section"}),
    )
    refused = Example(
        {"document": document(min(STUDIES), [Table(caption="", columns=[], rows=[], span=Span(start=0, end=10**6))])}
    )
