"""Which chunks of a document a model reads, and in which order: those first that report results."""

import re
from collections.abc import Sequence
from typing import Final

from medkg_contracts.ir import Chunk

#: Sections of what people have written on what they found; a registry's fields are read without a model.
_READ: Final = frozenset({"abstract", "body", "other"})
_RESULTS: Final = re.compile(r"\b(results?|findings|outcomes?|efficacy|safety)\b", re.IGNORECASE)
_SUMMARY: Final = re.compile(r"\b(conclusions?|discussion|summary)\b", re.IGNORECASE)


def chosen(chunks: Sequence[Chunk], most: int) -> tuple[list[Chunk], int]:
    """The chunks to be read, and how many would have been but for the bound.

    The abstract comes first, then sections whose titles speak of results, then conclusions, then the rest, each as the
    document has them.
    """
    readable = sorted((chunk for chunk in chunks if chunk.section_type in _READ), key=_rank)
    return readable[:most], max(0, len(readable) - most)


def _rank(chunk: Chunk) -> tuple[int, int]:
    if chunk.section_type == "abstract":
        return 0, chunk.ordinal
    if _RESULTS.search(chunk.section_title):
        return 1, chunk.ordinal
    return 2 if _SUMMARY.search(chunk.section_title) else 3, chunk.ordinal
