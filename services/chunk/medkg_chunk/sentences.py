"""Where sentences start: paragraphs, list items and full stops, by rules alone.

Sentence splitters such as NLTK's ask for data that they download when it is missing; these rules need nothing.
A missed boundary only makes a unit longer and a false one only makes it shorter: spans are exact either way.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_ABBREVIATIONS = re.compile(
    "al|appr|approx|avg|ca|cf|chap|co|corp|dept|dr|e\\.g|ed|eds|eg|eq|eqs|est|et|fig|figs|i\\.e|ie|inc|incl|jr|ltd|max|"
    "min|mr|mrs|ms|no|nos|nr|p\\.o|ph\\.d|pp|prof|ref|refs|resp|sp|spp|sr|ss|st|subsp|suppl|tab|var|viz|vol|vs",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"[ \t]*(?:[*•◦▪‣·●○–—-]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)])\s")  # noqa: RUF001
# Each alternative can only start where a run of stops starts, which keeps the search linear on "......".
_STOP = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+\s++"""  # noqa: RUF001
    r"""|(?<![。！？｡])[。！？｡]++[”’」』）]*+\s*+|[؟۔।॥]\s*+"""  # noqa: RUF001
)
_WORD_BEFORE = re.compile(r"[^\W_](?:[\w.]{0,14})\Z")
_ENUMERATOR = re.compile(r"\s*(?:[*•-]\s*)?\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})\Z")
_LETTERED = re.compile(
    r"\b(?:arm|class|cohort|factor|grade|group|hepatitis|influenza|level|part|phase|stage|step|type|vitamin)\s+\Z",
    re.IGNORECASE,
)


def sentence_starts(text: str) -> list[int]:
    """Where the sentences of the text start, in order; the first is 0. White space ends the sentence before it."""
    starts: list[int] = []
    bounds = [*_paragraph_starts(text), len(text)]
    for start, end in pairwise(bounds):
        starts.append(start)
        starts.extend(_stops(text, start, end))
    return starts


def _paragraph_starts(text: str) -> Iterator[int]:
    position = 0
    before = ""
    for line in text.splitlines(keepends=True):
        new = not before.strip() or before.rstrip().endswith(":") or _LIST_ITEM.match(line)
        if position == 0 or (new and line.strip()):
            yield position
        position += len(line)
        before = line


def _stops(text: str, start: int, end: int) -> Iterator[int]:
    sentence = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() < end and _ends_sentence(text, sentence, stop):
            sentence = stop.end()
            yield sentence


def _ends_sentence(text: str, sentence: int, stop: re.Match[str]) -> bool:
    if stop[0][0] not in ".!?…":
        return True
    if text[stop.end()].islower():
        return False
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    before = text[max(sentence, stop.start() - 32) : stop.start()]
    if _ENUMERATOR.fullmatch(before):
        return False
    word = _WORD_BEFORE.search(before)
    return word is None or not _abbreviates(word[0], before[: word.start()])


def _abbreviates(word: str, before: str) -> bool:
    """Whether a full stop after the word belongs to it: "vs.", "J. Smith", "U.S."; not the one of "vitamin D."."""
    if _ABBREVIATIONS.fullmatch(word):
        return True
    if len(word) == 1 and word.isalpha():
        return _LETTERED.search(before) is None
    return "." in word and all(len(part) == 1 and part.isalpha() for part in word.split("."))
