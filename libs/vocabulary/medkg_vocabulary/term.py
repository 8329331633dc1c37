"""A term of a vocabulary, whichever it comes from."""

from dataclasses import dataclass
from typing import Literal

#: How a synonym relates to its term; only exact ones name the same thing.
Scope = Literal["exact", "narrow", "broad", "related"]


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another name of a term."""

    text: str
    scope: Scope = "exact"


@dataclass(frozen=True, slots=True)
class Term:
    """A thing that a vocabulary has a name for.

    Attributes:
        id: a CURIE.
        name: the preferred one.
        category: Biolink's, such as ``biolink:Disease``.
        parents: ids of the terms right above it.
        xrefs: CURIEs of the same thing in other vocabularies.
        former: ids that it had, or that were merged into it.
    """

    id: str
    name: str
    category: str
    synonyms: tuple[Synonym, ...] = ()
    parents: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
