"""Which term a name means, and what dictionary and training make of names."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_recognition import Lexicon, Linker, Recogniser, Tagger
from medkg_recognition.building import table_of
from medkg_recognition.corpus import Abstract, Gold
from medkg_recognition.opening import linked_names
from medkg_recognition.training import learned, train
from medkg_vocabulary import About, Synonym, Term, Vocabulary, write_vocabulary

D, C = "biolink:Disease", "biolink:ChemicalEntity"


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> list[Vocabulary]:
    """Two, the second of which refers to the first."""
    folder = tmp_path_factory.mktemp("linking")
    given: dict[str, Iterable[Term]] = {
        "first": [
            Term("MESH:D1", "Lung Neoplasms", D),
            Term("MESH:D2", "Gabapentin", C),
            Term("MESH:D3", "Kidney Injury", D),
        ],
        "second": [
            Term("DOID:1", "pulmonary growth", D, (Synonym("lung lump"),), xrefs=("MESH:D1",)),
            Term("DOID:2", "gout", D, xrefs=("MESH:D99",)),
        ],
    }
    for name, terms in given.items():
        write_vocabulary(folder / name, About(name, "1", "CC0-1.0", "a test"), terms)
    return [Vocabulary(folder / name) for name in given]


@pytest.mark.parametrize(
    ("name", "category", "expected"),
    [
        ("lung neoplasm", D, "MESH:D1"),
        ("neoplasms of the lung", D, "MESH:D1"),
        ("severe lung cancer", D, "MESH:D1"),
        ("renal damage", D, "MESH:D3"),
        ("lung lump", D, "MESH:D1"),
        ("gout", D, "DOID:2"),
        ("gabapentin capsules", C, "MESH:D2"),
        ("gabapentin", D, None),
        ("asthma", D, None),
        ("", D, None),
    ],
)
def test_a_name_means_a_term(vocabularies: list[Vocabulary], name: str, category: str, expected: str | None) -> None:
    """By its words in any order, by words that mean the same, without its first; ids are of the first vocabulary."""
    assert expected == Linker(vocabularies).link(name, category)


def test_what_people_have_linked_counts_first(vocabularies: list[Vocabulary]) -> None:
    """Unless it is a term that the vocabulary of its prefix does not have."""
    said = {
        (D, ("lung", "neoplasm")): "MESH:D3", (C, ("gabapentin",)): "MESH:C040029", (D, ("gout",)): "OMIM:138900",
        (D, ("rare", "thing")): "MESH:C7",
    }  # fmt: skip
    linker = Linker(vocabularies, said)

    assert ["MESH:D3", "MESH:D2", "OMIM:138900", "MESH:C7"] == [
        linker.link(name, category)
        for name, category in (("lung neoplasm", D), ("gabapentin", C), ("gout", D), ("rare thing", D))
    ]


def names_in(text: str, names: list[tuple[str, str]], linker: Linker) -> list[str]:
    """What a dictionary finds in a text."""
    found = Recogniser(None, Lexicon(names), linker).recognise(text)
    return [text[each.found.start : each.found.end] for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Diabetes insipidus, not diabetes.", ["Diabetes insipidus", "diabetes"]),
        ("Prediabetes is no diabetes; nor are diabetesx.", ["diabetes"]),
        ("AIDS and aids.", ["AIDS"]),
        ("Lung neoplasms and a lung neoplasm.", ["Lung neoplasms", "lung neoplasm"]),
        ("He is ill.", []),
    ],
)
def test_a_dictionary_finds_whole_words(vocabularies: list[Vocabulary], text: str, expected: list[str]) -> None:
    """The longest name from the left, in any case but for short capitals; names that an index turns round, too."""
    names = [("diabetes", D), ("Diabetes Insipidus", D), ("AIDS", D), ("Neoplasm, Lung", D), ("He", C)]

    assert expected == names_in(text, names, Linker(vocabularies))


def abstract(number: int, drug: str, disease: str, *, marks_drugs: bool = True) -> Abstract:
    """A sentence with a drug and a disease."""
    text = f"The drug {drug} was given against {disease} in mice."
    at = {"Chemical": (9, drug), "Disease": (text.index(disease), disease)}
    marked = [kind for kind in at if marks_drugs or kind == "Disease"]
    mentions = [Gold(at[k][0], at[k][0] + len(at[k][1]), at[k][1], k, (f"MESH:D{number}",)) for k in marked]
    return Abstract(str(number), text, tuple(mentions))


DRUGS, DISEASES = ("aspirin", "lithium", "cocaine", "insulin"), ("asthma", "gout", "fever", "angina")
WHOLE = [abstract(number, *names) for number, names in enumerate(zip(DRUGS, DISEASES, strict=True))]
HALF = [abstract(number + 9, drug, "anaemia", marks_drugs=False) for number, drug in enumerate(DRUGS)]


def test_a_model_finds_what_it_has_not_seen_and_is_the_same_again(tmp_path: Path) -> None:
    """Of the same abstracts the same bytes; a corpus that marks no drugs does not teach that there are none."""
    lexicon = Lexicon([("asthma", D)])
    for name in ("one", "two"):
        train([WHOLE, HALF], lexicon, tmp_path / name)
    text = "The drug ibuprofen was given against malaria in mice."
    found = Recogniser(Tagger(tmp_path / "one", lexicon), Lexicon([]), Linker([])).recognise(text)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert [("ibuprofen", C), ("malaria", D)] == [
        (text[each.found.start : each.found.end], each.found.category) for each in found
    ]
    assert all(0 < each.found.score <= 1 for each in found)


def test_linked_names_survive_their_file(tmp_path: Path) -> None:
    """What people have linked is read as it was written."""
    said = learned(WHOLE)
    (tmp_path / "names.tsv").write_text(table_of(said), encoding="utf-8")

    assert 8 == len(said)
    assert said == linked_names(tmp_path / "names.tsv")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    with pytest.raises(ConfigurationError, match="is no tagger") as refused:
        Tagger(tmp_path / "none", Lexicon([]))

    assert "make tagger" in refused.value.info.remedy
