"""How long texts are: in the chunker's own tokens, or in those of a model that will read them.

The chunker's tokens are a deterministic measure that needs no model and no download. A token is one ideograph or kana,
or up to 12 letters, digits and underscores in a row, or one other visible character. White space is no token.
"Immunohistochemistry" is 2 tokens, "p<0.05" is 5, "高血压" is 3. English text comes to about as many tokens as a
WordPiece model makes of it; a model's own count will differ.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Protocol

_IDEOGRAPHIC = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_IDEOGRAPHIC}]|[^\W{_IDEOGRAPHIC}]{{1,12}}|[^\w\s]")


class Measure(Protocol):
    """How long texts are in somebody's tokens.

    Attributes:
        name: what distinguishes it from others in chunks' ids; empty for the chunker's own.
        added: tokens that a reader adds to each text, such as one before and one behind it.
        limit: the most tokens that the reader takes of a text, with those; None where that is not known.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def added(self) -> int: ...  # noqa: D102

    @property
    def limit(self) -> int | None: ...  # noqa: D102

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each of the texts has, without those that are added."""
        ...

    def starts(self, text: str) -> Sequence[int]:
        """Where the text may be cut between tokens: rising positions, one for each token or for several."""
        ...


class OwnTokens:
    """The chunker's own tokens."""

    name: ClassVar[str] = ""
    added: ClassVar[int] = 0
    limit: ClassVar[int | None] = None

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each of the texts has."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def starts(self, text: str) -> Sequence[int]:
        """Where each token of the text starts."""
        return [match.start() for match in _TOKEN.finditer(text)]
