"""The language of queries, without a server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_search import DateRange, SearchFilters, SearchQuery, parse_query
from medkg_search.syntax import FIELDS, MAX_PARTS, Phrase

#: Texts near the language.
NEAR = st.lists(
    st.sampled_from(['"', "-", ":", " ", "title:", "status:", "date:", "2020", "..", "\u201c", "\u201d", "IL-6", "a"])
    | st.text(max_size=3),
    max_size=20,
).map("".join)


@given(NEAR | st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_a_query_or_refused_with_a_remedy(text: str) -> None:
    """Whatever is typed is read, or refused as an invalid request with a remedy; there is no other error."""
    try:
        query = parse_query(text)
    except InvalidRequest as error:
        assert error.info.remedy  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(query.clauses(), list)


@given(st.lists(st.from_regex(r"[a-z0-9]{1,8}(?:[-/.,+'][a-z0-9]{1,4})?[.,;!?)\"]?", fullmatch=True), min_size=1))
@settings(max_examples=100)
def test_free_text_stays_as_it_is(words: list[str]) -> None:
    """A text without phrases, fields and exclusions is looked for as it stands, quotes behind words too."""
    text = "  ".join(words)[:500].strip()
    assert SearchQuery(text) == parse_query(text)


@pytest.mark.parametrize(
    "text",
    [
        '5" needle',
        "IL-6 - what is known",
        "cooled to -20 °C",
        "ratio 1:2",
        "Background: asthma. Title: none",
        "https://clinicaltrials.gov/study/NCT00000410",
        "ctgov:NCT00000410",
        "TNF:alpha",
        "state:solid",
        "-",
        "status:",
        "status: recruiting",
        "-_-",
        "HER2- negative",
    ],
)
def test_what_only_looks_like_syntax_is_text(text: str) -> None:
    """A minus, a colon and a quote mean something only before a word, a field's value and at a word's beginning."""
    assert SearchQuery(text) == parse_query(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"heart failure"', SearchQuery("", (Phrase("heart failure"),))),
        ("trial of \u201cheart failure\u201d in adults", SearchQuery("trial of in adults", (Phrase("heart failure"),))),
        ('title:"heart failure" TITLE:HF', SearchQuery("", (Phrase("heart failure", True), Phrase("HF", True)))),
        ("asthma source:ctgov", SearchQuery("asthma", filters=SearchFilters(source=("ctgov",)))),
        (
            'phase:2 phase:"Phase 3" status:recruiting',
            SearchQuery("", filters=SearchFilters(phase=("2", "Phase 3"), status=("recruiting",))),
        ),
        ("section:Eligibility", SearchQuery("", filters=SearchFilters(section_type=("eligibility",)))),
        ("id:NCT1 mesh:Asthma", SearchQuery("", filters=SearchFilters(known_as=("NCT1",), mesh=("Asthma",)))),
        ("date:2021-03", SearchQuery("", filters=SearchFilters(date=(DateRange(since="2021-03", until="2021-03"),)))),
        (
            "x date:2020..2022",
            SearchQuery("x", filters=SearchFilters(date=(DateRange(since="2020", until="2022"),))),
        ),
        ("date:2020.. x", SearchQuery("x", filters=SearchFilters(date=(DateRange(since="2020"),)))),
        ("x date:..2022-06-30", SearchQuery("x", filters=SearchFilters(date=(DateRange(until="2022-06-30"),)))),
        ("asthma -child", SearchQuery("asthma", excluded=(Phrase("child"),))),
        ('asthma -"young child"', SearchQuery("asthma", excluded=(Phrase("young child"),))),
        ("asthma -title:child", SearchQuery("asthma", excluded=(Phrase("child", True),))),
        ("a -source:x", SearchQuery("a", excluded=(SearchFilters(source=("x",)),))),
        (
            'a entity:MESH:D001249 -entity:"heart attack"',
            SearchQuery(
                "a",
                filters=SearchFilters(entity=("MESH:D001249",)),
                excluded=(SearchFilters(entity=("heart attack",)),),
            ),
        ),
    ],
)
def test_the_parts_of_a_query(text: str, expected: SearchQuery) -> None:
    """Phrases, fields and exclusions are taken out of the free text, which keeps its order."""
    assert expected == parse_query(text)


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("", "the query is empty", "Give some words"),
        ("x" * 1001, "1001 characters", "shorter"),
        ('asthma "in adults', "at character 8: the quote is not closed", "leave it out"),
        ('""', "at character 1: there is no word between the quotes", "Put the words"),
        ('title:"."', "at character 7: there is no word", "Put the words"),
        ("asthma staus:recruiting", "at character 8: there is no field 'staus'", "Write status:VALUE"),
        ("date:yesterday", "at character 1: 'yesterday' is no date", "date:2020..2022"),
        ("x date:2021-02-30", "at character 3: '2021-02-30' is no date", "date:2020..2022"),
        ("date:..", "'..' is no date", "date:2020.."),
        ("section:nowhere", "at character 1: section: ", "Correct the value 'nowhere'"),
        ("source:a,b", "at character 1: source: ", "Correct the value 'a,b'"),
        ("-date:soon x", "at character 1: 'soon' is no date", "date:2021"),
        (" ".join(["-a"] * (MAX_PARTS + 1)), f"at character {3 * MAX_PARTS + 1}: more than {MAX_PARTS}", "several"),
    ],
)
def test_what_is_no_query_is_refused_with_the_place_and_the_remedy(text: str, message: str, remedy: str) -> None:
    """The message says where, the remedy how it is written."""
    with pytest.raises(InvalidRequest) as caught:
        parse_query(text)

    assert message in str(caught.value)
    assert remedy in caught.value.info.remedy


def test_every_entity_has_to_be_there_in_one_of_its_meanings() -> None:
    """An entity may mean several ids, of which one is enough; of several entities each must be there."""
    query = parse_query("entity:MESH:D1 entity:stroke -entity:asthma -child")
    meanings = {"stroke": ("MESH:D2", "MESH:D3"), "asthma": ("MESH:D4",)}

    assert ("MESH:D1", "stroke", "asthma") == query.entities
    assert [
        {"terms": {"entities": ["MESH:D1"]}},
        {"terms": {"entities": ["MESH:D2", "MESH:D3"]}},
        {"bool": {"must_not": [{"terms": {"entities": ["MESH:D4"]}}, Phrase("child").clause()]}},
    ] == query.clauses(meanings)


def test_who_knows_no_syntax_gets_the_words() -> None:
    """A model reads the free words and the phrases, and nothing of fields and exclusions."""
    query = parse_query('treatment of "heart failure" -child source:ctgov title:HF')
    assert "treatment of heart failure HF" == query.words


def test_every_field_is_a_filter() -> None:
    """The fields of the language are filters that a program can give as well."""
    assert set(FIELDS.values()) <= set(SearchFilters.model_fields)
