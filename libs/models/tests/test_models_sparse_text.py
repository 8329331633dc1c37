"""Texts in windows, and which terms are kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError
from medkg_models.sparse import heaviest, merged, row_of
from medkg_models.sparse_text import SparseVocabulary, pieces


def test_only_the_heaviest_terms_are_kept() -> None:
    """Terms of equal weight stand by their number, and what would be rounded to nothing is left out."""
    row = row_of(np.array([0.5, 0.00001, 2.0, 0.5, 0.0, 1.0], np.float32))

    assert [(2, 2.0), (5, 1.0), (0, 0.5), (3, 0.5)] == heaviest(row, 9)
    assert [(2, 2.0), (5, 1.0), (0, 0.5)] == heaviest(row, 3)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=7, max_size=7), max_size=4))
def test_a_term_weighs_as_much_as_where_it_weighs_most(windows: list[list[float]]) -> None:
    """Of several windows each term keeps its greatest weight; of no window there is nothing."""
    dense = np.array(windows, np.float32).reshape(-1, 7)
    numbers, weights = merged([row_of(each) for each in dense])
    expected = row_of(dense.max(axis=0, initial=0))

    assert [each.tolist() for each in expected] == [numbers.tolist(), weights.tolist()]


@given(st.lists(st.integers(1, 6), max_size=30), st.integers(6, 12))
def test_pieces_hold_whole_words(lengths: list[int], room: int) -> None:
    """Pieces follow one another, none is longer than there is room, and no word that fits is cut."""
    words = [word for word, length in enumerate(lengths) for _ in range(length)]
    found = list(pieces(words, room))

    assert words == [word for start, stop in found for word in words[start:stop]]
    assert all(0 < stop - start <= room for start, stop in found)
    assert len(lengths) == sum(len(set(words[start:stop])) for start, stop in found)


def test_a_word_that_does_not_fit_is_cut() -> None:
    """A word of more tokens than there is room takes several pieces."""
    assert [(0, 3), (3, 6), (6, 7)] == list(pieces([0] * 7, 3))


def test_what_is_no_tokenizer_is_refused(tmp_path) -> None:
    """A file that holds no tokenizer is a wrong setting, named."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")

    with pytest.raises(ConfigurationError, match=r"tokenizer\.json is no tokenizer"):
        SparseVocabulary(path, 512)
