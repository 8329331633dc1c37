"""The SPLADE stage: chunks in, the terms that they are about out."""

from collections.abc import Sequence
from itertools import islice
from typing import ClassVar, cast

from medkg_contracts.ir import Chunk
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import SparseVector, SparseVectors
from medkg_models.sparse_opening import open_sparse

from .embedder import SpladeDocumentEmbedder
from .haystack import Document, SparseEmbedding
from .settings import SpladeSettings


class SpladeStage:
    """Weighs the chunks of several jobs together: a batch of the model has them side by side, the longest first."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("sparse_vectors",)

    def __init__(self, settings: SpladeSettings) -> None:
        self._settings = settings

    async def open(self) -> None:
        """Loads the model, or makes sure that it is served.

        Raises:
            MedkgError: it is not to be had.
        """
        self._encoder = await open_sparse(self._settings, self._settings.accelerator)
        self._embedder = SpladeDocumentEmbedder(self._encoder)

    async def close(self) -> None:
        """Gives back what the model holds."""
        await self._encoder.close()

    async def execute_batch(
        self,
        ctxs: Sequence[StageContext],  # noqa: ARG002 - nothing depends on whose chunks they are
        chunks: Sequence[list[Chunk]],
    ) -> Sequence[SparseVectors | Exception]:
        """The chunks' sparse vectors for each context, in their order.

        Raises:
            MedkgError: the model could not be run; that is none of a single job's.
        """
        documents = [Document(id=chunk.id, content=passage(chunk)) for each in chunks for chunk in each]
        embedded = (await self._embedder.run_async(documents))["documents"]
        vectors = iter([self._vector(document) for document in embedded])
        return [SparseVectors(model=self._encoder.model, vectors=list(islice(vectors, len(each)))) for each in chunks]

    def _vector(self, document: Document) -> SparseVector:
        terms, embedding = self._encoder.vocabulary.terms, cast("SparseEmbedding", document.sparse_embedding)
        weights = {terms[number]: weight for number, weight in zip(embedding.indices, embedding.values, strict=True)}
        return SparseVector(chunk_id=document.id, weights=weights)


def passage(chunk: Chunk) -> str:
    """What the model reads of a chunk: its document's title as well, which the text alone may not name."""
    return f"{chunk.document_title}\n{chunk.text}"
