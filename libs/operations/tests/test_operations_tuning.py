"""Weights are tuned on some queries, and measured on others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_operations.evaluation.collection import BeirCollection
from medkg_operations.evaluation.rankings import Found
from medkg_operations.evaluation.significance import paired_difference
from medkg_operations.evaluation.splits import Sides, two_sides
from medkg_operations.evaluation.tuning import neighbours, shares_of, tune


def fuse(rankings, weights):
    """Weighted reciprocal ranks, as the search service's."""
    scores: dict[str, float] = {}
    for arm, ranking in rankings.items():
        for rank, hit in enumerate(ranking, 1):
            scores[hit.record] = scores.get(hit.record, 0.0) + weights[arm] / (60 + rank)
    return sorted(scores, key=lambda record: (-scores[record], record))


def found(*documents):
    return [Found(f"chunk of {document}", document) for document in documents]


def collection(queries, **splits):
    return BeirCollection(Path("c"), {}, {}, queries, splits)


def judged(*numbers, document="good"):
    return {f"q{number}": {document: 1} for number in numbers}


SIDES = Sides(judged(*range(10)), judged(*range(10, 20)), "train", "test")
#: One arm has the answer first, the other one last.
TWO_ARMS = {
    "bm25": {f"q{number}": found("good", "x", "y") for number in range(20)},
    "dense": {f"q{number}": found("x", "y", "good") for number in range(20)},
}


def test_the_better_arm_gets_the_weight():
    """Weights are those with which the training queries are answered best; of equally good ones, the most even."""
    tuning = tune(TWO_ARMS, SIDES, {"bm25": 0.5, "dense": 0.5}, fuse, lambda _: None)

    assert tuning.weights["bm25"] > tuning.weights["dense"]
    assert (1.0, 1.0) == (tuning.tuned_there, tuning.measures["nDCG@10"])
    assert 0 < tuning.present_there < 1


def test_what_weights_are_worth_is_measured_on_the_other_queries_alone():
    """Where the other queries are answered by the other arm, the tuned weights are worth less, clearly."""
    turned = {
        "bm25": TWO_ARMS["bm25"] | {f"q{number}": found("x", "y", "good") for number in range(10, 20)},
        "dense": TWO_ARMS["dense"] | {f"q{number}": found("good", "x", "y") for number in range(10, 20)},
    }
    tuning = tune(turned, SIDES, {"dense": 1.0}, fuse, lambda _: None)

    assert 1.0 == tuning.tuned_there
    assert tuning.difference.high < 0
    assert (10, True) == (tuning.difference.queries, tuning.difference.is_clear)


def test_weights_that_change_nothing_are_worth_nothing():
    """Where all weights give the same ranking, the even ones are taken, and the difference is none."""
    same = dict.fromkeys(["bm25", "dense"], TWO_ARMS["bm25"])
    tuning = tune(same, SIDES, {"bm25": 0.9, "dense": 0.1}, fuse, lambda _: None)

    assert {"bm25": 0.5, "dense": 0.5} == tuning.weights
    assert (0.0, 1.0, False) == (tuning.difference.mean, tuning.difference.p, tuning.difference.is_clear)


@given(best=st.sampled_from(list(shares_of(3, 10))))
def test_weights_are_found_wherever_they_are(best):
    """From the best weights in fifths the search climbs in tenths to those that are best of all."""

    def fuse_by_distance(rankings, weights):
        """The answer is the nearer to the top, the nearer the weights are to the best ones."""
        shares = [round(weights.get(arm, 0) * 10) for arm in ("a", "b", "c")]
        distance = sum(abs(one - other) for one, other in zip(shares, best, strict=True)) // 2
        wrong = [hit.record for hit in rankings[next(iter(rankings))] if hit.document != "good"]
        return [*wrong[:distance], "chunk of good", *wrong[distance:]]

    ranking = found("good", *(f"x{number}" for number in range(12)))
    arms = {arm: {f"q{number}": ranking for number in range(20)} for arm in "abc"}
    tuning = tune(arms, SIDES, {"a": 1.0}, fuse_by_distance, lambda _: None)

    assert best == tuple(round(tuning.weights.get(arm, 0) * 10) for arm in "abc")


@given(shares=st.sampled_from(list(shares_of(3, 10))))
def test_neighbours_share_the_same_whole(shares):
    """A tenth goes from one arm to another; nothing is lost, and nobody has less than nothing."""
    for other in neighbours(shares):
        assert (10, 2) == (sum(other), sum(abs(one - each) for one, each in zip(shares, other, strict=True)))
        assert min(other) >= 0


def test_progress_is_told():
    """Each weights that are tried count once."""
    told = []
    tune(TWO_ARMS, SIDES, {"bm25": 0.5, "dense": 0.5}, fuse, told.append)

    assert list(range(1, len(told) + 1)) == told
    assert 6 <= len(told) <= 11


def test_a_small_difference_on_few_queries_is_not_clear():
    """Chance alone makes a difference such as this one."""
    difference = paired_difference([0.3, -0.2, 0.1, -0.1, 0.05])

    assert difference.low < 0 < difference.high
    assert difference.p > 0.3


def test_the_training_split_is_tuned_on():
    """Weights are tuned on the training split; queries of it that the other asks as well are left out."""
    queries = {f"q{number}": f"query {number}" for number in range(20)} | {"q20": "Query 12"}
    sides = two_sides(collection(queries, train=judged(*range(11), 20), test=judged(*range(10, 20))), "test")

    assert (judged(*range(10)), judged(*range(10, 20))) == (sides.training, sides.other)


@given(numbers=st.sets(st.integers(0, 500), min_size=60, max_size=90))
def test_without_a_training_split_the_queries_are_halved(numbers):
    """No query is on both sides, none is lost, and a query's side does not depend on the others."""
    queries = {f"q{number}": f"query {number}" for number in range(501)}
    sides = two_sides(collection(queries, test=judged(*numbers)), "test")
    all_sides = two_sides(collection(queries, test=judged(*range(501))), "test")

    assert judged(*numbers) == {**sides.training, **sides.other}
    assert not sides.training.keys() & sides.other.keys()
    assert sides.training.keys() <= all_sides.training.keys()


def test_too_few_queries_are_refused():
    """Weights that were tuned on a handful of queries say nothing."""
    with pytest.raises(InvalidRequest, match="too few"):
        two_sides(collection({"q1": "a"}, test=judged(1)), "test")
