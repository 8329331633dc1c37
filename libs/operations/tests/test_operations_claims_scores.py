"""How well found claims agree with annotated comparisons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.ir import Span
from medkg_operations.evaluation.claims.collection import Comparison
from medkg_operations.evaluation.claims.scores import (
    DIRECTIONS,
    Found,
    f1,
    likeness,
    macro_f1,
    pairs,
    stands,
)

UP, DOWN, SAME = DIRECTIONS
NAMES = st.sampled_from(["aspirin", "placebo", "usual care", "low dose aspirin", ""])
OUTCOMES = st.sampled_from(["pain", "back pain", "death"])
COMPARISONS = st.lists(
    st.builds(Comparison, st.just("1"), NAMES, NAMES, OUTCOMES, st.sampled_from(DIRECTIONS), st.just(())), max_size=6
)
FOUND = st.lists(st.builds(Found, NAMES, NAMES, OUTCOMES, st.sampled_from(DIRECTIONS), st.just("q")), max_size=6)


def comparison(intervention="aspirin", comparator="placebo", outcome="pain", direction=DOWN) -> Comparison:
    return Comparison("1", intervention, comparator, outcome, direction, ())


def found(intervention="aspirin", comparator="placebo", outcome="pain", direction=DOWN) -> Found:
    return Found(intervention, comparator, outcome, direction, "q")


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("Low-dose aspirin", "aspirin, low dose", 1.0),
        ("the pain", "pain", 1.0),
        ("back pain", "pain", 2 / 3),
        ("", "", 1.0),
        ("", "placebo", 0.0),
        ("death", "pain", 0.0),
    ],
)
def test_names_are_as_alike_as_their_words(one, other, value):
    """Case, order and words without weight do not count; neither does which of the two comes first."""
    assert value == pytest.approx(likeness(one, other)) == pytest.approx(likeness(other, one))


@pytest.mark.parametrize(
    ("claim", "agrees"),
    [
        (found(), [True]),
        (found(direction=UP), [False]),
        (found("placebo", "aspirin", direction=UP), [True]),
        (found("placebo", "aspirin", direction=DOWN), [False]),
        (found(outcome="death"), []),
        (found(comparator="usual care"), []),
    ],
)
def test_a_claim_is_about_a_comparison_if_all_three_names_are_alike(claim, agrees):
    """With intervention and comparator exchanged too: then the direction is turned around."""
    assert agrees == [pair.agrees for pair in pairs([comparison()], [claim])]


def test_as_many_as_can_be_are_paired_with_the_same_direction():
    """A claim that fits two comparisons takes the one that leaves the other to the next claim."""
    annotated = [comparison(outcome="back pain"), comparison(outcome="pain")]
    claims = [found(outcome="pain back"), found(outcome="back pain lower")]

    assert [True, True] == [pair.agrees for pair in pairs(annotated, claims)]


@given(COMPARISONS, FOUND)
def test_each_is_paired_at_most_once(annotated, claims):
    """Neither a comparison nor a claim is in two pairs."""
    paired = pairs(annotated, claims)

    assert len(paired) == len({pair.comparison for pair in paired}) == len({pair.found for pair in paired})


@given(COMPARISONS, FOUND, st.randoms())
def test_the_order_of_what_is_found_does_not_count(annotated, claims, random):
    """As many agree, and as many are paired, whatever comes first."""
    shuffled = random.sample(claims, len(claims))

    def counts(those):
        paired = pairs(annotated, those)
        return sum(pair.agrees for pair in paired)

    assert counts(claims) == counts(shuffled)


@given(COMPARISONS)
def test_what_is_annotated_agrees_with_itself(annotated):
    """All of it, so that its F1 is 1."""
    claims = [Found(each.intervention, each.comparator, each.outcome, each.direction, "q") for each in annotated]
    agreed = sum(pair.agrees for pair in pairs(annotated, claims))

    assert (1.0 if annotated else 0.0) == f1(agreed, len(claims), len(annotated))


@given(COMPARISONS, FOUND, FOUND)
def test_more_claims_never_make_fewer_agree(annotated, claims, more):
    """What agreed before agrees with more claims beside it."""
    before = sum(pair.agrees for pair in pairs(annotated, claims))

    assert before <= sum(pair.agrees for pair in pairs(annotated, claims + more))


@pytest.mark.parametrize(
    ("quote", "span", "is_there"),
    [
        ("fell", None, True),
        ("fell", Span(start=5, end=9), True),
        ("fell", Span(start=4, end=8), False),
        ("rose", None, False),
        ("", None, False),
    ],
)
def test_a_quote_stands_where_it_says_or_anywhere(quote, span, is_there):
    """Letter by letter; no quote stands nowhere."""
    assert is_there is stands(Found("a", "b", "c", UP, quote, span), "Pain fell.")


def test_macro_f1_gives_each_annotated_direction_the_same_weight():
    """One that is never said is 0; one that is never annotated does not count."""
    assert (0.8 + 0.0) / 2 == pytest.approx(macro_f1([(SAME, SAME), (SAME, SAME), (UP, SAME)]))
    assert 0.0 == macro_f1([])
