"""What a node is asked about its part of the view, by itself and by others, and what it answers."""

from typing import Annotated

from medkg_contracts.model import Contract, TenantId
from medkg_contracts.vectors import EmbeddingModel
from pydantic import Field

#: Records that the exact search among given ones takes.
MOST_AMONG = 5_000
#: Vectors that one question asks for at most.
MOST_NEAREST = 10_000
#: Documents whose visible version one question asks for.
MOST_DOCUMENTS = 10_000


class NearestQuestion(Contract):
    """Which vectors of a tenant are nearest to this one?

    Attributes:
        model: whose vector it is.
        vector: little-endian 32-bit floats.
        k: how many.
        among: only these records, compared exactly; None for all.
    """

    tenant: TenantId
    model: EmbeddingModel
    vector: bytes
    k: Annotated[int, Field(ge=1, le=MOST_NEAREST)]
    among: Annotated[tuple[str, ...], Field(max_length=MOST_AMONG)] | None = None


class NearestAnswer(Contract):
    """The nearest vectors of a part.

    Attributes:
        shard: which part, counted from 0.
        shards: of how many.
        hits: record ids with their inner products, best first; only of visible versions.
        exhausted: no more would be found with a larger `k`.
    """

    shard: int
    shards: int
    hits: list[tuple[str, float]]
    exhausted: bool


class VisibleQuestion(Contract):
    """Which version of these documents is to be seen?"""

    tenant: TenantId
    documents: Annotated[tuple[str, ...], Field(max_length=MOST_DOCUMENTS)]


class VisibleAnswer(Contract):
    """What a part knows of them.

    Attributes:
        shard: which part, counted from 0.
        shards: of how many.
        versions: the visible version of each document of this part that has one.
        absent: documents of this part that have none.
    """

    shard: int
    shards: int
    versions: dict[str, str]
    absent: list[str]
