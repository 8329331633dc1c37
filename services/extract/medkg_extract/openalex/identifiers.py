"""Ids as OpenAlex writes them, mostly as addresses, and as CURIEs."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from medkg_extract.gathering import LOCAL_PREFIX

Scheme = Literal["openalex", "openalex-path", "doi", "pmid", "pmcid", "orcid", "ror", "issn", "wikidata", "mesh"]

#: By scheme: the prefix, which is Biolink's, or Bioregistry's where Biolink has none; and what the id looks like.
_SCHEMES: Final[Mapping[Scheme, tuple[str, re.Pattern[str]]]] = {
    "openalex": ("openalex:", re.compile(r"(?:https?://openalex\.org/)?([A-Z]\d{1,15})")),
    # Of keywords and of what is above topics: `https://openalex.org/fields/11`, in a form that a node's id may have.
    "openalex-path": (
        f"{LOCAL_PREFIX}:openalex-",
        re.compile(r"https?://openalex\.org/([a-z]{1,20}/[^\s/:<>()]{1,200})"),
    ),
    "doi": ("doi:", re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/\S{1,250})", re.IGNORECASE)),
    "pmid": ("PMID:", re.compile(r"(?:https?://pubmed\.ncbi\.nlm\.nih\.gov/)?(\d{1,9})/?")),
    "pmcid": ("PMCID:PMC", re.compile(r"(?:https?://www\.ncbi\.nlm\.nih\.gov/pmc/articles/)?(?:PMC)?(\d{1,9})/?")),
    "orcid": ("ORCID:", re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")),
    "ror": ("ror:", re.compile(r"(?:https?://ror\.org/)*(0[a-z0-9]{8})")),
    "issn": ("issn:", re.compile(r"(\d{4}-\d{3}[\dX])")),
    "wikidata": ("WIKIDATA:", re.compile(r"https?://www\.wikidata\.org/(?:wiki|entity)/(Q\d{1,12})")),
    "mesh": ("MESH:", re.compile(r"([CDQ]\d{4,12})")),
}


def curie_of(scheme: Scheme, text: str) -> str | None:
    """The CURIE of an id; None if it does not look like one of its scheme."""
    prefix, form = _SCHEMES[scheme]
    if (found := form.fullmatch(text)) is None:
        return None
    # A DOI is the same in any case; OpenAlex has it in small letters.
    local = found[1].lower() if scheme == "doi" else found[1]
    return prefix + (local.replace("/", "-") if scheme == "openalex-path" else local)
