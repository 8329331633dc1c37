"""The chunk stage: spans, bounds, order and ids."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_chunk import app
from medkg_chunk.settings import ChunkSettings
from medkg_chunk.stage import ChunkStage
from medkg_chunk.tokens import OwnTokens
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Chunk, Document, Provenance, Section, Span, Table
from medkg_contracts.model import OptionValue
from medkg_contracts.stages import StageContext
from pydantic import ValidationError

STUDIES = json.loads((Path(__file__).parent / "data" / "ctgov_eligibility.json").read_text(encoding="utf-8"))
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


def chunk(doc: Document, max_tokens: int = 256, **options: OptionValue) -> list[Chunk]:
    chunker = ChunkStage(ChunkSettings(MK_CHUNK_MAX_TOKENS=max_tokens))
    return asyncio.run(chunker.execute(replace(CONTEXT, options=options), doc))


def tokens(text: str) -> int:
    return OwnTokens().count([text])[0]


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


@dataclass(frozen=True)
class Way:
    """To cut documents: what a topology says, and the most tokens of a chunk that come of it."""

    options: dict[str, OptionValue]
    most: int


WAYS = [
    Way({"max_tokens": 16}, 16),
    Way({"max_tokens": 40}, 40),
    Way({"strategy": "section", "max_tokens": 16}, 32),
    Way({"strategy": "section", "max_tokens": 16, "section_tokens": 100}, 100),
]


@given(documents(), st.sampled_from(WAYS))
@settings(deadline=None)
def test_every_span_is_exact_and_bounded(doc: Document, way: Way) -> None:
    """For any text and strategy, a chunk's span gives its text, its tokens are counted right and are not too many."""
    for one in chunk(doc, **way.options):
        assert doc.text[one.span.start : one.span.end] == one.text
        assert tokens(one.text) == one.token_count
        assert one.token_count <= way.most


@given(documents(), st.sampled_from(WAYS))
@settings(deadline=None)
def test_every_visible_character_is_in_exactly_one_chunk(doc: Document, way: Way) -> None:
    """For any text and strategy, the chunks of a section together hold its visible characters, each once, in order."""
    chunks = chunk(doc, **way.options)
    for one in doc.sections:
        expected = "".join(one.text.split())
        assert expected == "".join("".join(c.text.split()) for c in chunks if c.section_id == one.id)


@given(documents(), st.sampled_from(WAYS))
@settings(max_examples=50, deadline=None)
def test_no_chunk_crosses_a_section(doc: Document, way: Way) -> None:
    """A chunk lies inside the section that it names, and ordinals count from 0."""
    chunks = chunk(doc, **way.options)
    for one in chunks:
        start = doc.offset(one.section_id)
        text = next(s.text for s in doc.sections if s.id == one.section_id)
        assert start <= one.span.start < one.span.end <= start + len(text)
    assert list(range(len(chunks))) == [one.ordinal for one in chunks]


@pytest.mark.parametrize("number", sorted(STUDIES))
def test_real_studies_are_cut_at_sentences(number: str) -> None:
    """Every chunk of a real study but a section's last ends where a sentence or a list item ends."""
    doc = study(number)
    for one in chunk(doc, 200):
        text = next(s.text for s in doc.sections if s.id == one.section_id)
        after = text[one.span.end - doc.offset(one.section_id) :]
        assert not after.strip() or one.text[-1] in ".:;!?\uff1b" or after.startswith("\n")


def test_chunks_are_filled() -> None:
    """A long text makes few chunks: two neighbours never fit into one."""
    chunks = [c for c in chunk(study("NCT05832827"), 128) if c.section_id == "s3"]
    assert len(chunks) > 3
    for one, other in pairwise(chunks):
        assert one.token_count + tokens(other.text.split("\n")[0]) > 128


