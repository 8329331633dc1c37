"""When two names are one: their keys are the same. Pure."""

from functools import lru_cache
from typing import Final

from .tokens import words

Key = tuple[str, ...]

_LITTLE: Final = frozenset({"of", "the", "in", "and", "with", "to", "by", "a", "an", "s"})
_SHORTEST_PLURAL: Final = 4
#: Words that mean the same in names of diseases.
_SAME: Final = {
    "damage": "injury", "tumor": "neoplasm", "tumour": "neoplasm", "cancer": "neoplasm", "carcinoma": "neoplasm",
    "renal": "kidney", "hepatic": "liver", "cardiac": "heart", "pulmonary": "lung", "cerebral": "brain",
    "disorder": "disease", "dysfunction": "disease", "impairment": "disease", "deficit": "disease",
}  # fmt: skip


def key(name: str) -> Key:
    """The words and numbers of a name in their order, without case and plural."""
    return tuple(_singular(word.casefold()) for word in words(name) if word.isalnum())


def bag(of: Key) -> Key:
    """A key in which the order of words does not count, nor little words: "Neoplasms, Lung" is "lung neoplasm"."""
    return tuple(sorted(word for word in of if word not in _LITTLE))


def meaning(of: Key) -> Key:
    """A bag in which words that mean the same are one: "renal damage" is "kidney injury"."""
    return tuple(sorted(_SAME.get(word, word) for word in of if word not in _LITTLE))


@lru_cache(maxsize=65_536)
def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + instead
    return word
