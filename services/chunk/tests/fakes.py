"""Models that are seen through at a glance, in the place of real ones."""

# ruff: noqa: D102 - the methods are those of `medkg_chunk.models` and `medkg_chunk.tokens`

import hashlib
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from medkg_chunk.tokens import Measure
from numpy.typing import NDArray


class Words:
    """Two tokens are added to each text, and every fifth word of a text costs one more than the others."""

    name: ClassVar[str] = "words@1"
    added: ClassVar[int] = 2
    limit: ClassVar[int | None] = 64

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        return [words + words // 5 for words in (len(self.starts(text)) for text in texts)]

    def starts(self, text: str) -> Sequence[int]:
        return [at for at, one in enumerate(text) if not one.isspace() and (at == 0 or text[at - 1].isspace())]


class Topics:
    """A sentence means the organ that it names; of one that names none nobody can tell what it means."""

    ref: ClassVar[str] = "topics@1"
    organs: ClassVar[Sequence[str]] = ("heart", "kidney", "liver")

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(texts)
        return np.array([self._row(text) for text in texts], dtype=np.float32)

    def _row(self, text: str) -> list[float]:
        for number, organ in enumerate(self.organs):
            if organ in text:
                return [float(number == place) for place in range(8)]
        return [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8]]


class FakeModels:
    """These two."""

    tokenizers: tuple[str, ...] = ("words",)
    encoders: tuple[str, ...] = ("topics",)

    def __init__(self) -> None:
        self.topics = Topics()

    def measure(self, name: str) -> Measure:  # noqa: ARG002
        return Words()

    async def encoder(self, name: str) -> Topics:  # noqa: ARG002
        return self.topics

    async def close(self) -> None:
        self.topics.asked.clear()