def test_a_table_row_stays_whole() -> None:
    """A table longer than the bound is cut between rows, although a row holds full stops."""
    rows = [f"Arm {n} | No. of patients. Treated. | {n}.5" for n in range(12)]
    body = "\n".join(rows)
    text = f"Results follow.\n{body}\nAfter it."
    start = text.index(body)
    lines = [
        line
        for one in chunk(document(section(text, tables=[Span(start=start, end=start + len(body))])), 40)
        for line in one.text.splitlines()
    ]
    assert ["Results follow.", *rows, "After it."] == lines


def test_a_table_that_fits_is_not_cut() -> None:
    """A table that fits in a chunk starts a new one rather than being cut."""
    prose = "word " * 12
    body = "Arm | Count\nA | 1\nB | 2\nC | 3"
    text = f"{prose}\n{body}"
    chunks = chunk(document(section(text, tables=[Span(start=len(prose) + 1, end=len(text))])), 16)
    assert [prose.strip(), body] == [one.text for one in chunks]


def test_a_row_longer_than_the_bound_is_cut_between_words() -> None:
    """Only a row that alone passes the bound is cut, and between words."""
    text = "alpha beta " * 20
    chunks = chunk(document(section(text, tables=[Span(start=0, end=len(text))])), 16)
    assert text.split() == [word for one in chunks for word in one.text.split()]


def test_a_short_section_is_one_chunk() -> None:
    """With the strategy of sections, one that is short enough is one chunk and another is cut as by sentences."""
    short, long = section("One two. Three four. " * 4), section("Five six. Seven eight. " * 40, number=2)
    doc = document(short, long)
    one, *others = chunk(doc, strategy="section", max_tokens=16, section_tokens=30)

    assert ("s1", short.text.strip(), 24) == (one.section_id, one.text, one.token_count)
    assert [c.span for c in chunk(doc, max_tokens=16) if c.section_id == "s2"] == [c.span for c in others]


def test_ids_depend_on_document_settings_and_span() -> None:
    """The same input gives the same ids; another document or bound gives others."""
    doc = study("NCT00405041")
    ids = [one.id for one in chunk(doc)]
    assert ids == [one.id for one in chunk(doc)]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {one.id for one in chunk(doc.model_copy(update={"id": "ctgov:OTHER"}))}
    assert not set(ids) & {one.id for one in chunk(doc, 200)}
    assert not set(ids) & {one.id for one in chunk(doc, strategy="section")}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("NCT00405041", "be1f8efbe4c9a40a"),
        ("NCT04265963", "e698a160efc5be07"),
        ("NCT05752838", "2d0e8168a2916f6d"),
        ("NCT05832827", "d73d5f6c2c77699a"),
    ],
)
def test_chunks_are_those_of_the_first_release(number: str, expected: str) -> None:
    """Real studies give the same chunks, byte for byte and with the same ids, as the first release gave."""
    lines = [one.model_dump_json() for one in chunk(study(number))]

    assert expected == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_an_empty_document_has_no_chunks() -> None:
    """Sections of white space make no chunks."""
    assert [] == chunk(document(section(""), section(" \r\n\u2003", number=2)))


@pytest.mark.parametrize("tables", [[Span(start=2, end=9)], [Span(start=0, end=3), Span(start=2, end=4)]])
def test_a_wrong_table_span_is_refused(tables: list[Span]) -> None:
    """A table outside its section, or over another, is an invalid document; the message names the section."""
    with pytest.raises(InvalidDocument, match="section 's1'"):
        chunk(document(section("text", tables=tables)))


def test_a_bound_that_makes_no_sense_is_refused() -> None:
    """The bound is between 16 and 8,192."""
    with pytest.raises(ValidationError):
        ChunkSettings(MK_CHUNK_MAX_TOKENS=3)


def test_the_environment_sets_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """MK_CHUNK_MAX_TOKENS sets the bound."""
    monkeypatch.setenv("MK_CHUNK_MAX_TOKENS", "77")
    assert ChunkSettings().max_tokens == 77


def test_the_service_takes_a_document_and_gives_chunks() -> None:
    """The wired service has the inputs and outputs of a chunk stage."""
    binding = app.service.bind()
    assert (["document"], ["chunks"], True) == (list(binding.inputs), list(binding.outputs), binding.pure)
