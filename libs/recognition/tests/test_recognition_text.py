"""Words, sentences, keys, short forms, context: what recognition sees of a text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_recognition.abbreviations import short_forms
from medkg_recognition.context import context
from medkg_recognition.keys import bag, key, meaning
from medkg_recognition.spans import Found, balanced, settled
from medkg_recognition.tokens import sentences, tokens


@given(st.text(max_size=200))
def test_tokens_are_all_but_white_space(text: str) -> None:
    """Each stands where it says, and nothing that is seen is left out."""
    found = tokens(text)

    assert [text[each.start : each.end] for each in found] == [each.text for each in found]
    assert "".join(text.split()) == "".join("".join(each.text for each in found).split())


@given(st.text(alphabet="Aa. \n!", max_size=60))
def test_sentences_are_all_of_the_text(text: str) -> None:
    """In their order, without overlapping; only white space stands between them."""
    found = list(sentences(text))
    rest, at = "", 0
    for start, end in found:
        rest += text[at:start]
        at = end

    assert "" == (rest + text[at:]).strip()
    assert found == sorted(found)


def test_a_full_stop_of_an_abbreviation_ends_no_sentence() -> None:
    """Nor does that of an initial."""
    text = "Given i.v. Morphine vs. Placebo worked. It did not last."

    assert ["Given i.v. Morphine vs. Placebo worked.", "It did not last."] == [text[a:b] for a, b in sentences(text)]


def test_names_have_one_key_however_they_are_written() -> None:
    """Case and plural do not count; in a bag neither does order; in a meaning nor do words that mean the same."""
    assert key("Lung Neoplasms") == key("lung neoplasm")
    assert bag(key("Neoplasms, Lung")) == bag(key("neoplasm of the lung"))
    assert meaning(key("renal damage")) == meaning(key("Kidney Injuries"))
    assert key("asthma") != key("asthenia")


def test_short_forms_are_explained_by_the_text() -> None:
    """As authors do it, in brackets behind the long form."""
    text = "Chronic obstructive pulmonary disease (COPD) is common. COPD kills."

    assert {"COPD": "Chronic obstructive pulmonary disease"} == short_forms(text)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("There was no evidence of asthma in them.", (True, False)),
        ("Possible asthma was treated.", (False, True)),
        ("They had asthma.", (False, False)),
        ("No fever was seen, but asthma was.", (False, False)),
        ("Asthma was ruled out.", (True, False)),
        ("They know asthma.", (False, False)),
        ("Asthma could not be excluded.", (False, True)),
        ("Asthma and fever were not seen.", (True, False)),
    ],
)
def test_a_sentence_may_deny_or_doubt_what_it_names(sentence: str, expected: tuple[bool, bool]) -> None:
    """By the words before and behind, up to one that ends their reach."""
    start = sentence.casefold().index("asthma")

    assert expected == context(sentence, start, start + len("asthma"))


def found(start: int, end: int, by: str = "tagger") -> Found:
    return Found(start, end, "biolink:Disease", by)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda at: found(at[0], at[0] + at[1])), max_size=12)
)
def test_none_of_those_that_are_kept_overlap(given_: list[Found]) -> None:
    """And each that is left out overlaps one that is kept and is no shorter."""
    kept = settled(given_)

    assert all(one.end <= other.start for one, other in pairwise(kept))
    for each in set(given_) - set(kept):
        assert any(each.start < one.end and one.start < each.end and one.length >= each.length for one in kept)


def test_the_longer_one_is_kept_and_of_equals_the_taggers() -> None:
    """Whoever found it; a name within a name is no mention of its own."""
    assert [found(0, 18)] == settled([found(0, 8), found(0, 18), found(0, 18, "dictionary")])


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 8, "gamma (b)"), (7, 9, "b")])
def test_brackets_come_in_pairs(start: int, end: int, expected: str) -> None:
    """Both are in, or none is."""
    text = "gamma (b) was"
    low, high = balanced(text, start, end)

    assert expected == text[low:high]
