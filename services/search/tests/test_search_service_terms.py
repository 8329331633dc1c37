"""Which terms the words of a search are, and what else is looked for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_search_service.recognising import Recognised, recognised
from medkg_search_service.terms import MOST_DESCENDANTS, MOST_NAMED_BELOW, MOST_SYNONYMS, MOST_TERMS, Terms
from medkg_vocabulary import Synonym, Term, Vocabulary

from .vocabularies import DISEASE, opened, vocabulary


@pytest.fixture
def mesh_and_doid(tmp_path: Path) -> tuple[Vocabulary, Vocabulary]:
    return opened(tmp_path)


@pytest.fixture
def terms(mesh_and_doid: tuple[Vocabulary, Vocabulary]) -> Terms:
    return Terms(mesh_and_doid)


def sought(terms: Terms, text: str, *by: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Of each expansion what was typed, the term, and the names that are looked for with their relation."""
    return [
        (each.told.typed, each.told.id, [(name.text, name.relation.value) for name in each.told.names])
        for each in terms.expanded(text, by)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aspirin after a (heart attack), in adults", [("heart attack", "MESH:D1")]),
        ("Heart  ATTACKS", [("Heart  ATTACKS", "MESH:D1")]),
        ("heart of attack", [("heart", "MESH:D3")]),
        ("hearts", [("hearts", "MESH:D3")]),
        ("AIDS; walking aids", [("AIDS", "MESH:D4")]),
        ("diabetes mellitus, type 2: a trial", [("diabetes mellitus, type 2", "MESH:D6")]),
        ("stroke", [("stroke", "MESH:D4")]),
        ("attack", []),
    ],
)
def test_the_longest_names_are_recognised(
    mesh_and_doid: tuple[Vocabulary, Vocabulary], text: str, expected: list[tuple[str, str]]
) -> None:
    """In any case and number, whatever stands around them; a short one in capitals only as it is written."""
    assert [Recognised(*one) for one in expected] == recognised(text, mesh_and_doid[0])


class Everything:
    """Has a term for every name of these words."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def exactly_named(self, name: str) -> list[tuple[str, str]]:
        """One, if all of its words are among them."""
        return [("X:1", name)] if all(word in self.words for word in name.split()) else []


@given(st.lists(st.sampled_from(["heart", "attack", "after", "pain"]), max_size=30))
def test_what_is_recognised_stands_in_the_text_in_its_order(words: list[str]) -> None:
    """Names overlap nowhere, and each word that is a name is in one of them."""
    text = " ".join(words)
    found = [each.typed for each in recognised(text, Everything(["heart", "attack", "pain"]))]
    at = 0
    for typed in found:
        at = text.index(typed, at) + len(typed)

    assert [word for word in words if word != "after"] == " ".join(found).split()


def test_other_names_and_what_is_below_are_looked_for(terms: Terms) -> None:
    """Names as texts have them, without those that the typed words find, and first those that mean the same."""
    assert [
        (
            "heart attack",
            "MESH:D1",
            [
                ("Myocardial Infarction", "synonym"),
                ("Heart Infarction", "synonym"),
                ("ST Elevation Infarction", "descendant"),
                ("STEMI", "descendant"),
            ],
        )
    ] == sought(terms, "aspirin after heart attack", "mesh")


def test_a_second_vocabulary_adds_what_the_first_does_not_have(terms: Terms) -> None:
    """What both know is looked for once, with the first."""
    _, second = sought(terms, "heart attack", "mesh", "doid")

    assert ("heart attack", "DOID:5844", [("Coronary Thrombosis", "synonym")]) == second


def test_a_short_name_in_capitals_is_looked_for_by_its_id_alone(terms: Terms) -> None:
    """Texts are read without case: who looks for CVA or COLD would find cold."""
    assert [("cerebral stroke", "MESH:D5", [("stroke", "synonym")])] == sought(terms, "cerebral stroke", "mesh")


@pytest.fixture
def wide(tmp_path: Path) -> Terms:
    """Terms with many names, and with many below them."""
    many = [Term(f"X:{n:04}", f"kind n{n}k", DISEASE, parents=("X:0000",)) for n in range(1, MOST_NAMED_BELOW + 2)]
    few = [Term(f"Y:{n:04}", f"sort n{n}s", DISEASE, parents=("Y:0000",)) for n in range(1, MOST_NAMED_BELOW + 1)]
    names = tuple(Synonym(f"name n{n}n") for n in range(MOST_SYNONYMS + 5))
    others = [Term(f"Z:{n}", f"other z{n}z", DISEASE) for n in range(MOST_TERMS + 1)]
    roots = [Term("X:0000", "everything", DISEASE, names), Term("Y:0000", "something", DISEASE, names)]
    return Terms([Vocabulary(vocabulary(tmp_path, "wide", [*roots, *many, *few, *others]))])


def test_what_is_looked_for_is_bounded(wide: Terms) -> None:
    """OpenSearch counts clauses: a query has so many terms, and a term so many names; the rest by its ids."""
    everything, something = wide.expanded("everything or something", ["wide"])
    relations = [name.relation.value for name in something.told.names]
    query = " ".join(f"other z{n}z" for n in range(MOST_TERMS + 1))

    assert (MOST_SYNONYMS, MOST_NAMED_BELOW + 1) == (len(everything.told.names), len(everything.below))
    assert ["synonym"] * MOST_SYNONYMS + ["descendant"] * MOST_DESCENDANTS == relations
    assert MOST_NAMED_BELOW == something.told.descendants == len(something.below)
    assert MOST_TERMS == len(wide.expanded(query, ["wide", "wide"]))


def test_an_entity_is_meant_by_id_or_by_name(terms: Terms) -> None:
    """The first vocabulary that has the name decides; a prefix is written as it likes."""
    asked = ["mesh:D2", "heart attack", "Coronary thrombosis", "X:9"]
    meant = terms.meanings(asked, ())

    assert {
        "mesh:D2": ["MESH:D2"],
        "heart attack": ["MESH:D1"],
        "Coronary thrombosis": ["DOID:5844"],
        "X:9": ["X:9"],
    } == meant


def test_an_expanded_filter_has_all_that_is_below(terms: Terms) -> None:
    """Who asks for a term by a vocabulary asks for what it has below the term, too."""
    assert {"heart attack": ["MESH:D1", "MESH:D2"]} == terms.meanings(["heart attack"], ["mesh"])


@pytest.mark.parametrize(
    ("entity", "by", "message", "remedy"),
    [
        (
            "Stroke",
            (),
            "'Stroke' may be MESH:D4 (Acquired Immunodeficiency Syndrome), MESH:D5 (Cerebral",
            "Give the id",
        ),
        ("nothing", (), "no vocabulary here (mesh, doid) has the name 'nothing'", "MESH:D003924"),
        ("MESH:D1", ("snomed",), "there is no vocabulary 'snomed' here", "Expand by mesh or doid"),
    ],
)
def test_what_is_not_known_is_refused(
    terms: Terms, entity: str, by: tuple[str, ...], message: str, remedy: str
) -> None:
    """A name of two things or of none, and a vocabulary that is not there, are told with what to do."""
    with pytest.raises(InvalidRequest) as refused:
        terms.meanings([entity], by)

    assert message in str(refused.value)
    assert remedy in refused.value.info.remedy


def test_labels_are_those_of_whoever_has_the_id(terms: Terms) -> None:
    """What no vocabulary has is left out."""
    assert {"MESH:D3": "Heart", "DOID:5844": "heart attack"} == terms.labels(["MESH:D3", "DOID:5844", "X:1"])
