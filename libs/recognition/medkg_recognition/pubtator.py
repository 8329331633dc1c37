"""Annotated abstracts in PubTator's format (https://www.ncbi.nlm.nih.gov/research/pubtator3/tutorial)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from medkg_contracts.errors import InvalidInput

from .corpus import Abstract, Gold, ids_of

_TEXT: Final = re.compile(r"(\w+)\|([ta])\|(.*)")
_MENTION_FIELDS: Final = 5


@dataclass(slots=True)
class _Reading:
    """An abstract of which not all lines have been read."""

    id: str
    title: str = ""
    body: str = ""
    mentions: list[Gold] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title} {self.body}"

    def done(self) -> Abstract:
        return Abstract(self.id, self.text, tuple(self.mentions))


def read_pubtator(lines: Iterable[str], name: str) -> Iterator[Abstract]:
    """The abstracts of a file, in its order.

    Raises:
        InvalidInput: a mention is not what stands at its positions, or of no abstract; line and remedy are named.
    """
    current: _Reading | None = None
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if (found := _TEXT.fullmatch(text)) is not None:
            if current is not None and current.id != found[1]:
                yield current.done()
                current = None
            current = current or _Reading(found[1])
            if found[2] == "t":
                current.title = found[3]
            else:
                current.body = found[3]
        elif len(fields := text.split("\t")) >= _MENTION_FIELDS and fields[1].isdecimal():
            if current is None or current.id != fields[0]:
                raise InvalidInput(f"{name}:{number}: a mention of {fields[0]}, whose text is not above it")
            current.mentions.append(_mention(fields, current, f"{name}:{number}"))
    if current is not None:
        yield current.done()


def _mention(fields: list[str], abstract: _Reading, where: str) -> Gold:
    start, end, text = int(fields[1]), int(fields[2]), fields[3].rstrip()
    if abstract.text[start:end] != text:
        raise InvalidInput(
            f"{where}: {text!r} does not stand at {start}..{end}, where {abstract.text[start:end]!r} stands",
            remedy="Check that title and text are joined by one character, and that positions count characters.",
        )
    given = fields[5] if len(fields) > _MENTION_FIELDS else "-1"
    return Gold(start, end, text, fields[4], ids_of(given))
