"""The words that today's records have for a study's status, type, phases and sex, and what older records called them.

One filter has to find a study whatever form its record came in, so that metadata have today's words alone.
"""

import re
from collections.abc import Mapping, Sequence

#: Today's words, by the fact that they are about.
_TODAY: Mapping[str, Sequence[str]] = {
    "status": (
        "ACTIVE_NOT_RECRUITING", "APPROVED_FOR_MARKETING", "AVAILABLE", "COMPLETED", "ENROLLING_BY_INVITATION",
        "NOT_YET_RECRUITING", "NO_LONGER_AVAILABLE", "RECRUITING", "SUSPENDED", "TEMPORARILY_NOT_AVAILABLE",
        "TERMINATED", "UNKNOWN", "WITHDRAWN", "WITHHELD",
    ),
    "study_type": ("EXPANDED_ACCESS", "INTERVENTIONAL", "OBSERVATIONAL"),
    "phases": ("NA", "EARLY_PHASE1", "PHASE1", "PHASE2", "PHASE3", "PHASE4"),
    "sex": ("ALL", "FEMALE", "MALE"),
}  # fmt: skip
#: Older words that are not today's in another spelling.
_OLDER: Mapping[str, Mapping[str, str]] = {
    "status": {"Unknown status": "UNKNOWN"},
    "study_type": {"Observational [Patient Registry]": "OBSERVATIONAL"},
    "phases": {"Phase 0": "EARLY_PHASE1", "Not applicable": "NA"},
    "sex": {"Both": "ALL"},
}
_NOT_A_LETTER = re.compile(r"[\W_]+")


def _spelling(word: str) -> str:
    """What all ways to write a word have in common: ``Active, not recruiting`` -> ``activenotrecruiting``."""
    return _NOT_A_LETTER.sub("", word).lower()


_WORDS: Mapping[str, Mapping[str, str]] = {
    fact: {_spelling(old): new for old, new in (*zip(words, words, strict=True), *_OLDER[fact].items())}
    for fact, words in _TODAY.items()
}


def has_vocabulary(fact: str) -> bool:
    """Whether the source has a fixed list of words for this fact."""
    return fact in _WORDS


def todays_words(fact: str, word: str) -> list[str]:
    """Today's words for a word of any form; ``Phase 1/Phase 2`` is two. Empty when the word is not known."""
    known = _WORDS[fact]
    if (whole := known.get(_spelling(word))) is not None:
        return [whole]
    parts = [known.get(_spelling(part)) for part in word.split("/")]
    return [part for part in parts if part is not None] if None not in parts else []
