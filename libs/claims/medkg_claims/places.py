"""Where what a model copied out of a text stands in it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from medkg_contracts.ir import Span

#: Signs that look alike, and may be exchanged when a text is copied.
_ALIKE: Final = str.maketrans({
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00b7": ".", "\u2219": ".",
})  # fmt: skip
_NUMBER: Final = re.compile(r"(?<![\w.])(-?)(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?!\d|[.,]\d)")
_DASH_IN_RANGE: Final = re.compile(r"(?<=[\w%)\]])-(?=\.?\d)")


def quote_span(quote: str, text: str) -> Span | None:
    """Where the text has this, whatever white space is between the words; None if it has not.

    The span is of the text itself: hyphens, dashes and quotation marks that look alike count as the same.
    """
    return _span(_words(quote), text.translate(_ALIKE))


def name_span(name: str, text: str) -> Span | None:
    """Where the text has this name, as whole words and in whatever case; None if it has not."""
    words = _words(name)
    return _span(rf"(?<!\w){words}(?!\w)" if words else "", text.translate(_ALIKE), re.IGNORECASE)


def number_in(said: str, quote: str) -> float | None:
    """The number that is said, if the quote has it, with its sign; None if it has not, or nothing is said.

    It may be preceded by a sign of comparison or its name (``p < 0.05``), and be followed by a unit or ``%``.
    """
    numbers = list(_numbers(said))
    if len(numbers) != 1 or numbers[0] not in set(_numbers(quote)):
        return None
    return float(numbers[0])


def _numbers(text: str) -> Iterator[Decimal]:
    """The numbers of a text: a dash is a sign unless it follows a word or a number, as in ``0.4-0.8``."""
    plain = _DASH_IN_RANGE.sub(" ", text.translate(_ALIKE))
    for sign, digits in _NUMBER.findall(plain):
        yield Decimal(sign + digits.replace(",", ""))


def _words(copied: str) -> str:
    return r"\s+".join(re.escape(word) for word in copied.translate(_ALIKE).split())


def _span(pattern: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> Span | None:
    found = re.search(pattern, text, flags) if pattern else None
    return Span(start=found.start(), end=found.end()) if found else None
