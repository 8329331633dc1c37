"""Rows of a corpus in BEIR's layout."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document
from medkg_parse.readers import read_payload

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def read(payload_of, row, row_id="184"):
    return read_payload(payload_of(json.dumps(row), row_id, source="beir"))


def test_a_row_is_a_document(payload_of):
    """Title and text are the document's, which is called by source and id and says where each part comes from."""
    document = read(payload_of, {"_id": "184", "title": "Scale  models", "text": "Heated\r\nwings."})

    body = document.sections[0]
    assert ("beir:184", "Scale models") == (document.id, document.title)
    assert ("body", "Heated\nwings.", "/text") == (body.type, body.text, body.provenance.path)
    assert [document.provenance.sha256] == [section.provenance.sha256 for section in document.sections]


def test_a_row_without_text_is_its_title(payload_of):
    """What has a title alone is found by it."""
    document = read(payload_of, {"_id": "184", "title": "Scale models", "text": ""})

    assert ("Scale models", "/title") == (document.text, document.sections[0].provenance.path)


def test_a_row_without_title_is_called_by_its_first_words(payload_of):
    """A title is for people: whole words, about as many as a line has."""
    document = read(payload_of, {"_id": "184", "text": "word " * 100})

    assert ("word " * 20).strip() == document.title


def test_what_a_row_says_besides_is_metadata(payload_of):
    """Plain values become metadata, wherever they stand; what is none is told of."""
    row = {"_id": "184", "text": "a", "year": 1957, "metadata": {"url": "http://a", "tags": ["x"], "deep": {"a": 1}}}
    document = read(payload_of, row)

    assert {"year": 1957, "url": "http://a", "tags": ["x"]} == document.metadata
    assert ["'deep' is neither a plain value nor a list of texts, and is no metadata"] == document.provenance.notes


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"_id": "185", "text": "a"}, "/_id is '185', but '184' was asked for"),
        ({"_id": "184", "text": " ", "title": ""}, "neither /title nor /text"),
        ({"_id": "184", "text": ["a"]}, "/text is no text but list"),
        (["184"], "no object but list"),
    ],
)
def test_what_is_no_row_is_refused(payload_of, row, message):
    """The refusal says what is wrong, and where."""
    with pytest.raises(InvalidDocument, match=message):
        read(payload_of, row)


@given(
    title=WORDS,
    text=WORDS,
    more=st.dictionaries(WORDS, NUMBERS | WORDS),
)
def test_any_row_with_words_is_a_document_that_can_be_stored(payload_of, title, text, more):
    """Whatever a row holds, its document is the same after it was written and read."""
    row = {**more, "_id": "184", "title": f"a{title}", "text": text, "metadata": more}
    document = read(payload_of, row)

    assert Document.model_validate_json(document.model_dump_json()) == document
