"""The arms' rankings become one."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_search.fusion import NAMED, fuse
from medkg_search.haystack import Document
from medkg_search.hybrid import Arm, Place
from medkg_search_service.settings import SearchServiceSettings

WEIGHTS = {Arm.BM25: 2.0, Arm.SPLADE: 1.0, Arm.DENSE: 0.5}

ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


def ranking(ids_: list[str]) -> list[Document]:
    return [Document(id=each, score=10.0 - place) for place, each in enumerate(ids_)]


@given(st.fixed_dictionaries(dict.fromkeys(Arm, ids)))
def test_a_hit_has_the_weighted_sum_of_its_reciprocal_ranks(found: dict[Arm, list[str]]) -> None:
    """The score is the sum of weight / (60 + rank), as a share of what is first in every arm."""
    expected = {
        each: sum(WEIGHTS[arm] / (60 + found[arm].index(each) + 1) for arm in Arm if each in found[arm])
        for each in {each for ranked in found.values() for each in ranked}
    }
    fused = fuse({arm: ranking(found[arm]) for arm in Arm}, WEIGHTS)

    first_everywhere = sum(weight / 61 for weight in WEIGHTS.values())
    assert {each: pytest.approx(score / first_everywhere) for each, score in expected.items()} == {
        hit.record_id: hit.score for hit in fused
    }
    assert sorted(fused, key=lambda hit: -hit.score) == fused


@given(st.fixed_dictionaries(dict.fromkeys(Arm, ids)), st.permutations(list(Arm)))
def test_the_order_in_which_arms_answer_changes_nothing(found: dict[Arm, list[str]], order: list[Arm]) -> None:
    """Each weight is its own arm's, and hits of one score come in the order of their ids."""
    rankings = {arm: ranking(found[arm]) for arm in Arm}

    assert fuse(rankings, WEIGHTS) == fuse({arm: rankings[arm] for arm in order}, WEIGHTS)


def test_hits_of_one_score_come_in_the_order_of_their_ids() -> None:
    """What two arms of one weight have at swapped ranks is a tie."""
    fused = fuse({Arm.BM25: ranking(["b", "a"]), Arm.DENSE: ranking(["a", "b"])}, {Arm.BM25: 1.0, Arm.DENSE: 1.0})

    assert ["a", "b"] == [hit.record_id for hit in fused]


def test_an_arm_without_hits_takes_no_other_arms_weight() -> None:
    """A failed arm is an empty ranking; a first place in the rest is worth their share."""
    (hit,) = fuse({Arm.BM25: [], Arm.SPLADE: ranking(["a"]), Arm.DENSE: ranking(["a"])}, WEIGHTS)

    assert pytest.approx(1.5 / 3.5) == hit.score


def test_what_two_arms_make_of_the_words_outvotes_no_meaning() -> None:
    """By default, what BM25 and the dense arm have comes before what BM25 and SPLADE have at the same ranks."""
    rankings = {Arm.BM25: ranking(["a", "b"]), Arm.SPLADE: ranking(["a"]), Arm.DENSE: ranking(["b"])}

    assert ["b", "a"] == [hit.record_id for hit in fuse(rankings, SearchServiceSettings().weights)]


def test_a_hit_says_where_each_arm_has_it() -> None:
    """Rank and score of each arm that has found it, and nothing of the others."""
    fused = fuse({Arm.BM25: ranking(["a", "b"]), Arm.DENSE: ranking(["b"])}, WEIGHTS)

    assert {Arm.BM25: Place(rank=2, score=9.0), Arm.DENSE: Place(rank=1, score=10.0)} == fused[0].arms
    assert {Arm.BM25: Place(rank=1, score=10.0)} == fused[1].arms


def test_what_the_query_names_comes_first() -> None:
    """Whatever its score: arms that know no names agree on something else."""
    named = Document(id="c", score=9.0, meta={NAMED: True})
    fused = fuse({Arm.BM25: [named], Arm.SPLADE: ranking(["a", "b"]), Arm.DENSE: ranking(["a"])}, WEIGHTS)

    assert [("c", True), ("a", False), ("b", False)] == [(hit.record_id, hit.named) for hit in fused]


def test_haystack_tells_nobody_that_it_is_used() -> None:
    """Its telemetry is off before it is imported."""
    assert sys.modules["haystack.telemetry._telemetry"].telemetry is None
