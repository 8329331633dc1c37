"""Measures of rankings, against what one computes by hand."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_operations.evaluation.measures import means, per_query
from medkg_operations.evaluation.rankings import Found, best_documents

IDEAL = 3 + 2 / log2(3) + 1 / log2(4)


@pytest.mark.parametrize(
    ("ranking", "ndcg", "recall", "mrr"),
    [
        (["a", "b", "c"], 1.0, 1.0, 1.0),
        (["x", "c", "y", "a"], (1 / log2(3) + 3 / log2(5)) / IDEAL, 2 / 3, 1 / 2),
        (["x"] + [f"y{n}" for n in range(10)] + ["a"], 0.0, 1 / 3, 0.0),
        ([f"y{n}" for n in range(100)] + ["a"], 0.0, 0.0, 0.0),
        (["n"], 0.0, 0.0, 0.0),
        ([], 0.0, 0.0, 0.0),
    ],
)
def test_measures_are_those_that_one_computes_by_hand(ranking, ndcg, recall, mrr):
    """Gains are the judgments themselves, discounted by the logarithm of the rank; what is worth 0 is no answer."""
    values = means(per_query({"q": ranking}, {"q": {"a": 3, "b": 2, "c": 1, "n": 0}}))

    assert pytest.approx({"nDCG@10": ndcg, "Recall@100": recall, "MRR@10": mrr}) == values


def test_a_query_without_ranking_counts_as_nothing_found():
    """The mean is over all judged queries, not over those that a search answered; unjudged queries do not count."""
    judgments = {"q1": {"a": 1}, "q2": {"b": 1}}

    assert {"nDCG@10": 0.5, "Recall@100": 0.5, "MRR@10": 0.5} == means(
        per_query({"q1": ["a"], "unjudged": ["b"]}, judgments)
    )


@given(order=st.permutations(["a", "b", "c", "d"]))
def test_the_rankings_own_order_counts(order):
    """The library sorts ties by id; a ranking has none, whatever the ids are."""
    expected = 1 / (order.index("b") + 1)

    assert pytest.approx(expected) == per_query({"q": order}, {"q": {"b": 1}})["MRR@10"]["q"]


def test_documents_rank_by_their_best_chunk():
    """A document stands once, where its first chunk does."""
    ranking = [Found("1", "a"), Found("2", "b"), Found("3", "a"), Found("4", "c")]

    assert ["a", "b"] == best_documents(ranking, 2)
