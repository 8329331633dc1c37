"""How what is found is compared with what is marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_recognition.scoring import Counts, Marked, Score, judged, score

D, C = "biolink:Disease", "biolink:ChemicalEntity"

mentions = st.lists(
    st.builds(
        lambda start, length, category, ids: Marked(start, start + length, category, frozenset(ids)),
        st.integers(0, 30), st.integers(1, 6), st.sampled_from([D, C]), st.sets(st.sampled_from("abc"), max_size=2),
    ),
    max_size=8,
)  # fmt: skip


def test_each_measure_says_what_it_is_for() -> None:
    """A hand-made case: one exact, one of another boundary, one missed, one spurious, one of another kind."""
    gold = [
        Marked(0, 5, D, frozenset({"a"})), Marked(10, 20, D, frozenset({"b"})), Marked(30, 35, D, frozenset({"c"})),
        Marked(50, 55, C, frozenset({"d"})),
    ]  # fmt: skip
    found = [
        Marked(0, 5, D, frozenset({"a"})), Marked(12, 20, D, frozenset({"x"})), Marked(40, 45, D, frozenset({"c"})),
        Marked(50, 55, D),
    ]  # fmt: skip

    assert Score(Counts(1, 3, 2), Counts(2, 2, 1), Counts(2, 1, 1)) == score(gold, found, D)
    assert Score(Counts(0, 0, 1), Counts(0, 0, 1), Counts(0, 0, 1)) == score(gold, found, C)
    assert (["right", "boundary", "missed", "type"], ["right", "boundary", "spurious", "type"]) == judged(gold, found)


def test_the_same_place_may_have_the_wrong_term() -> None:
    """One that has any of the marked terms is right; where neither has a term, both agree."""
    gold = [Marked(0, 3, D, frozenset({"a", "b"})), Marked(5, 8, D), Marked(9, 12, D, frozenset({"a"}))]
    found = [Marked(0, 3, D, frozenset({"b"})), Marked(5, 8, D), Marked(9, 12, D, frozenset({"b"}))]

    assert (["right", "right", "wrong_id"], ["right", "right", "wrong_id"]) == judged(gold, found)


def test_one_that_is_found_counts_once_where_it_overlaps_two() -> None:
    """A stretch over two mentions has found one of them."""
    gold = [Marked(0, 5, D), Marked(6, 10, D)]

    assert Counts(right=1, spurious=0, missed=1) == score(gold, [Marked(0, 10, D)], D).relaxed


@given(mentions)
def test_what_is_marked_agrees_with_itself(gold: list[Marked]) -> None:
    """Nothing is missed or spurious, by any measure."""
    for category in (D, C):
        its = score(gold, gold, category)

        assert [(0, 0)] * 3 == [(each.missed, each.spurious) for each in (its.strict, its.relaxed, its.normalised)]


@given(mentions, mentions)
def test_all_that_is_marked_and_found_is_counted(gold: list[Marked], found: list[Marked]) -> None:
    """Each once, by both measures of places; relaxed never finds less; the two sides can be swapped."""
    its, swapped = score(gold, found, D), score(found, gold, D)
    places = [{(each.start, each.end) for each in some if each.category == D} for some in (gold, found)]

    for counts in (its.strict, its.relaxed):
        assert [len(each) for each in places] == [counts.right + counts.missed, counts.right + counts.spurious]
    assert its.strict.right <= its.relaxed.right
    assert (its.strict.precision, its.strict.recall) == (swapped.strict.recall, swapped.strict.precision)
    assert 0 <= its.strict.f1 <= its.relaxed.f1 <= 1


@pytest.mark.parametrize(
    ("counts", "expected"), [(Counts(), (0, 0, 0)), (Counts(3, 1, 3), (0.75, 0.5, 0.6)), (Counts(0, 2, 0), (0, 0, 0))]
)
def test_shares_are_those_of_the_textbook(counts: Counts, expected: tuple[float, float, float]) -> None:
    """Precision, recall and their harmonic mean; where there is nothing, 0."""
    assert pytest.approx(expected) == (counts.precision, counts.recall, counts.f1)
