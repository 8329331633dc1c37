"""What people see of a migration to another model, and decide by."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidInput, NotFound, SearchUnavailable
from medkg_contracts.vectors import EmbeddingModel
from medkg_operations.reembedding.comparison import compared, wait_until_searched
from medkg_operations.reembedding.progress import FillProgress
from medkg_operations.reembedding.queries import QuerySet, read_query_set
from medkg_search.hybrid import HybridPage, HybridRequest

from .beir_folders import beir_folder

DOCUMENTS = st.lists(st.sampled_from("abcdefghijklmnop"), unique=True, max_size=16)
MODEL = EmbeddingModel(name="new", revision="1" * 64, dimension=2)


def test_models_that_find_the_same_are_alike() -> None:
    """All of the first ten are in both, in the same order; the reverse order is the opposite."""
    wanted = QuerySet({"q": "x"})
    same = compared({"q": ["a", "b", "c"]}, {"q": ["a", "b", "c"]}, wanted)
    reverse = compared({"q": ["a", "b", "c"]}, {"q": ["c", "b", "a"]}, wanted)

    assert (1.0, 1.0, None) == (same.overlap, same.correlation, same.ndcg_live)
    assert (1.0, -1.0) == (reverse.overlap, reverse.correlation)


def test_overlap_is_of_the_first_ten_and_the_mean_of_queries() -> None:
    """What stands behind them does not count for it."""
    ten = list("abcdefghij")
    found = compared(
        {"1": [*ten, "k"], "2": ["a"]}, {"1": ["k", *ten[:5], *"vwxyz"], "2": []}, QuerySet({"1": "x", "2": "y"})
    )

    assert 0.25 == found.overlap


@given(DOCUMENTS, DOCUMENTS)
def test_which_model_is_which_does_not_matter(one: list[str], other: list[str]) -> None:
    """Overlap and correlation are the same both ways, and within their bounds."""
    wanted = QuerySet({"q": "x"})
    there, back = compared({"q": one}, {"q": other}, wanted), compared({"q": other}, {"q": one}, wanted)

    assert there.overlap == back.overlap
    assert (there.correlation is None) == (back.correlation is None)
    assert there.correlation == pytest.approx(back.correlation)
    assert 0 <= there.overlap <= 1
    assert there.correlation is None or -1 <= there.correlation <= 1


def test_judgments_say_which_model_is_better() -> None:
    """By nDCG@10 of each."""
    wanted = QuerySet({"q": "x"}, {"q": {"good": 1}})
    found = compared({"q": ["bad", "good"]}, {"q": ["good", "bad"]}, wanted)

    assert 1.0 == found.ndcg_beside
    assert found.ndcg_live == pytest.approx(0.6309, abs=1e-4)


def test_rate_and_time_left_follow_from_what_is_done() -> None:
    """Nobody knows them before the first chunk."""
    progress = FillProgress(10, 50, 40, 200, 5.0)

    assert (10.0, 15.0) == (progress.per_second, progress.left_s)
    assert (0.0, None) == (FillProgress(0, 0, 4, 8, 0.0).per_second, FillProgress(0, 0, 4, 8, 0.0).left_s)


def test_queries_are_lines_or_a_collections(tmp_path: Path) -> None:
    """A folder in BEIR's layout has judgments too; an empty file has nothing to ask."""
    lines, empty = tmp_path / "queries.txt", tmp_path / "empty.txt"
    lines.write_text("heart  failure\n\nasthma\n")
    empty.write_text("\n")
    folder = beir_folder(tmp_path / "collection")

    assert {"1": "heart failure", "3": "asthma"} == read_query_set(lines).queries
    assert read_query_set(folder).judgments
    assert read_query_set(folder).queries.keys() == read_query_set(folder).judgments.keys()
    with pytest.raises(InvalidInput, match="has no queries"):
        read_query_set(empty)
    with pytest.raises(NotFound, match="does not exist"):
        read_query_set(tmp_path / "nothing")


async def test_searches_by_the_new_model_are_waited_for() -> None:
    """A node that has not read its vectors yet refuses them; one that never has them is the error in the end."""
    tries: list[str | None] = []

    async def ask(request: HybridRequest) -> HybridPage:
        tries.append(request.model)
        if len(tries) < 3:
            raise SearchUnavailable("it has not read them")
        return HybridPage(hits=[], total=0, cursor=None, partial=[], took_ms={})

    await wait_until_searched(ask, "t", MODEL, look_s=0)
    reached, tries = tries, []
    with pytest.raises(SearchUnavailable):
        await wait_until_searched(ask, "t", MODEL, within_s=-1)

    assert ["new"] * 3 == reached
