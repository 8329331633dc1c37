"""What the arms ask, and what records have to be asked for, without a server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import Document, Provenance
from medkg_search import DateRange, SearchFilters, bm25_clause, document_facets, parse_query, splade_clause
from medkg_search.arms import SPARSE_TERMS, compounds, identifiers, names
from pydantic import JsonValue, ValidationError


def document(**metadata: JsonValue) -> Document:
    provenance = Provenance(source="ctgov", source_id="NCT1", uri="x:y", sha256="0" * 64)
    return Document(
        id="ctgov:NCT1", source="ctgov", title="A  study", sections=[], metadata=metadata, provenance=provenance
    )


def test_names_and_compounds_are_told_apart() -> None:
    """Digits among letters, or capitals beside a hyphen, make a name; measures and other words with a hyphen do not."""
    text = "low-dose IL-6 and (PARAGON-HF) brca1/2 of follow-up, HIV, Aspirin, 2020-21, 20, COU-AA-301, 10-fold."
    assert ["IL-6", "PARAGON-HF", "brca1", "COU-AA-301"] == names(text)
    assert ["low-dose", "follow-up", "2020-21", "10-fold"] == compounds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("results of nct02349698.", ["nct02349698"]),
        ("PMID: 12345678", ["12345678"]),
        ("pmid:12345678", ["12345678", "pmid:12345678"]),
        ("see doi:10.1056/NEJMoa1908655.", ["10.1056/NEJMoa1908655", "NEJMoa1908655"]),
        ("ctgov:NCT02349698", ["NCT02349698", "ctgov:NCT02349698"]),
        ("EudraCT 2015-001234-56", ["2015-001234-56", "001234"]),
        ("aspirin 100 mg in 2020", []),
    ],
)
def test_identifiers_are_recognised(text: str, expected: list[str]) -> None:
    """Registries' numbers, PMIDs, DOIs and documents' own ids; doses and years are none."""
    assert expected == [one for one in identifiers(text) if not one.startswith("doi:")]


def test_a_title_is_known_however_its_words_are_spaced() -> None:
    """What a document is known as has single blanks, and so has what is looked for there."""
    known = bm25_clause(parse_query(" A \n study "))["bool"]["should"][-1]["constant_score"]["filter"]
    assert {"terms": {"known_as": ["A study"]}} == known


def test_a_query_of_fields_alone_matches_all_that_pass() -> None:
    """Without words there is nothing to score."""
    assert {"match_all": {}} == bm25_clause(parse_query("source:ctgov -phase:3"))


@given(st.dictionaries(st.text(max_size=8), st.floats(0.001, 9), max_size=SPARSE_TERMS * 2))
@settings(max_examples=50)
def test_a_sparse_query_asks_for_its_heaviest_terms(weights: dict[str, float]) -> None:
    """At most so many terms, each with its weight, none lighter than one that is left out."""
    clause = splade_clause(weights)
    terms = {term: weight for term, weight in weights.items() if term}
    boosts = [] if clause is None else [each["rank_feature"]["boost"] for each in clause["bool"]["should"]]

    assert sorted(terms.values(), reverse=True)[:SPARSE_TERMS] == boosts


def test_a_record_has_its_documents_facets() -> None:
    """Names to be asked for by, and what one filters by, whatever each source calls it."""
    made = document(
        nct_id="NCT1", acronym="PARAGON-HF", doi="https://doi.org/10.1/x", pmid=7, status="COMPLETED",
        phases=["PHASE2", "PHASE3"], mesh=["Asthma"], start_date="2000-03", has_results=True,
    )  # fmt: skip
    expected = {
        "known_as": ["ctgov:NCT1", "NCT1", "A study", "PARAGON-HF", "10.1/x", "7"],
        "date": "2000-03",
        "status": "COMPLETED",
        "phase": ["PHASE2", "PHASE3"],
        "mesh": ["Asthma"],
    }
    assert expected == document_facets(made)


@pytest.mark.parametrize("date", ["spring 2020", "2020-13", "2020-02-30", "0000", "20200101", None, True, {"y": 1}])
def test_what_is_no_date_is_left_out(date: JsonValue) -> None:
    """A source's odd date never makes OpenSearch refuse the record."""
    assert "date" not in document_facets(document(date=date))


def test_a_day_with_a_time_is_a_day() -> None:
    """Only the day counts; and a year may be a number."""
    assert "2021-05-06" == document_facets(document(publication_date="2021-05-06T07:08:09Z"))["date"]
    assert "2021" == document_facets(document(year=2021))["date"]


@pytest.mark.parametrize("wrong", [{}, {"since": "21"}, {"until": "2021-02-29"}, {"since": "2020||/y"}])
def test_a_wrong_range_of_dates_is_refused(wrong: dict[str, str]) -> None:
    """A range has a beginning or an end, and both are dates."""
    with pytest.raises(ValidationError):
        DateRange.model_validate(wrong)


def test_the_words_of_a_source_may_be_written_as_people_do() -> None:
    """`3` is ``PHASE3``, and blanks and commas of a status are underscores."""
    clauses = str(SearchFilters(phase=("3", "early phase 1"), status=("active, not recruiting",)).clauses())
    assert all(word in clauses for word in ("'PHASE3'", "'EARLY_PHASE1'", "'active_not_recruiting'"))


def test_an_empty_query_is_refused() -> None:
    """There is nothing to ask the arms."""
    with pytest.raises(InvalidRequest):
        parse_query(" ")
