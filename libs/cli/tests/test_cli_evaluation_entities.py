"""`medkg eval entities`: what people and programs see of it."""

from pathlib import Path

import orjson
import pytest
from medkg_vocabulary import About, Term, write_vocabulary

from .calling import medkg

CORPUS = "1|t|Fever and ashtma\n1|a|Seen.\n1\t0\t5\tFever\tDisease\tD005334\n1\t10\t16\tashtma\tDisease\tD001249\n"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus, and a vocabulary that knows half of it."""
    terms = [Term("MESH:D005334", "Fever", "biolink:Disease")]
    write_vocabulary(tmp_path / "a.vocabulary", About("small", "1", "CC0-1.0", "a test"), terms)
    monkeypatch.setenv("MK_VOCABULARIES", str(tmp_path / "a.vocabulary"))
    (tmp_path / "corpus.txt").write_text(CORPUS)
    return tmp_path / "corpus.txt"


def test_a_corpus_is_evaluated(corpus):
    """Numbers by kind, and a page where it is asked for."""
    page = corpus.with_name("names.html")
    result = medkg("eval", "entities", str(corpus), "--names", "dictionary", "--html", str(page))

    assert 0 == result.exit_code
    assert "corpus.txt: 1 texts, 2 marked mentions; by dictionary" in result.stdout
    assert "1 missed, 1 right" in result.stdout
    assert page.read_text().startswith("<!doctype html>")


def test_the_numbers_are_there_for_programs(corpus):
    """As JSON."""
    result = medkg("eval", "entities", str(corpus), "--names", "dictionary", "--json")
    said = orjson.loads(result.stdout)

    assert 2 / 3 == pytest.approx(said["kinds"]["biolink:Disease"]["strict"]["f1"])


def test_what_is_not_there_is_not_found(tmp_path):
    """With what to name instead."""
    result = medkg("eval", "entities", str(tmp_path / "none.txt"))

    assert 3 == result.exit_code
    assert "has no annotated texts" in result.stderr
