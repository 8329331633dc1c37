"""The intermediate representation and artifact references hold their own rules."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.artifacts import INLINE_LIMIT, ArtifactRef
from medkg_contracts.ir import SECTION_BREAK, Document, Provenance, Section, Span, Table
from pydantic import ValidationError

SHA = "0" * 64
PROVENANCE = Provenance(source="ctgov", source_id="NCT05814159", uri="https://example.org", sha256=SHA)


def document(*texts: str) -> Document:
    sections = [
        Section(id=f"s{number}", type="body", title="", text=text, provenance=PROVENANCE)
        for number, text in enumerate(texts)
    ]
    return Document(id="ctgov:NCT05814159", source="ctgov", title="A trial", sections=sections, provenance=PROVENANCE)


@settings(max_examples=60)
@given(st.lists(st.text(max_size=10), max_size=6))
def test_offset_is_where_the_section_starts(texts: list[str]) -> None:
    """A document's text has each section's text at the section's offset, in characters."""
    read = document(*texts)

    assert texts == [
        read.text[start : start + len(section.text)]
        for section in read.sections
        if (start := read.offset(section.id)) is not None
    ]


def test_sections_are_a_break_apart() -> None:
    """Between two sections stands the section break, and nothing else."""
    read = document("\N{OLD PERSIAN SIGN A} one", "", "three")
    starts = [read.offset(section.id) for section in read.sections]
    gaps = [
        read.text[start + len(section.text) : end]
        for section, (start, end) in zip(read.sections, pairwise(starts), strict=False)
    ]

    assert gaps == [SECTION_BREAK, SECTION_BREAK]


def test_unknown_section_has_no_offset() -> None:
    """A section that is not there is an error, not position 0."""
    with pytest.raises(KeyError):
        document("one").offset("other")


def test_text_is_no_part_of_equality() -> None:
    """Asking for a document's text does not change it."""
    read = document("one", "two")
    text = read.text

    assert (read, text) == (document("one", "two"), "one\n\ntwo")


def test_text_does_not_travel() -> None:
    """What can be computed is not written."""
    read = document("one")
    before = read.model_dump_json()

    assert read.text == "one"
    assert before == read.model_dump_json()


@settings(max_examples=50)
@given(st.integers(-5, 5), st.integers(-5, 5))
def test_span_is_ordered_and_not_negative(start: int, end: int) -> None:
    """A span is a half-open range from 0."""
    if 0 <= start <= end:
        assert Span(start=start, end=end).model_dump() == {"start": start, "end": end}
    else:
        with pytest.raises(ValidationError):
            Span(start=start, end=end)


def test_ragged_table_is_refused() -> None:
    """Each row has as many cells as there are columns; the message names the row."""
    with pytest.raises(ValidationError, match="row 2 of 'Doses' has 1 cells, not 2"):
        Table(caption="Doses", columns=["arm", "dose"], rows=[["A", "1"], ["B"]], span=Span(start=0, end=1))


def test_small_artifact_stands_inline() -> None:
    """A value of at most the limit needs no place in the store."""
    assert ArtifactRef(name="receipt", sha256=SHA, size=INLINE_LIMIT, value={"a": 1}).uri is None


def test_large_artifact_needs_a_uri() -> None:
    """A larger value does not stand inline."""
    with pytest.raises(ValidationError, match="an artifact of 513 bytes needs a uri"):
        ArtifactRef(name="document", sha256=SHA, size=INLINE_LIMIT + 1)
