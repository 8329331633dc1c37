"""Documents with made-up vectors, and stages that write them."""

import hashlib
import struct
from collections.abc import Sequence

from medkg_contracts.ir import Chunk, Document, IndexReceipt, Provenance, Section, Span
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import EmbeddingModel, Embeddings, SparseModel, SparseVector, SparseVectors
from medkg_index.settings import IndexSettings
from medkg_index.stage import OpenSearchIndexStage

MODEL = EmbeddingModel(name="made", revision="1" * 64, dimension=2)
SPARSE = SparseModel(name="sparse", revision="2" * 64)

Job = tuple[Document, list[Chunk], Embeddings | None, SparseVectors | None]


def make(name: str, *texts: str, model: EmbeddingModel | None = MODEL, sparse: SparseModel = SPARSE) -> Job:
    """A document with a chunk for each text, and vectors of each, unless there is no model."""
    provenance = Provenance(source="test", source_id=name, uri="https://x.test", sha256=hashlib.sha256().hexdigest())
    section = Section(id="s", type="body", title="Body", text="\n".join(texts), provenance=provenance)
    document = Document(id=f"test:{name}", source="test", title=name, sections=[section], provenance=provenance)
    chunks = [
        Chunk(
            id=f"{name}-{text}", document_id=document.id, document_title=name, source="test", section_id="s",
            section_type="body", section_title="Body", ordinal=ordinal, text=text,
            span=Span(start=0, end=len(text)), token_count=1,
        )
        for ordinal, text in enumerate(texts)
    ]  # fmt: skip
    if model is None:
        return document, chunks, None, None
    rows = b"".join(vector_of(text) for text in texts)
    embeddings = Embeddings(model, tuple(chunk.id for chunk in chunks), rows)
    weights = [SparseVector(chunk_id=chunk.id, weights={chunk.text: 2.0, "a.b": 1.0}) for chunk in chunks]
    return document, chunks, embeddings, SparseVectors(model=sparse, vectors=weights)


def vector_of(text: str) -> bytes:
    """The made-up vector of a text."""
    return struct.pack("<2f", len(text), ord(text[0]))


def stage_of(opensearch: str, kafka: str) -> OpenSearchIndexStage:
    """A stage on these servers."""
    return OpenSearchIndexStage(IndexSettings(opensearch_url=opensearch, kafka=kafka, MK_INDEX_TIMEOUT_S=30))


async def run(
    stage: OpenSearchIndexStage, tenant: str, *jobs: Job, skip_completed: bool = False
) -> Sequence[IndexReceipt | Exception]:
    """Run the jobs as one batch."""
    request = JobRequest(source="test", id="d", skip_completed=skip_completed)
    ctx = StageContext(tenant_id=tenant, doc_id="d", job_id="j", correlation_id="c", pipeline="p", digest="0" * 12)
    documents, chunks, embeddings, sparse = zip(*jobs, strict=True)
    return await stage.execute_batch(
        [ctx] * len(jobs), documents, chunks, embeddings, sparse, [None] * len(jobs), [request] * len(jobs)
    )
