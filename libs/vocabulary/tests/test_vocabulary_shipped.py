"""The vocabularies that come with medkg are compiled once, and found by their names."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_vocabulary import About, Reading, Synonym, Term, Vocabulary, shipped, write_vocabulary
from medkg_vocabulary.formats.tsv import read_tsv, write_tsv
from medkg_vocabulary.packing import packed
from medkg_vocabulary.settings import VocabularySettings

OWN = Term("X:1", "aspirin", "biolink:Drug")
NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="|"), min_size=1)
TERMS = st.builds(
    lambda number, name, words, scope: Term(
        f"X:{number}", name, "biolink:Drug", tuple(Synonym(word, scope) for word in words), (f"X:{number + 1}",),
        ("MESH:D1",), ("X:0",),
    ),
    st.integers(1), NAMES, st.lists(NAMES, unique=True), st.sampled_from(["exact", "narrow", "broad", "related"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def doid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Disease Ontology, compiled."""
    return shipped("doid", tmp_path_factory.mktemp("cache") / "vocabularies")


def test_one_is_compiled_and_says_its_licence(doid: Path) -> None:
    """Whoever opens it sees what it is, and what may be done with it."""
    with Vocabulary(doid) as vocabulary:
        said = vocabulary.about

    assert ("doid", "2023", "CC0-1.0") == (said.name, said.version, said.licence)


def test_it_knows_names_and_what_stands_below(doid: Path) -> None:
    """As search and recognition ask it."""
    with Vocabulary(doid) as vocabulary:
        found = ("bronchial hyperreactivity" in vocabulary.synonyms("DOID:2841"), vocabulary.label("DOID:2841"))
        below = vocabulary.descendants("DOID:2841")

    assert ((True, "asthma"), True) == (found, "DOID:0080814" in below)


def test_it_is_compiled_once(doid: Path) -> None:
    """The second time the file is there already, and stays as it was."""
    before = doid.stat().st_mtime_ns

    assert (doid, before) == (shipped("doid", doid.parent), doid.stat().st_mtime_ns)


def test_several_at_once_get_the_same_whole_file(tmp_path: Path) -> None:
    """Threads take the same lock as processes: one compiles, the others wait, and nothing unfinished is left."""
    got: list[int] = []

    def ask() -> None:
        with Vocabulary(shipped("doid", tmp_path)) as vocabulary:
            got.append(len(vocabulary.synonyms("DOID:2841")))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (4, 1, 1) == (len(got), len(set(got)), len(list(tmp_path.glob("*.vocabulary"))))


def test_there_are_no_others(tmp_path: Path) -> None:
    """The error says which there are."""
    with pytest.raises(ConfigurationError, match="'mondo' is no vocabulary that comes with medkg"):
        shipped("mondo", tmp_path)


@given(st.lists(TERMS, min_size=1, unique_by=lambda term: term.id))
def test_a_table_of_terms_makes_the_same_terms(tmp_path_factory: pytest.TempPathFactory, terms: list[Term]) -> None:
    """Written and read again, nothing is missing and nothing is otherwise."""
    table = tmp_path_factory.mktemp("tables") / "x.tsv"
    table.write_text("".join(write_tsv(terms)), encoding="utf-8", newline="")
    again = {term.id: term for term in read_tsv(table, Reading("X", "biolink:NamedThing"))}

    assert {term.id: term for term in terms} == again


def test_the_order_of_terms_does_not_show() -> None:
    """The same terms make the same bytes."""
    other = Term("X:2", "ibuprofen", "biolink:Drug")

    assert packed([OWN, other]) == packed([other, OWN])


def test_a_name_that_a_table_cannot_hold_is_refused() -> None:
    """Rather than read as two."""
    with pytest.raises(InvalidInput, match=r"X:9 has 'a\|b', which no table can hold"):
        list(write_tsv([Term("X:9", "a|b", "biolink:Drug")]))


def test_a_service_has_those_that_its_setting_names(
    doid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shipped ones by name, others by path, in that order."""
    monkeypatch.setenv("MEDKG_CACHE", str(doid.parent.parent))
    own = tmp_path / "own.vocabulary"
    write_vocabulary(own, About("own", "1", "CC0-1.0", "own.tsv"), [OWN])
    opened = VocabularySettings(vocabularies=f"doid, {own}").open_vocabularies()

    assert ["doid", "own"] == [vocabulary.about.name for vocabulary in opened]


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """What is found is told by the vocabulary's name: two could not be told apart."""
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        write_vocabulary(path, About("own", "1", "CC0-1.0", "own.tsv"), [OWN])

    with pytest.raises(ConfigurationError, match="two vocabularies with the name 'own'"):
        VocabularySettings(vocabularies=",".join(map(str, paths))).open_vocabularies()
