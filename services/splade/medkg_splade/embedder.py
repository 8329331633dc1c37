"""SPLADE as a component of Haystack."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from medkg_models.sparse import SparseEncoder

from .haystack import Document, SparseEmbedding, component


@component
class SpladeDocumentEmbedder:
    """Gives documents sparse embeddings of their content: token numbers of the model's vocabulary, the heaviest first.

    Args:
        encoder: is open, and stays so for whoever opened it to close.
    """

    def __init__(self, encoder: SparseEncoder) -> None:
        self._encoder = encoder
        self._numbers = {term: number for number, term in enumerate(encoder.vocabulary.terms)}

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """The documents with their embeddings, for a program without an event loop.

        Raises:
            MedkgError: the model could not be run.
        """
        return asyncio.run(self.run_async(documents))

    @component.output_types(documents=list[Document])
    async def run_async(self, documents: list[Document]) -> dict[str, list[Document]]:
        """The documents with their embeddings.

        Raises:
            MedkgError: the model could not be run.
        """
        found = await self._encoder.encode([document.content or "" for document in documents])
        return {
            "documents": [
                replace(document, sparse_embedding=self._embedding(weights))
                for document, weights in zip(documents, found, strict=True)
            ]
        }

    def _embedding(self, weights: Mapping[str, float]) -> SparseEmbedding:
        return SparseEmbedding([self._numbers[term] for term in weights], list(weights.values()))
