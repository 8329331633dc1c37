"""A compiled vocabulary answers what its terms say."""

from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError, InvalidInput
from medkg_vocabulary import About, Compiled, Counts, Synonym, Term, Vocabulary, write_vocabulary

ABOUT = About("doid", "2023-01", "CC0-1.0", "doid.json")
TERMS = [
    Term("DOID:1", "disease", "biolink:Disease"),
    Term("DOID:2", "lung disease", "biolink:Disease", parents=("DOID:1",)),
    Term(
        "DOID:3", "asthma", "biolink:Disease", (Synonym("Bronchial asthma"), Synonym("wheeze", "related")), ("DOID:2",),
        former=("DOID:9",),
    ),
]  # fmt: skip


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    write_vocabulary(tmp_path / "doid", ABOUT, TERMS)
    return Vocabulary(tmp_path / "doid")


def test_it_says_what_it_is(vocabulary: Vocabulary) -> None:
    """Name, version and licence go with it."""
    assert ABOUT == vocabulary.about


def test_names_are_those_that_mean_the_term(vocabulary: Vocabulary) -> None:
    """Related ones only where they are asked for."""
    exact = {text for text, id_, _ in vocabulary.names() if id_ == "DOID:3"}

    assert ({"asthma", "Bronchial asthma"}, {"wheeze"}) == (exact, {t for t, *_ in vocabulary.names(["related"])})


def test_terms_are_above_and_below_one_another(vocabulary: Vocabulary) -> None:
    """However far; none is above or below itself."""
    assert (["DOID:1", "DOID:2"], ["DOID:2", "DOID:3"]) == (
        vocabulary.ancestors("DOID:3"),
        vocabulary.descendants("DOID:1"),
    )


def test_who_has_a_name_is_found_in_any_case(vocabulary: Vocabulary) -> None:
    """By an exact name, with how it is written; what is only related has another meaning."""
    assert ([("DOID:3", "Bronchial asthma")], [("DOID:3", "asthma")], []) == (
        vocabulary.exactly_named("bronchial  ASTHMA"),
        vocabulary.exactly_named("Asthma"),
        vocabulary.exactly_named("wheeze"),
    )


def test_of_two_terms_with_one_name_the_one_that_prefers_it_is_first(tmp_path: Path) -> None:
    """Whatever their ids are."""
    terms = [
        Term("X:1", "aids for walking", "biolink:Device", (Synonym("aids"),)),
        Term("X:2", "AIDS", "biolink:Disease", (Synonym("Aids"),)),
    ]
    write_vocabulary(tmp_path / "x", ABOUT, terms)

    assert [("X:2", "AIDS"), ("X:1", "aids")] == Vocabulary(tmp_path / "x").exactly_named("aids")


def test_what_is_below_a_term_has_its_name_and_the_nearest_is_first(tmp_path: Path) -> None:
    """However far, each once though it is below in two ways, and never the term itself, though it is below itself."""
    terms = [
        Term("X:1", "one", "biolink:Disease", parents=("X:2",)),
        Term("X:2", "two", "biolink:Disease", parents=("X:3",)),
        Term("X:3", "three", "biolink:Disease", parents=("X:1", "X:9")),
        Term("X:9", "nine", "biolink:Disease", parents=("X:1",), former=("X:0",)),
    ]
    write_vocabulary(tmp_path / "x", ABOUT, terms)
    vocabulary = Vocabulary(tmp_path / "x")

    assert [("X:3", "three"), ("X:9", "nine"), ("X:2", "two")] == list((vocabulary.below("X:1", 3) or {}).items())
    assert vocabulary.below("X:9", 3) == vocabulary.below("X:0", 3)
    assert vocabulary.below("X:1", 2) is None


def test_a_former_id_is_the_present_one(vocabulary: Vocabulary) -> None:
    """Terms are merged; who knows the old id finds the new one."""
    assert ("DOID:3", "asthma", ["asthma", "Bronchial asthma"]) == (
        vocabulary.current("DOID:9"),
        vocabulary.label("DOID:9"),
        vocabulary.synonyms("DOID:9"),
    )


def test_places_in_trees_are_parents(tmp_path: Path) -> None:
    """Whose place is above another's is its parent."""
    above = Term("MESH:D1", "Lung Diseases", "biolink:Disease", parents=("tree:C08.381",))
    below = Term("MESH:D2", "Asthma", "biolink:Disease", parents=("tree:C08.381.495", "tree:C20"))
    write_vocabulary(tmp_path / "mesh", ABOUT, [below, above])

    assert ["MESH:D1"] == Vocabulary(tmp_path / "mesh").ancestors("MESH:D2")


def test_the_same_terms_make_the_same_file(tmp_path: Path) -> None:
    """In whatever order they come; the digest is that of provenance."""
    for name, terms in (("one", TERMS), ("two", TERMS[::-1])):
        assert Compiled(3, 5) == write_vocabulary(tmp_path / name, ABOUT, terms)

    assert Vocabulary(tmp_path / "one").digest == Vocabulary(tmp_path / "two").digest


@pytest.mark.parametrize(("terms", "problem"), [([], "has no terms"), ([*TERMS, TERMS[0]], "a term twice: DOID:1")])
def test_what_cannot_be_compiled_is_refused(tmp_path: Path, terms: list[Term], problem: str) -> None:
    """And no file is left."""
    with pytest.raises(InvalidInput, match=problem):
        write_vocabulary(tmp_path / "doid", ABOUT, terms)

    assert not (tmp_path / "doid").exists()


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_vocabulary_is_told(tmp_path: Path, content: bytes | None) -> None:
    """With how to make one."""
    if content is not None:
        (tmp_path / "doid").write_bytes(content)

    with pytest.raises(ConfigurationError) as refused:
        Vocabulary(tmp_path / "doid")
    assert "medkg vocabulary build" in refused.value.info.remedy


def test_a_term_is_told_whole(vocabulary: Vocabulary) -> None:
    """By its id or a former one, with all that stands in its source."""
    assert (TERMS[2], TERMS[2], None) == (vocabulary.term("DOID:3"), vocabulary.term("DOID:9"), vocabulary.term("X:1"))


def test_terms_are_found_by_their_names(vocabulary: Vocabulary) -> None:
    """Whole names, whatever their case."""
    assert (("DOID:3",), ("DOID:3",), ()) == tuple(vocabulary.named(each) for each in ("ASTHMA", "wheeze", "asth"))


def test_it_counts_what_it_has(vocabulary: Vocabulary) -> None:
    """Terms by category, names by scope."""
    assert Counts({"biolink:Disease": 3}, {"exact": 4, "related": 1}) == vocabulary.counts()


def test_an_id_that_a_term_has_now_is_nobodys_former_one(tmp_path: Path) -> None:
    """Where an id was given anew, it is the term that has it."""
    again = [Term("DOID:1", "one", "biolink:Disease"), Term("DOID:2", "two", "biolink:Disease", former=("DOID:1",))]
    write_vocabulary(tmp_path / "again", ABOUT, again)

    assert "one" == Vocabulary(tmp_path / "again").label("DOID:1")


@pytest.mark.parametrize(
    "term", [Term("no curie", "asthma", "biolink:Disease"), Term("DOID:1", "asthma", "Disease")], ids=["id", "category"]
)
def test_what_no_graph_can_hold_is_refused(tmp_path: Path, term: Term) -> None:
    """Rather than fail each document in which it is found; nothing is left at the file's place."""
    with pytest.raises(InvalidInput, match="a term that no graph can hold"):
        write_vocabulary(tmp_path / "bad", ABOUT, [term])

    assert [] == list(tmp_path.iterdir())
