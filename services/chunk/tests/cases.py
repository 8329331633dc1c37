"""Documents, and their chunks."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from medkg_chunk.models import Models
from medkg_chunk.settings import ChunkSettings
from medkg_chunk.stage import ChunkStage
from medkg_contracts.ir import Chunk, Document, Provenance, Section, Span, Table
from medkg_contracts.model import OptionValue
from medkg_contracts.stages import StageContext

from .fakes import FakeModels

STUDIES = json.loads((Path(__file__).parent / "data" / "ctgov_eligibility.json").read_text(encoding="utf-8"))
ARTICLE = json.loads((Path(__file__).parent / "data" / "pone.0234687.json").read_text(encoding="utf-8"))
PROVENANCE = Provenance(source="ctgov", source_id="NCT1", uri="https://x.test/1", sha256=hashlib.sha256().hexdigest())
CONTEXT = StageContext(
    tenant_id="public", doc_id="ctgov:NCT1", job_id="j-1", correlation_id="c-1", pipeline="p", digest="0" * 12
)


def section(text: str, *, number: int = 1, tables: list[Span] | None = None) -> Section:
    return Section(
        id=f"s{number}",
        type="body",
        title="Body",
        text=text,
        tables=[Table(caption="", columns=[], rows=[], span=span) for span in tables or []],
        provenance=PROVENANCE,
    )


def document(*sections: Section, id_: str = "ctgov:NCT1") -> Document:
    return Document(id=id_, source="ctgov", title="A study", sections=list(sections), provenance=PROVENANCE)


def study(number: str) -> Document:
    texts = STUDIES[number]
    return document(
        section(texts["title"], number=1),
        section(texts["summary"], number=2),
        section(texts["eligibility"], number=3),
        id_=f"ctgov:{number}",
    )


def article() -> Document:
    """A paper's sections, with tables."""
    return document(
        *(
            section(each["text"], number=number, tables=[Span(start=start, end=end) for start, end in each["tables"]])
            for number, each in enumerate(ARTICLE["sections"], 1)
        ),
        id_="jats:pone.0234687",
    )


def real_documents() -> list[Document]:
    """A paper and some studies."""
    return [article(), *map(study, sorted(STUDIES))]


def chunk(doc: Document, models: Models | None = None, /, **options: OptionValue) -> list[Chunk]:
    """The document's chunks where its topology says this."""
    chunker = ChunkStage(ChunkSettings(), models or FakeModels())
    return asyncio.run(chunker.execute(replace(CONTEXT, options=options), doc))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    word = st.text(
        alphabet=st.characters(exclude_categories=["Cs"])
        | st.sampled_from("aB1.,;。؟ \n\r\t\x85\u2029*漢字かなשלוםไทย😀e\u0301"),
        max_size=30,
    )
    long_word = st.sampled_from(["x" * 700, "漢" * 90, "ก" * 300, "😀" * 70, "e\u0301" * 60, "ab-" * 60])
    texts = st.lists(word | word | long_word | st.sampled_from([". ", "\r\n", "\n\n", " "]), max_size=25).map("".join)
    sections = []
    for number in range(draw(st.integers(0, 3))):
        text = draw(texts)
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        sections.append(section(text, number=number, tables=[Span(start=a, end=b) for a, b in pairs]))
    return document(*sections)
