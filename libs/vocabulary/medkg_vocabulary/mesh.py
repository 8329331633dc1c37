"""MeSH's trees: what kind of thing stands in which (https://meshb.nlm.nih.gov/treeView)."""

from collections.abc import Iterable
from typing import Final

#: By the beginning of a tree number, the longest that fits first.
_CATEGORIES: Final = (
    ("C23.888", "biolink:PhenotypicFeature"),
    ("F01.145", "biolink:PhenotypicFeature"),
    ("F03", "biolink:Disease"),
    ("D08", "biolink:Protein"),
    ("D12", "biolink:Protein"),
    ("A", "biolink:AnatomicalEntity"),
    ("B", "biolink:OrganismTaxon"),
    ("C", "biolink:Disease"),
    ("D", "biolink:ChemicalEntity"),
    ("E", "biolink:Procedure"),
    ("G", "biolink:BiologicalProcess"),
    ("Z", "biolink:GeographicLocation"),
)


def category_of(trees: Iterable[str]) -> str | None:
    """What a term is that stands at these places; None where they say nothing of it."""
    places = list(trees)
    return next((kind for start, kind in _CATEGORIES if any(place.startswith(start) for place in places)), None)


def above(tree: str) -> str | None:
    """The place above: ``C23.888.592`` -> ``C23.888``; None at the top."""
    return tree.rpartition(".")[0] or None
