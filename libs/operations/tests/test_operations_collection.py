"""Test collections in BEIR's layout are read, and checked line by line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidInput, NotFound
from medkg_operations.evaluation.collection import read_collection

from .beir_folders import CORPUS, QUERIES, TEST, beir_folder


def test_a_collection_is_read(tmp_path):
    """Rows, queries and judgments are known by their ids; spaces in a query are one each."""
    read = read_collection(beir_folder(tmp_path / "small"))

    assert ("small", ["d1", "d2", "d3"]) == (read.name, list(read.rows))
    assert {"q1": "heated wings", "q2": "shear flow"} == read.queries
    assert {"q1": {"d1": 3}, "q2": {"d2": 1, "d1": 0}} == read.split("test")


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_a_rows_bytes_are_those_of_the_file(tmp_path_factory, texts):
    """Whatever a row holds, its bytes are the line's, without the line's end and a byte order mark."""
    lines = [json.dumps({"_id": str(n), "text": f"a{text}"}, ensure_ascii=False) for n, text in enumerate(texts)]
    folder = beir_folder(tmp_path_factory.mktemp("beir"), [*lines], test=["q1\t0\t1"])
    corpus = folder / "corpus.jsonl"
    corpus.write_bytes(b"\xef\xbb\xbf" + "\r\n\n".join(lines).encode())
    read = read_collection(folder)

    assert [line.encode() for line in lines] == [read.body(row) for row in read.rows.values()]


def test_a_row_that_was_changed_meanwhile_is_refused(tmp_path):
    """Nothing else is sent than what was read and checked."""
    read = read_collection(beir_folder(tmp_path / "c"))
    corpus = read.folder / "corpus.jsonl"
    corpus.write_bytes(corpus.read_bytes().replace(b"Heated", b"Cooled"))

    with pytest.raises(InvalidInput, match=r"corpus\.jsonl:1: the row was changed"):
        read.body(read.rows["d1"])


def test_a_changed_row_makes_another_corpus(tmp_path):
    """The digest tells a corpus from every other; queries and folders do not matter to it."""
    same = read_collection(beir_folder(tmp_path / "a")), read_collection(beir_folder(tmp_path / "b", queries=QUERIES))
    other = read_collection(beir_folder(tmp_path / "c", [*CORPUS[:2], {"_id": "d3", "title": "slabs", "text": ""}]))

    assert same[0].digest == same[1].digest != other.digest


def test_rows_without_words_are_told_and_may_be_judged(tmp_path):
    """Public collections have such rows; nothing can find them, which counts against every search alike."""
    corpus = [*CORPUS, {"_id": "d4", "title": " ", "text": ""}]
    read = read_collection(beir_folder(tmp_path / "c", corpus, test=["q1\td4\t1"]))

    assert {"d4": f"{tmp_path}/c/corpus.jsonl:4"} == read.wordless
    assert "d4" not in read.rows


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "d1", "text": "again"}', "the id 'd1' is that of line 1"),
        ('{"_id": "d9", "text": "cut', "not JSON"),
        ('{"_id": 9, "text": "a"}', "no object with an `_id`"),
        ('{"_id": "d9", "text": ["a"]}', "title and text are not both text"),
    ],
)
def test_a_broken_row_is_refused_with_its_place(tmp_path, line, message):
    """The refusal names file and line."""
    with pytest.raises(InvalidInput, match=rf"corpus\.jsonl:4: {message}"):
        read_collection(beir_folder(tmp_path / "c", [*CORPUS, line]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"_id": "q1", "text": "again"}, "the id 'q1' is that of line 1"),
        ({"_id": "q3", "text": " "}, "the query 'q3' has no text"),
    ],
)
def test_a_broken_query_is_refused_with_its_place(tmp_path, line, message):
    """The refusal names file and line."""
    with pytest.raises(InvalidInput, match=rf"queries\.jsonl:3: {message}"):
        read_collection(beir_folder(tmp_path / "c", queries=[*QUERIES, line]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q9\td1\t1", "queries.jsonl has no query 'q9'"),
        ("q1\td1\t2", "query 'q1' and document 'd1' were judged before"),
        ("q1\td2\thigh", "not query, document and a whole number"),
        ("q1 0 d2 1", "not query, document and a whole number"),
    ],
)
def test_a_broken_judgment_is_refused_with_its_place(tmp_path, line, message):
    """The refusal names file and line."""
    with pytest.raises(InvalidInput, match=rf"test\.tsv:5: {message}"):
        read_collection(beir_folder(tmp_path / "c", test=[*TEST, line]))


def test_a_judged_document_that_no_row_has_is_told(tmp_path):
    """Public collections judge some; nothing can find it, which counts against every search alike."""
    read = read_collection(beir_folder(tmp_path / "c", test=[*TEST, "q1\td9\t1"]))

    assert ["d9"] == read.absent(read.split("test"))
    assert 1 == read.split("test")["q1"]["d9"]


def test_judgments_of_another_corpus_are_refused(tmp_path):
    """Where no row has any of the judged documents, files of two collections were mixed."""
    with pytest.raises(InvalidInput, match=r"test\.tsv judges no document that corpus\.jsonl has"):
        read_collection(beir_folder(tmp_path / "c", test=["q1\td8\t1", "q2\td9\t1"]))


def test_many_broken_lines_are_counted(tmp_path):
    """The first few are told, the others counted."""
    with pytest.raises(InvalidInput, match=r"corpus\.jsonl:8: .*; and 15 more$"):
        read_collection(beir_folder(tmp_path / "c", [*CORPUS, *["{"] * 20]))


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(tmp_path, missing):
    """The refusal names what a folder needs."""
    folder = beir_folder(tmp_path / "c")
    (folder / missing).unlink()

    with pytest.raises(NotFound, match=missing.split("/", maxsplit=1)[0]):
        read_collection(folder)


def test_a_split_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    """The refusal names the collection's splits."""
    with pytest.raises(NotFound, match=r"no dev\.tsv; it has test"):
        read_collection(beir_folder(tmp_path / "c")).split("dev")
