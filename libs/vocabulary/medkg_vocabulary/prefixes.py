"""CURIEs: one spelling for each vocabulary's prefix, whatever a file calls it."""

from collections.abc import Mapping
from typing import Final

from curies import Converter, Record

#: Biolink's preferred prefixes, with the spellings that files have.
PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "MESH": ("MSH", "mesh", "MeSH"),
    "DOID": ("doid", "do"),
    "CHEBI": ("chebi",),
    "DRUGBANK": ("DrugBank", "drugbank", "DB"),
    "HP": ("hp", "HPO"),
    "MONDO": ("mondo",),
    "NCIT": ("NCI", "ncit", "NCIt"),
    "OMIM": ("omim", "MIM"),
    "UMLS": ("UMLS_CUI", "umls"),
    "SNOMEDCT": ("SNOMEDCT_US", "snomedct", "SCTID"),
    "ICD10": ("ICD10CM", "icd10"),
    "ICD9": ("ICD9CM", "icd9"),
    "NCBIGene": ("ncbigene", "EntrezGene", "NCBIGENE", "GeneID"),
    "HGNC": ("hgnc",),
    "UBERON": ("uberon",),
    "GO": ("go",),
    "RXCUI": ("RxNorm", "rxcui", "RXNORM"),
}

_CONVERTER: Final = Converter(
    [
        Record(prefix=prefix, prefix_synonyms=list(others), uri_prefix=f"urn:curie:{prefix}:")
        for prefix, others in PREFIXES.items()
    ]
)
#: Releases that files write behind a prefix: ``SNOMEDCT_US_2023_03_01``.
_DATED: Final = ("SNOMEDCT_US_",)


def curie(prefix: str, local: str) -> str:
    """The CURIE with the preferred spelling of its prefix; one that nobody knows stays as it is."""
    known = next((start.rstrip("_") for start in _DATED if prefix.startswith(start)), prefix)
    return f"{_CONVERTER.standardize_prefix(known) or known}:{local.strip()}"


def normalised(text: str) -> str:
    """A CURIE as a file has it, with the preferred spelling of its prefix.

    Raises:
        ValueError: it has no prefix.
    """
    prefix, colon, local = text.strip().partition(":")
    if not (prefix and colon and local):
        raise ValueError(f"{text!r} is no CURIE, such as MESH:D003924")
    return curie(prefix, local)
