"""Where sentences start."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_chunk.sentences import sentence_starts


def split(text: str) -> list[str]:
    starts = sentence_starts(text)
    return [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=False)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Drugs that prolong QT, e.g. Amiodarone, are not allowed",
        "Placebo vs. Rituximab in adults",
        "Seen by Dr. Smith at baseline",
        "Reported by J. Miller earlier",
        "Approved in the U.S. Food code",
        "A dose of 3.5 mg was given",
        "Shown before (Miller et al. 2019)",
        "About approx. five days",
        "See Fig. 3 for details",
        "E. coli was cultured",
    ],
)
def test_a_full_stop_inside_a_sentence_is_no_boundary(sentence: str) -> None:
    """Abbreviations, initials and decimal numbers do not end a sentence."""
    assert [f"{sentence}.", "Next one."] == split(f"{sentence}. Next one.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One here. Two here! Three? Four.", ["One here.", "Two here!", "Three?", "Four."]),
        ('He said "stop." Then left.', ['He said "stop."', "Then left."]),
        ("Low on vitamin D. Patients improved.", ["Low on vitamin D.", "Patients improved."]),
        ("高血压患者。年龄大于18岁!", ["高血压患者。", "年龄大于18岁!"]),
        ("هل هذا صحيح؟ نعم هو.", ["هل هذا صحيح؟", "نعم هو."]),
        ("यह एक है। यह दो है।", ["यह एक है।", "यह दो है।"]),
        ("", []),
    ],
)
def test_a_stop_ends_a_sentence(text: str, expected: list[str]) -> None:
    """Full stops, question and exclamation marks of several scripts end a sentence."""
    assert expected == split(text)


def test_list_items_are_units() -> None:
    """A list item starts a unit, and the number before it is no sentence of its own."""
    text = "Inclusion Criteria:\n\n1. Age over 18. Signed consent\n2. No MI\n  * Nested item\r\n(b) Last item"
    expected = [
        "Inclusion Criteria:",
        "1. Age over 18.",
        "Signed consent",
        "2. No MI",
        "* Nested item",
        "(b) Last item",
    ]
    assert expected == split(text)


def test_a_wrapped_line_goes_on() -> None:
    """A line break inside a paragraph is no boundary."""
    assert ["The first half\nand the second half."] == split("The first half\nand the second half.")


def test_a_blank_line_is_a_boundary() -> None:
    """A paragraph without a full stop still ends at a blank line."""
    assert ["One paragraph", "another one"] == split("One paragraph\r\n \r\nanother one")


@given(st.text(alphabet=st.sampled_from("aB1.。!?()\"' \n\r\t*-\u2029é漢"), max_size=60))
@settings(max_examples=150, deadline=None)
def test_starts_begin_at_zero_and_grow(text: str) -> None:
    """For any text the starts are strictly increasing positions inside it, the first of them 0."""
    starts = sentence_starts(text)
    assert starts == sorted({*starts, *([0] if text else [])})
    assert all(start < len(text) for start in starts)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("text", ["." * 200_000, "。" * 200_000, ".)" * 100_000, "\n" * 200_000, "a. " * 100_000])
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Long runs of stops, brackets and line breaks are read in a moment."""
    assert 0 == sentence_starts(text)[0]
