"""Where a mutation's choices come from: Hypothesis, which finds the least that is wrong, or dice, which are fast."""

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Chance(Protocol):
    """Chooses."""

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        ...

    def number(self, least: int, most: int) -> int:
        """A number of this range."""
        ...

    def some_bytes(self, most: int) -> bytes:
        """At most so many bytes."""
        ...


class Drawn:
    """Hypothesis chooses."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return self._draw(st.sampled_from(choices))

    def number(self, least: int, most: int) -> int:
        """A number of this range."""
        return self._draw(st.integers(least, most))

    def some_bytes(self, most: int) -> bytes:
        """At most so many bytes."""
        return self._draw(st.binary(max_size=most))


class Dice:
    """Pseudo-random numbers choose: the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return self._random.choice(choices)

    def number(self, least: int, most: int) -> int:
        """A number of this range."""
        return self._random.randint(least, most)

    def some_bytes(self, most: int) -> bytes:
        """At most so many bytes."""
        return self._random.randbytes(self._random.randint(0, most))
