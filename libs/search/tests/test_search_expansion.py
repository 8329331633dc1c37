"""What a query is expanded to is looked for, and told of the hits that have it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from medkg_search import bm25_clause, parse_query
from medkg_search.expansion import (
    MOST_MATCHES,
    Expanded,
    Expansion,
    ExpansionMatch,
    Relation,
    SoughtName,
    expansion_clauses,
    expansion_matches,
    tracing_clauses,
)

ATTACK = "MESH:D009203"
STEMI = "MESH:D000072657"


def expanded(typed: str = "heart attack", **names: str) -> Expanded:
    """A term with one term below it, looked for by these names."""
    sought = tuple(
        SoughtName(text=text, id=ATTACK if relation == "synonym" else STEMI, relation=Relation(relation))
        for relation, text in names.items()
    )
    told = Expansion(
        typed=typed, id=ATTACK, name="Myocardial Infarction", vocabulary="mesh", names=sought, descendants=1
    )
    return Expanded(told, {STEMI: "ST Elevation Myocardial Infarction"})


INFARCTION = expanded(synonym="myocardial infarction", descendant="STEMI")


def boosts(clause: dict[str, Any]) -> list[float]:
    """Of all clauses in one that have some."""
    (body,) = clause.values()
    own = [body["boost"]] if "boost" in body else [each["boost"] for each in body.values() if isinstance(each, dict)]
    return own if "queries" not in body else [boost for each in body["queries"] for boost in boosts(each)]


def test_what_a_query_is_not_expanded_to_changes_nothing() -> None:
    """Without expansion the arm of words asks what it asked before."""
    query = parse_query("aspirin after heart attack")
    plain, more = bm25_clause(query), bm25_clause(query, [INFARCTION])

    assert [*plain["bool"]["should"], *expansion_clauses([INFARCTION])] == more["bool"]["should"]


def test_other_names_count_less_than_what_was_typed() -> None:
    """A name is worth less than the same words in the query, and one of something narrower less than that."""
    (clause,) = expansion_clauses([INFARCTION])
    names = {each["multi_match"]["query"]: each["multi_match"]["boost"] for each in clause["dis_max"]["queries"][:2]}

    assert 1 > names["myocardial infarction"] > names["STEMI"] > 0
    assert 1 >= max(boosts(clause)) > 0


def test_names_of_one_thing_are_no_several_things() -> None:
    """What two vocabularies know of the words that were typed is one clause, of which the best counts."""
    other = expanded("Heart attack", synonym="coronary thrombosis")
    joint, alone = expansion_clauses([INFARCTION, other]), expansion_clauses([other])

    assert 1 == len(joint)
    assert alone[0]["dis_max"]["queries"] == joint[0]["dis_max"]["queries"][-len(alone[0]["dis_max"]["queries"]) :]


def test_a_hit_tells_which_names_it_has_and_where() -> None:
    """By the clauses that it has matched, and by its record's ids; synonyms before what is narrower."""
    traced = {
        clause["_name"]: (field, clause["query"])
        for each in tracing_clauses([INFARCTION])
        for field, clause in each["match_phrase"].items()
    }
    matched = {name for name, at in traced.items() if at != ("section_title", "myocardial infarction")}
    found = expansion_matches([INFARCTION], matched, [STEMI], [ATTACK, STEMI, "MESH:D001241"])

    attack, narrower = ("heart attack", ATTACK), ("heart attack", STEMI)
    assert [
        (*attack, "myocardial infarction", "synonym", ("text", "document_title")),
        (*attack, "Myocardial Infarction", "term", ("entities",)),
        (*narrower, "STEMI", "descendant", ("text", "document_title", "section_title")),
        (*narrower, "ST Elevation Myocardial Infarction", "descendant", ("named",)),
    ] == [(each.typed, each.id, each.by, each.relation.value, each.fields) for each in found]


@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)))
def test_a_hit_tells_a_few(named: list[int], about: list[int]) -> None:
    """Each of what its record has of what is below a term, once, though not more than people read."""
    below = {f"X:{number}": f"name {number}" for number in range(20)}
    told = Expansion(typed="x", id="X:29", name="x", vocabulary="x", names=(), descendants=20)
    entities = dict.fromkeys(f"X:{number}" for number in (*named, *about))
    found = expansion_matches([Expanded(told, below)], (), {f"X:{number}" for number in named}, entities)
    expected = [id_ for id_ in entities if id_ in below or id_ == "X:29"]

    assert min(MOST_MATCHES, len(expected)) == len({match.id for match in found}) == len(found)
    assert {match.id for match in found} <= set(expected)
    assert all((match.fields == ("named",)) == (int(match.id[2:]) in named) for match in found)


def test_what_a_hit_does_not_have_is_not_told() -> None:
    """A hit by the words that were typed has nothing of an expansion."""
    found: list[ExpansionMatch] = expansion_matches([INFARCTION], ["NCT1", "known_as"], (), ("MESH:D001241",))

    assert [] == found
