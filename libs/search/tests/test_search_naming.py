"""Which records a query names."""

from dataclasses import dataclass

from medkg_search import bm25_clause, parse_query
from medkg_search.naming import KNOWN_AS, named_records


@dataclass(frozen=True)
class Hit:
    record_id: str
    document_id: str
    clauses: frozenset[str]


def hit(record: str, document: str, *clauses: str) -> Hit:
    return Hit(record, document, frozenset(clauses))


def names_asked(text: str) -> set[str]:
    """The names of the clauses that a query asks by."""
    clauses = bm25_clause(parse_query(text))["bool"]["should"]
    return {clause["constant_score"]["_name"] for clause in clauses if "constant_score" in clause}


def test_what_is_known_as_the_query_says_is_named():
    """An acronym may be that of two studies, and both are meant."""
    assert {"a1", "a2", "b1"} == named_records(
        [hit("a1", "a", KNOWN_AS), hit("a2", "a", KNOWN_AS), hit("b1", "b", KNOWN_AS), hit("c1", "c")]
    )


def test_a_name_that_one_document_has_names_it():
    """In all its records that have it, and not in its others."""
    assert {"a1", "a2"} == named_records(
        [hit("a1", "a", "IL-6"), hit("a2", "a", "IL-6"), hit("a3", "a"), hit("b", "b")]
    )


def test_a_name_that_several_documents_have_names_none():
    """It tells none of them from the others; another name of the same query may."""
    found = [hit("a", "a", "IL-6", "PARAGON-HF"), hit("b", "b", "IL-6")]

    assert {"a"} == named_records(found)


def test_names_are_asked_for_each_by_itself():
    """So that a rare one is told from a common one; words that are no names point at nothing."""
    assert {KNOWN_AS, "PARAGON-HF", "IL-6"} == names_asked("IL-6 in the low-dose arm of PARAGON-HF")


def test_a_lone_word_may_be_a_name():
    """Whoever types nothing else may write it in small letters, or without its hyphen."""
    assert {KNOWN_AS, "paragonhf"} == names_asked("paragonhf")
