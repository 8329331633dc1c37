"""Which reader reads a payload: each source has one, which knows all forms of that source's records."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import Document, RawPayload

from . import beir, ctgov, openalex

#: Makes a document of a payload, or raises `InvalidDocument`.
Reader: TypeAlias = Callable[[RawPayload], Document]

#: The readers by source. A new source is one line here.
READERS: Mapping[str, Reader] = {
    beir.SOURCE: beir.read_row,
    ctgov.SOURCE: ctgov.read_study,
    openalex.SOURCE: openalex.read_work,
}


def read_payload(payload: RawPayload) -> Document:
    """The payload's document.

    Raises:
        InvalidDocument: no reader knows its source, or it is not a record of that source.
    """
    if payload.source not in READERS:
        known = ", ".join(sorted(READERS))
        raise InvalidDocument(f"the payload {payload.uri} is of the source {payload.source!r}; known are {known}")
    return READERS[payload.source](payload)
