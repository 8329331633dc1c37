"""A cursor has what is left of a search."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidRequest
from medkg_search.fusion import Fused
from medkg_search.hybrid import MAX_CURSOR, Arm, PartialFailure, Place
from medkg_search_service.cursor import Remainder

scores = st.integers(-(2**16), 2**16).map(lambda number: number / 64)
places = st.builds(Place, rank=st.integers(1, 1000), score=scores)
hits = st.builds(
    Fused,
    record_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    score=st.integers(0, 64).map(lambda number: number / 64),
    arms=st.dictionaries(st.sampled_from(Arm), places),
    named=st.booleans(),
    rerank=st.none() | places,
)
FAILURE = PartialFailure(arm="dense", code="search_unavailable", message="down", remedy="start it")


@given(st.lists(hits), st.integers(0, 1000))
def test_a_cursor_gives_back_what_is_left(left: list[Fused], shown: int) -> None:
    """Hits in their order with all their ranks, and what the search lacked when it began."""
    remainder = Remainder("s", shown, shown + len(left), [FAILURE], left)

    assert remainder == Remainder.decode(remainder.encode(), "s")


def test_the_longest_cursor_is_read_again() -> None:
    """What the arms give at their greatest depth fits into a request."""
    left = [
        Fused(f"{number * 2654435761:032x}", 1 / (number + 1), {arm: Place(rank=1, score=number / 3) for arm in Arm})
        for number in range(3 * 200)
    ]

    assert MAX_CURSOR > len(Remainder("s", 0, 600, [], left).encode())


def test_a_cursor_of_another_search_is_refused() -> None:
    """A cursor continues what gave it, and nothing else."""
    with pytest.raises(InvalidRequest, match="another tenant"):
        Remainder.decode(Remainder("s", 0, 0, [], []).encode(), "other")


def packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(body)).decode()


@pytest.mark.parametrize(
    "text",
    ["", "?", "é", "abc", packed(b""), packed(b"\x02" + bytes(20)), packed(bytes(2_000_000)), packed(b"\x01" * 40)],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Neither damaged text nor what would unfold without bound."""
    with pytest.raises(InvalidRequest, match="none that a search gave"):
        Remainder.decode(text, "s")


@given(st.binary())
def test_any_text_is_a_cursor_or_refused(body: bytes) -> None:
    """No other error comes of it."""
    with pytest.raises(InvalidRequest):
        Remainder.decode(packed(body), "s")
