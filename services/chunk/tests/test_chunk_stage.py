"""The chunk stage: spans, bounds, order and ids."""

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_chunk import app
from medkg_chunk.settings import ChunkSettings
from medkg_chunk.tokens import Measure, OwnTokens
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, Span
from medkg_contracts.model import OptionValue
from pydantic import ValidationError

from .cases import STUDIES, chunk, document, documents, section, study
from .fakes import Words


def tokens(text: str, measure: Measure | None = None) -> int:
    measure = measure or OwnTokens()
    return measure.count([text])[0] + measure.added


@dataclass(frozen=True)
class Way:
    """To cut documents: what a topology says, in whose tokens, and the most of them that a chunk may have."""

    options: dict[str, OptionValue]
    most: int
    measure: Measure = field(default_factory=OwnTokens)


BY_WORDS: dict[str, OptionValue] = {"tokenizer": "words", "max_tokens": 16}
BY_TOPICS: dict[str, OptionValue] = {"strategy": "semantic", "model": "topics", "break_percentile": 40}
WAYS = [
    Way({"max_tokens": 16}, 16),
    Way({"max_tokens": 40}, 40),
    Way(BY_WORDS, 16, Words()),
    Way({"strategy": "section", "max_tokens": 16}, 24),
    Way({"strategy": "section", "max_tokens": 16, "section_tokens": 100}, 100),
    Way({"strategy": "section", **BY_WORDS}, 64, Words()),
    Way({"max_tokens": 40, **BY_TOPICS}, 40),
    Way({"max_tokens": 40, "min_tokens": 0, **BY_TOPICS}, 40),
    Way({**BY_WORDS, **BY_TOPICS}, 16, Words()),
]


@given(documents(), st.sampled_from(WAYS))
@settings(deadline=None)
def test_every_span_is_exact_and_bounded(doc: Document, way: Way) -> None:
    """For any text and strategy, a chunk's span gives its text, its tokens are counted right and are not too many."""
    for one in chunk(doc, **way.options):
        assert doc.text[one.span.start : one.span.end] == one.text
        assert tokens(one.text, way.measure) == one.token_count
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
@settings(deadline=None)
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
    for one in chunk(doc, max_tokens=200):
        text = next(s.text for s in doc.sections if s.id == one.section_id)
        after = text[one.span.end - doc.offset(one.section_id) :]
        assert not after.strip() or one.text[-1] in ".:;!?\uff1b" or after.startswith("\n")


def test_chunks_are_filled() -> None:
    """A long text makes few chunks: two neighbours never fit into one."""
    chunks = [c for c in chunk(study("NCT05832827"), max_tokens=128) if c.section_id == "s3"]
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
        for one in chunk(document(section(text, tables=[Span(start=start, end=start + len(body))])), max_tokens=40)
        for line in one.text.splitlines()
    ]
    assert ["Results follow.", *rows, "After it."] == lines


def test_a_table_that_fits_is_not_cut() -> None:
    """A table that fits in a chunk starts a new one rather than being cut."""
    prose = "word " * 12
    body = "Arm | Count\nA | 1\nB | 2\nC | 3"
    text = f"{prose}\n{body}"
    chunks = chunk(document(section(text, tables=[Span(start=len(prose) + 1, end=len(text))])), max_tokens=16)
    assert [prose.strip(), body] == [one.text for one in chunks]


def test_a_row_longer_than_the_bound_is_cut_between_words() -> None:
    """Only a row that alone passes the bound is cut, and between words."""
    text = "alpha beta " * 20
    chunks = chunk(document(section(text, tables=[Span(start=0, end=len(text))])), max_tokens=16)
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
    assert not set(ids) & {one.id for one in chunk(doc, max_tokens=200)}
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
