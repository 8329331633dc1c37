"""Which entity is meant by what people call it."""

import pytest
from medkg_contracts.errors import InvalidRequest, NotFound
from medkg_graph.names import by_name, ids_of, meant, words_of
from medkg_graph.views import NodeView


def node(id_: str, name: str, **attributes: str | list[str]) -> NodeView:
    return NodeView(id=id_, category="biolink:Drug", name=name, attributes=attributes)


TERM = node("MESH:D000069583", "Pregabalin")
REGISTERED = node("MEDKG:intervention-1", "pregabalin")
ARM = node("CLINICALTRIALS:NCT00353704#arm.0", "Pregabalin")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("MESH:D1", ["MESH:D1"]),
        (" mesh:D1", ["mesh:D1", "MESH:D1"]),
        ("nct01367860", ["CLINICALTRIALS:NCT01367860"]),
        ("low back pain", ["low back pain"]),
    ],
)
def test_what_may_be_an_id_is_one(text: str, ids: list[str]) -> None:
    """A prefix is read in small letters too, and a study's number stands for the study."""
    assert ids == ids_of(text)


def test_a_vocabularys_term_is_meant_before_what_records_call_so() -> None:
    """A drug's MeSH term, a registered intervention and an arm may have one name."""
    assert [TERM, TERM, REGISTERED] == [
        meant(found, "Pregabalin", "one")
        for found in ([ARM, REGISTERED, TERM], [TERM, node("MESH:D2", "Pregabalin acid")], [ARM, REGISTERED])
    ]


def test_a_synonym_is_a_name() -> None:
    """Whatever the case, and the spaces between its words."""
    known = node("MESH:D3", "Acetylsalicylic acid", synonyms=["Aspirin  Protect"])

    assert known == meant([node("MESH:D2", "aspirin resistance"), known], "aspirin protect", "one")


def test_the_only_one_with_these_words_is_meant() -> None:
    """Nothing is called just so, and there is no other."""
    assert TERM == meant([TERM], "pregab", "one")


def test_a_name_of_several_is_refused_with_their_ids() -> None:
    """Whoever asks chooses one."""
    others = [node(f"MESH:D{number}", "pain") for number in range(9)]
    with pytest.raises(InvalidRequest, match=r"'pain' may be MESH:D0 pain; .*MESH:D7 pain and others"):
        meant(others, "pain", "one")


def test_words_that_several_have_are_refused() -> None:
    """Even where only one of them is a vocabulary's."""
    with pytest.raises(InvalidRequest, match="MESH:D000069583 Pregabalin; MEDKG:intervention-1 pregabalin"):
        meant([TERM, REGISTERED], "pregab", "one")


def test_nothing_with_a_name_is_told() -> None:
    """With the command that looks for words."""
    with pytest.raises(NotFound, match="the graph of tenant 'one' has no entity 'x'"):
        meant([], "x", "one")


def test_what_is_called_just_so_comes_first() -> None:
    """Best known first; the others as they were found."""
    others = [node("MESH:D8", "b"), node("MESH:D7", "a")]

    assert [TERM, REGISTERED, ARM, *others] == by_name([others[0], ARM, REGISTERED, others[1], TERM], "pregabalin")


def test_words_are_nothing_but_words_to_lucene() -> None:
    """Signs of its language are escaped, its operators are written small, and the tenant stands before them."""
    assert r'+tenant:"a\-b" +(name:(pain and \(x\*)^2 synonyms:(pain and \(x\*))' == words_of("a-b", "Pain AND (x*")
    assert words_of("one", "  ") is None
