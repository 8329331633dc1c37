"""Claims that a language model reads out of passages, as far as the passages bear them out."""

from .answer import Direction
from .answers import StoredAnswers
from .reader import MODEL, ClaimReader, prompt_digests
from .reading import Effect, ReadClaim, Reading
from .settings import LlmSettings

__all__ = [
    "MODEL",
    "ClaimReader",
    "Direction",
    "Effect",
    "LlmSettings",
    "ReadClaim",
    "Reading",
    "StoredAnswers",
    "prompt_digests",
]
