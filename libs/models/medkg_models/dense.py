"""What makes dense vectors of texts, wherever it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from medkg_contracts.errors import MedkgError
from medkg_contracts.vectors import EmbeddingModel
from numpy.typing import NDArray

#: Rows of 32-bit floats, one a text.
Matrix: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What became of some texts.

    Attributes:
        vectors: a row each; of a text that has an error, zeros.
        truncated: the texts that were cut, by position, and how many tokens they had.
        errors: why texts have no vector, by position.
    """

    vectors: Matrix
    truncated: dict[int, int] = field(default_factory=dict)
    errors: dict[int, MedkgError] = field(default_factory=dict)


class DenseEncoder(Protocol):
    """Makes vectors; it does not block the event loop, and may be asked by many at once.

    A text's vector does not depend on the texts that it is encoded with.
    """

    @property
    def model(self) -> EmbeddingModel:
        """Whose vectors they are."""
        ...

    async def open(self) -> None:
        """Make it ready; an encoder that cannot work says so here.

        Raises:
            MedkgError: it cannot.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...

    async def encode_each(self, texts: Sequence[str], *, truncate: bool = False) -> Encoded:
        """The vectors of passages.

        Args:
            texts: of any number and length.
            truncate: whether texts that are too long are cut; else they are errors.
        """
        ...

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """The vectors of passages, all of them.

        Raises:
            InputTooLong: a text is longer than the model takes.
            MedkgError: it did not work.
        """
        ...

    async def encode_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a query; one that is too long is cut.

        Raises:
            MedkgError: it did not work.
        """
        ...


def all_or_error(encoded: Encoded) -> Matrix:
    """The vectors, if all are there.

    Raises:
        MedkgError: the first text's that has none.
    """
    if encoded.errors:
        raise encoded.errors[min(encoded.errors)]
    return encoded.vectors
