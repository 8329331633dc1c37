"""What a stage is: plain Python, typed input in, typed output out, no Kafka in sight."""

import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType
from typing import Any, ClassVar, Final, Protocol, get_args, get_origin, get_type_hints

from .ir import (
    Chunk,
    Document,
    IndexReceipt,
    RawPayload,
    ValidationReport,
)
from .knowledge import Claims, Entities, GraphReceipt
from .model import OptionValue
from .requests import JobRequest
from .vectors import Embeddings, SparseVectors


@dataclass(frozen=True, slots=True)
class StageContext:
    """What a stage knows of the job that it works for.

    Attributes:
        doc_id: ``<source>:<source id>``.
        pipeline: the topology's name.
        digest: the first 12 digits of the topology's digest.
        epoch: run number of this stage within the job, from 1.
        attempt: try within the epoch, from 1.
        deadline: when the stage's time is over; None when it has none.
        metadata: the request's free values.
        options: what the topology says of how this stage is to work.
    """

    tenant_id: str
    doc_id: str
    job_id: str
    correlation_id: str
    pipeline: str
    digest: str
    epoch: int = 1
    attempt: int = 1
    deadline: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageType:
    """A kind of stage as topologies know it: artifact names in, artifact names out.

    The name ``request`` among the inputs is the job's own request, which needs no producer.

    Attributes:
        optional: inputs that the stage is given where the topology makes them, and does without where it does not.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    optional: frozenset[str] = frozenset()


class ExpandStage(Protocol):
    """Turns a batch request into one request per item, in a stable order."""

    outputs: ClassVar[tuple[str, ...]] = ("expansion",)

    def execute(self, ctx: StageContext, request: JobRequest) -> AsyncIterator[JobRequest]: ...  # noqa: D102


class IngestStage(Protocol):
    """Fetches an item's raw payloads from its source."""

    outputs: ClassVar[tuple[str, ...]] = ("payloads",)

    async def execute(self, ctx: StageContext, request: JobRequest) -> list[RawPayload]: ...  # noqa: D102


class ParseStage(Protocol):
    """Reads raw payloads into a document."""

    outputs: ClassVar[tuple[str, ...]] = ("document",)

    async def execute(self, ctx: StageContext, payloads: list[RawPayload]) -> Document: ...  # noqa: D102


class ValidateStage(Protocol):
    """Checks a document against the rules of the intermediate representation."""

    outputs: ClassVar[tuple[str, ...]] = ("validation",)

    async def execute(self, ctx: StageContext, document: Document) -> ValidationReport: ...  # noqa: D102


class ChunkStage(Protocol):
    """Cuts a document into chunks with exact spans."""

    outputs: ClassVar[tuple[str, ...]] = ("chunks",)

    async def execute(self, ctx: StageContext, document: Document) -> list[Chunk]: ...  # noqa: D102


class EmbedStage(Protocol):
    """Gives each chunk its dense vector."""

    outputs: ClassVar[tuple[str, ...]] = ("embeddings",)

    async def execute_batch(
        self, ctxs: Sequence[StageContext], chunks: Sequence[list[Chunk]]
    ) -> Sequence[Embeddings | Exception]:
        """One result or error per context, in their order; one job's error never fails its batch mates."""
        ...


class SparseEmbedStage(Protocol):
    """Expands each chunk to the terms that it is about, with weights (SPLADE)."""

    outputs: ClassVar[tuple[str, ...]] = ("sparse_vectors",)

    async def execute_batch(
        self, ctxs: Sequence[StageContext], chunks: Sequence[list[Chunk]]
    ) -> Sequence[SparseVectors | Exception]:
        """One result or error per context, in their order; one job's error never fails its batch mates."""
        ...


