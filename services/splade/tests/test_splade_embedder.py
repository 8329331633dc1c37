"""SPLADE as a component of Haystack."""

import asyncio

from haystack import Document, Pipeline
from medkg_models.sparse_opening import SparseSettings, open_sparse
from medkg_splade.embedder import SpladeDocumentEmbedder


def test_a_pipeline_embeds_documents() -> None:
    """In a pipeline of Haystack each document gets its terms' numbers with their weights, and keeps all else."""
    encoder = asyncio.run(open_sparse(SparseSettings(splade_top_k=5), "cpu"))
    pipeline = Pipeline()
    pipeline.add_component("splade", SpladeDocumentEmbedder(encoder))
    documents = [Document(id="a", content="Fever in children", meta={"year": 2026}), Document(id="b", content=None)]

    found, empty = pipeline.run({"splade": {"documents": documents}})["splade"]["documents"]
    (weights,) = asyncio.run(encoder.encode(["Fever in children"]))
    asyncio.run(encoder.close())

    terms = [encoder.vocabulary.terms[number] for number in found.sparse_embedding.indices]
    assert weights == dict(zip(terms, found.sparse_embedding.values, strict=True))
    assert ("a", {"year": 2026}, "fever") == (found.id, found.meta, terms[0])
    assert [] == empty.sparse_embedding.indices
