"""The models that a document may be cut by."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from .tokens import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """What makes embeddings of sentences.

    Attributes:
        ref: the model's name and revision.
    """

    @property
    def ref(self) -> str: ...  # noqa: D102

    async def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """A row for each text; the same for the same texts."""
        ...


class Models(Protocol):
    """Models by name.

    Attributes:
        tokenizers: the models whose tokens can be counted.
        encoders: those that make embeddings; None where only their server can tell.
    """

    @property
    def tokenizers(self) -> Collection[str]: ...  # noqa: D102

    @property
    def encoders(self) -> Collection[str] | None: ...  # noqa: D102

    def measure(self, name: str) -> Measure:
        """The tokens of one of the tokenizers. Raises MedkgError when it cannot be had."""
        ...

    async def encoder(self, name: str) -> Encoder:
        """What makes the model's embeddings, ready. Raises MedkgError when it cannot be had."""
        ...

    async def close(self) -> None:
        """Give back what they hold."""
        ...
