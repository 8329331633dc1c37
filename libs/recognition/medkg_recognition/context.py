"""Whether a sentence denies what it names, or only thinks it possible, by the rules of NegEx.

Chapman et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries", J Biomed
Inform 2001, with its triggers: what stands up to six words before a name, or up to five behind it, in the same
sentence, unless a word in between ends the reach.
"""

import re
from typing import Final

_BEFORE: Final = 6
_BEHIND: Final = 5
_NEGATED_BEFORE: Final = (
    "no", "not", "without", "denies", "denied", "absence of", "no evidence of", "no sign of", "no signs of",
    "negative for", "free of", "never had", "never developed", "ruled out", "rules out", "rule out", "failed to",
    "neither", "nor", "cannot", "lack of", "did not", "does not", "do not", "was not", "were not", "no history of",
)  # fmt: skip
_NEGATED_BEHIND: Final = (
    "was ruled out", "is ruled out", "was excluded", "were absent", "was absent", "unlikely", "did not occur",
    "was not seen", "were not seen", "was not observed", "were not observed", "was not found", "were not found",
)  # fmt: skip
_HEDGED_BEFORE: Final = (
    "possible", "possibly", "probable", "probably", "suspected", "suspicion of", "may", "might", "could", "suggests",
    "suggesting", "suggestive of", "consistent with", "questionable", "presumed", "likely", "appears to", "whether",
)  # fmt: skip
_HEDGED_BEHIND: Final = (
    "is possible", "is suspected", "was suspected", "cannot be excluded", "could not be excluded", "is likely",
    "may occur",
)  # fmt: skip
_ENDS: Final = frozenset(
    {"but", "however", "although", "except", "though", "nevertheless", "because", "which", ";", ":"}
)
_WORD: Final = re.compile(r"[\w'-]+|[;:]")


def context(sentence: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether what stands at these positions of the sentence is negated, and whether it is hedged."""
    before = _reach(_WORD.findall(sentence[:start].casefold())[::-1], _BEFORE)[::-1]
    behind = _reach(_WORD.findall(sentence[end:].casefold()), _BEHIND)
    negated = _says(before, _NEGATED_BEFORE) or _says(behind, _NEGATED_BEHIND)
    return negated, _says(before, _HEDGED_BEFORE) or _says(behind, _HEDGED_BEHIND)


def _reach(words: list[str], most: int) -> list[str]:
    """The nearest words, up to one that ends the reach."""
    near = []
    for word in words[:most]:
        if word in _ENDS:
            break
        near.append(word)
    return near


def _says(words: list[str], triggers: tuple[str, ...]) -> bool:
    said = f" {' '.join(words)} "
    return any(f" {trigger} " in said for trigger in triggers)