class IndexStage(Protocol):
    """Writes a document's chunks to the search index, with the vectors and the entities that there are."""

    outputs: ClassVar[tuple[str, ...]] = ("index_receipt",)

    async def execute_batch(
        self,
        ctxs: Sequence[StageContext],
        document: Sequence[Document],
        chunks: Sequence[list[Chunk]],
        embeddings: Sequence[Embeddings | None],
        sparse_vectors: Sequence[SparseVectors | None],
        entities: Sequence[Entities | None],
    ) -> Sequence[IndexReceipt | Exception]:
        """One result or error per context, in their order; one job's error never fails its batch mates."""
        ...


class ExtractStage(Protocol):
    """Finds what a document is about and what it claims: in its record's fields and in its text."""

    outputs: ClassVar[tuple[str, ...]] = ("entities", "claims")

    async def execute(  # noqa: D102
        self, ctx: StageContext, payloads: list[RawPayload], document: Document, chunks: list[Chunk]
    ) -> tuple[Entities, Claims]: ...


class KGStage(Protocol):
    """Writes what documents are about and what they claim to the knowledge graph."""

    outputs: ClassVar[tuple[str, ...]] = ("graph_receipt",)

    async def execute_batch(
        self,
        ctxs: Sequence[StageContext],
        entities: Sequence[Entities],
        claims: Sequence[Claims],
        index_receipt: Sequence[IndexReceipt | None],
    ) -> Sequence[GraphReceipt | Exception]:
        """One result or error per context, in their order; one job's error never fails its batch mates."""
        ...


def _stage_type(protocol: type) -> StageType:
    """The type that a protocol describes: its parameters behind the context are its inputs."""
    method = getattr(protocol, "execute", None) or protocol.execute_batch  # type: ignore[attr-defined]
    _, _, *inputs = inspect.signature(method).parameters
    optional = frozenset(name for name, kind in _annotations(protocol).items() if NoneType in get_args(kind))
    return StageType(protocol.__name__, tuple(inputs), protocol.outputs, optional)  # type: ignore[attr-defined]


def _annotations(protocol: type) -> dict[str, Any]:
    """What the protocol's method takes behind the context, and returns, for one job."""
    batched = hasattr(protocol, "execute_batch")
    hints = get_type_hints(protocol.execute_batch if batched else protocol.execute)  # type: ignore[attr-defined]
    _, *names = hints
    return {name: get_args(hints[name])[0] if batched else hints[name] for name in names}


def _artifact_types(protocol: type) -> dict[str, Any]:
    """The types of a protocol's inputs and outputs, of one job; what expands makes no artifact."""
    batched = hasattr(protocol, "execute_batch")
    types = {name: _required(kind) for name, kind in _annotations(protocol).items()}
    returned = types.pop("return")
    if get_origin(returned) is AsyncIterator:
        return types
    outputs: tuple[str, ...] = protocol.outputs  # type: ignore[attr-defined]
    made = get_args(returned) if batched or len(outputs) > 1 else (returned,)
    return types | dict(zip(outputs, made, strict=False))


def _required(kind: Any) -> Any:  # noqa: ANN401 - a type
    """``T | None`` -> ``T``."""
    kinds = [part for part in get_args(kind) if part is not NoneType]
    return kinds[0] if NoneType in get_args(kind) else kind


_PROTOCOLS: Final = (
    ExpandStage,
    IngestStage,
    ParseStage,
    ValidateStage,
    ChunkStage,
    EmbedStage,
    SparseEmbedStage,
    IndexStage,
    ExtractStage,
    KGStage,
)

#: The stage types that a topology may name. A stage of another kind has the type ``Stage`` and names its
#: inputs and outputs in the topology.
STAGE_TYPES: Final[Mapping[str, StageType]] = {protocol.__name__: _stage_type(protocol) for protocol in _PROTOCOLS}

#: The artifacts of these stages, and ``request``, by name: what a stage's parameter of that name is.
ARTIFACT_TYPES: Final[Mapping[str, Any]] = {
    name: kind for protocol in _PROTOCOLS for name, kind in _artifact_types(protocol).items()
}
