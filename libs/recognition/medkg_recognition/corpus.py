"""Texts in which people have marked what is named, whatever form their file has. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: What corpora call what is found: NCBI's tells classes, modifiers and composites of diseases.
_CATEGORIES: Final[Mapping[str, str]] = {
    "Chemical": "biolink:ChemicalEntity",
    "Disease": "biolink:Disease",
    "DiseaseClass": "biolink:Disease",
    "SpecificDisease": "biolink:Disease",
    "Modifier": "biolink:Disease",
    "CompositeMention": "biolink:Disease",
}


@dataclass(frozen=True, slots=True)
class Gold:
    """A mention that people have marked.

    Attributes:
        kind: as the file calls it, such as ``Chemical``.
        ids: what it means, such as ``MESH:D003000``; none where they found no term.
    """

    start: int
    end: int
    text: str
    kind: str
    ids: tuple[str, ...]

    @property
    def category(self) -> str | None:
        """Biolink's category of what it names; None for a kind that is not looked for."""
        return _CATEGORIES.get(self.kind)


@dataclass(frozen=True, slots=True)
class Abstract:
    """A text, and what people have marked in it; positions are those in the text."""

    id: str
    text: str
    mentions: tuple[Gold, ...]


def ids_of(text: str) -> tuple[str, ...]:
    """Ids as files write them: ``D003000|D004829`` are two of MeSH; a CURIE stays; ``-1`` is none."""
    given = (each.strip() for each in re.split(r"[|+,;]", text))
    return tuple(each if ":" in each else f"MESH:{each}" for each in given if each not in ("-1", "-", ""))
