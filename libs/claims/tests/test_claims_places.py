"""Where what was copied out of a text stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_claims.places import name_span, number_in, quote_span

WORDS = st.lists(st.text("abcxyz.-()%0123", min_size=1, max_size=6), min_size=1, max_size=8)


@given(WORDS, WORDS, st.data())
def test_whatever_is_copied_is_found(before, words, data):
    """A copy with other white space between its words is found, and the span has its very words."""
    text = " ".join(before) + "\n" + data.draw(st.sampled_from([" ", "\n", "  "])).join(words)

    span = quote_span(" ".join(words), text)

    assert words == text[span.start : span.end].split()


@given(st.text(max_size=40), st.text("abc \n", max_size=40))
def test_what_is_found_stands_there(quote, text):
    """A span is never outside the text, and nothing is found for nothing."""
    span = quote_span(quote, text)

    assert span is None or text[span.start : span.end].split() == quote.split() != []


def test_signs_that_look_alike_are_the_same():
    """A model writes plain hyphens and quotation marks where a text has typographic ones."""
    text = "IL\u20106 fell: “by 2·5\u20133”"
    span = quote_span('IL-6 fell: "by 2.5-3"', text)

    assert (0, len(text)) == (span.start, span.end)


@pytest.mark.parametrize(("name", "found"), [("Pain", True), ("pai", False), ("back  pain", True), ("", False)])
def test_names_are_whole_words_in_any_case(name, found):
    """A name is not found inside a word."""
    assert found is (name_span(name, "Back pain, unlike paint, fades.") is not None)


@pytest.mark.parametrize(
    ("said", "quote", "number"),
    [
        ("0.05", "(p<0.05)", 0.05),
        ("p < 0.05", "(p<0.05)", 0.05),
        ("0.001", "p=.001", 0.001),
        ("1234", "in 1,234 patients", 1234.0),
        ("-4.2", "a change of \u22124.2 mm", -4.2),
        ("0.8", "(95% CI 0.4\u20130.8)", 0.8),
        ("10", "10mg daily", 10.0),
        ("4.2", "a change of \u22124.2 mm", None),
        ("0.5", "p=0.05", None),
        ("5", "p=0.05", None),
        ("53", "p53 status", None),
        ("0.4-0.8", "(95% CI 0.4\u20130.8)", None),
        ("", "p=0.05", None),
        ("none", "p=0.05", None),
    ],
)
def test_numbers_count_if_the_quote_has_them(said, quote, number):
    """As a whole number with its sign, however it is written; a dash between two numbers is no sign."""
    assert number == number_in(said, quote)
