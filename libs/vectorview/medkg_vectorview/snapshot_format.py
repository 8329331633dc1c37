"""The form in which a view lies in the artifact store (ADR 0034). A form of another number is not read."""

from typing import Final, Literal

from medkg_contracts.changelog import LiveModel
from medkg_contracts.model import Contract

#: Rises with each change that older or newer readers would misread.
FORMAT: Final = 1


class StoredArray(Contract):
    """An array, C-contiguous and little-endian, in pieces of bytes one behind the other.

    Attributes:
        dtype: as numpy writes it, such as ``<i4``.
        shape: of the whole.
        first: number of its first piece among the edition's.
        pieces: how many it has.
    """

    dtype: str
    shape: tuple[int, ...]
    first: int
    pieces: int


class StoredNames(Contract):
    """`NameList`."""

    texts: StoredArray
    starts: StoredArray
    lengths: StoredArray


class StoredIndex(Contract):
    """An index in FAISS's own format, and the rows that it has as they are, as bits."""

    kind: Literal["hnsw", "ivfpq"]
    body: StoredArray
    covered: StoredArray


class StoredGeneration(Contract):
    """`GenerationCut`; the vectors are a piece for each block, the last one without the rows that there are not."""

    model: str
    dimension: int
    size: int
    keys: StoredArray
    documents: StoredArray
    versions: StoredArray
    live: StoredArray
    visible: StoredArray
    vectors: StoredArray
    index: StoredIndex | None


class StoredTenant(Contract):
    """`TenantCut`."""

    name: str
    live: LiveModel | None
    documents: StoredNames
    versions: StoredNames
    visible: StoredArray
    orders: StoredArray
    generations: tuple[StoredGeneration, ...]


class StoredView(Contract):
    """A view, and how far it has read.

    Attributes:
        block: rows of a block of vectors.
        positions: the offset of the next record of each partition, by number.
        complete: everything that was written before this time has been read, in seconds since 1970-01-01 UTC.
    """

    format: Literal[1]
    block: int
    positions: dict[int, int]
    complete: float
    tenants: tuple[StoredTenant, ...]
