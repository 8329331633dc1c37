"""Ids as files have them: CURIEs, IRIs, or the local part alone."""

import re
from collections.abc import Iterable
from typing import Final

from medkg_vocabulary.prefixes import curie, normalised

#: ``http://purl.obolibrary.org/obo/DOID_4``, ``http://www.ebi.ac.uk/efo/EFO_0000400``
_UNDERSCORE: Final = re.compile(r"https?://.*[/#]([A-Za-z]+)_([\w.-]+)")
#: ``http://identifiers.org/hgnc/5``
_REGISTRY: Final = re.compile(r"https?://identifiers\.org/([A-Za-z.]+)[/:](\S+)")
_CURIE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*:[^\s/]\S*")


def id_of(text: str, prefix: str) -> str:
    """The CURIE of a term; the prefix is that of ids without one, and of IRIs that say none."""
    text = text.strip()
    if (found := _REGISTRY.fullmatch(text) or _UNDERSCORE.fullmatch(text)) is not None:
        return curie(found[1], found[2])
    if "://" in text:
        return curie(prefix, re.split(r"[/#]", text.rstrip("/#"))[-1])
    return normalised(text) if ":" in text else curie(prefix, text)


def xrefs_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of these references that are CURIEs, each once; addresses and names of people are none."""
    return tuple(dict.fromkeys(normalised(text) for text in texts if _CURIE.fullmatch(text)))
