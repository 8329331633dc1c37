"""What the tagger sees of each word. Pure; another set of features needs another training."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from .tokens import Token

#: Part of the model's digest: a model was trained on the features of this form.
FORM: Final = "1"
_AROUND: Final = (-2, -1, 1, 2)
_AFFIXES: Final = (2, 3, 4, 5)
_GREEK: Final = frozenset({"alpha", "beta", "gamma", "delta", "omega", "kappa"})


def features(words: Sequence[Token], marks: Sequence[str], explained: Mapping[str, str]) -> list[list[str]]:
    """The features of the words of one sentence.

    Args:
        words: the sentence.
        marks: of each word, whether a name of a dictionary begins or goes on with it, and of which kind; "O" if none.
        explained: the marks of the long forms of short forms.
    """
    lower = [word.text.casefold() for word in words]
    short = [shape(word.text) for word in words]
    made = []
    for i, word in enumerate(words):
        own = _own(word.text, lower[i], marks[i])
        if (kind := explained.get(word.text)) is not None:
            own.append("ab=" + kind)
        for offset in _AROUND:
            j = i + offset
            if 0 <= j < len(words):
                own += [
                    f"{offset}w={lower[j]}",
                    f"{offset}s={short[j]}",
                    f"{offset}d={marks[j]}",
                    f"{offset}e={lower[j][-3:]}",
                ]
            else:
                own.append(f"{offset}=-")
        following = lower[i + 1] if i + 1 < len(words) else "-"
        before = lower[i - 1] if i else "-"
        own += [f"n={lower[i]} {following}", f"p={before} {lower[i]}"]
        own.append(f"dd={marks[i]} {marks[i + 1] if i + 1 < len(words) else '-'}")
        made.append(own)
    return made


def _own(text: str, lower: str, mark: str) -> list[str]:
    found = ["w=" + lower, "s=" + shape(text), "l=" + _long_shape(text), "d=" + mark]
    found += [f"{side}={part}" for size in _AFFIXES if len(lower) >= size for side, part in _affixes(lower, size)]
    if len(text) == 1:
        found.append("one")
    elif text.isupper():
        found.append("upper")
    if lower in _GREEK:
        found.append("greek")
    return found


def _affixes(word: str, size: int) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"a{size}", word[:size]), (f"z{size}", word[-size:])


@lru_cache(maxsize=65_536)
def shape(word: str) -> str:
    """How a word is written: ``Aa`` for Aspirin, ``A`` for AIDS, ``0`` for 12."""
    return re.sub(r"(.)\1+", r"\1", _long_shape(word))


@lru_cache(maxsize=65_536)
def _long_shape(word: str) -> str:
    signs = (
        "A" if sign.isupper() else "a" if sign.isalpha() else "0" if sign.isdigit() else sign for sign in word[:12]
    )
    return "".join(signs)
