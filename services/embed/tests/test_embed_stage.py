"""Chunks become vectors: by the real bge-small in this process, and by a server that plays vLLM."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory, InputTooLong, ModelServerUnavailable
from medkg_contracts.ir import Chunk, Span
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import Embeddings
from medkg_embed.app import service
from medkg_embed.settings import EmbedSettings
from medkg_embed.stage import ChunkEmbedStage
from medkg_models.testing import FakeVllm, fake_vllm

LONG = "word " * 600


def chunk(text: str, number: int = 0, title: str = "") -> Chunk:
    return Chunk(
        id=f"chunk-{number}",
        document_id="ctgov:NCT1",
        document_title=title,
        source="ctgov",
        section_id="s1",
        section_type="body",
        section_title="Body",
        ordinal=number,
        text=text,
        span=Span(start=0, end=len(text)),
        token_count=len(text.split()),
    )


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[ChunkEmbedStage]:
    stage = ChunkEmbedStage(EmbedSettings(**settings))
    await stage.open()
    try:
        yield stage
    finally:
        await stage.close()


async def embed(stage: ChunkEmbedStage, *jobs: list[Chunk]) -> list[Any]:
    contexts = [
        StageContext(
            tenant_id="public",
            doc_id="ctgov:NCT1",
            job_id=f"job-{number}",
            correlation_id="c",
            pipeline="auto",
            digest="0" * 12,
        )
        for number in range(len(jobs))
    ]
    return list(await stage.execute_batch(contexts, jobs))


def matrix(embeddings: Embeddings) -> np.ndarray:
    return np.frombuffer(embeddings.rows, "<f4").reshape(-1, embeddings.model.dimension)


@pytest.fixture
def server() -> Iterator[FakeVllm]:
    with fake_vllm() as server:
        yield server


async def test_each_job_has_the_vectors_of_its_chunks() -> None:
    """A batch's jobs are embedded together, and each has its own chunks' vectors, in their order."""
    jobs = [[chunk("Heart failure.", 1), chunk("Asthma.", 2)], [], [chunk("Heart failure.", 3)]]
    async with opened(accelerator="cpu") as stage:
        first, none, third = await embed(stage, *jobs)

    assert [("chunk-1", "chunk-2"), (), ("chunk-3",)] == [each.chunk_ids for each in (first, none, third)]
    assert "bge-small-en-v1.5" == first.model.name
    assert matrix(first)[0].tobytes() == matrix(third)[0].tobytes()
    assert (2, 384) == matrix(first).shape


async def test_a_title_precedes_its_chunks() -> None:
    """A chunk is embedded as its document's title and its text; one that begins with the title, as it is."""
    async with opened(accelerator="cpu") as stage:
        (titled,) = await embed(stage, [chunk("In adults.", 1, "Asthma"), chunk("Asthma\nIn adults.", 2, "Asthma")])
        (bare,) = await embed(stage, [chunk("In adults.", 1)])

    assert matrix(titled)[0].tobytes() == matrix(titled)[1].tobytes() != matrix(bare)[0].tobytes()


async def test_a_title_that_the_model_has_no_room_for_is_left_out() -> None:
    """A chunk that fits without its title is embedded without it."""
    text = "heart " * 508
    async with opened(accelerator="cpu") as stage:
        (titled,) = await embed(stage, [chunk(text, 1, "A title of some words")])
        (bare,) = await embed(stage, [chunk(text)])

    assert matrix(titled).tobytes() == matrix(bare).tobytes()
    assert {} == titled.truncated


async def test_a_chunk_that_is_too_long_fails_its_job_alone() -> None:
    """The error names the chunk and what can be done; the job beside it has its vectors."""
    async with opened(accelerator="cpu") as stage:
        failed, good = await embed(stage, [chunk("fine", 1), chunk(LONG, 2)], [chunk("fine", 3)])

    assert isinstance(failed, InputTooLong)
    assert "chunk 2 (chunk-2): a text of 602 tokens is longer than the 512" in str(failed)
    assert "MK_EMBED_TRUNCATE" in failed.info.remedy
    assert ("chunk-3",) == good.chunk_ids


async def test_a_chunk_that_is_too_long_is_cut_where_that_is_set() -> None:
    """With MK_EMBED_TRUNCATE it has a vector, and the artifact says how long it was."""
    async with opened(accelerator="cpu", embed_truncate=True) as stage:
        (made,) = await embed(stage, [chunk("fine", 1), chunk(LONG, 2)])

    assert {"chunk-2": 602} == made.truncated
    assert np.allclose(1, np.linalg.norm(matrix(made), axis=1), atol=1e-5)


async def test_another_model_can_be_chosen() -> None:
    """The model's name and revision travel with the vectors."""
    async with opened(accelerator="cpu", embed_model="all-MiniLM-L6-v2") as stage:
        (made,) = await embed(stage, [chunk("fine")])

    assert ("all-MiniLM-L6-v2", 384) == (made.model.name, made.model.dimension)


async def test_cuda_asks_the_endpoint(server: FakeVllm) -> None:
    """With MK_ACCELERATOR=cuda the vectors are the server's, several jobs' in one request."""
    async with opened(accelerator="cuda", embed_url=server.url) as stage:
        server.requests.clear()
        first, second = await embed(stage, [chunk("one", 1)], [chunk("two", 2)])

    assert [2] == server.requests
    assert (server.name, server.name) == (first.model.name, second.model.name)


async def test_cuda_without_an_endpoint_does_not_start() -> None:
    """Nothing falls back to the CPU: an endpoint that does not answer ends the start."""
    with pytest.raises(ModelServerUnavailable, match="does not answer"):
        async with opened(accelerator="cuda", embed_url="http://127.0.0.1:1/v1"):
            pass


async def test_an_endpoint_of_another_dimension_does_not_start(server: FakeVllm) -> None:
    """A wrong MK_EMBED_DIMENSION is an error of the settings."""
    with pytest.raises(ConfigurationError, match="vectors of 8 numbers, not of 1024"):
        async with opened(accelerator="cuda", embed_url=server.url, embed_dimension=1024):
            pass


@pytest.mark.parametrize(("state", "error"), [({"down": True}, ModelServerUnavailable), ({"fits": 0}, GpuOutOfMemory)])
async def test_what_fails_at_the_endpoint_fails_by_name(
    server: FakeVllm, state: dict[str, Any], error: type[Exception]
) -> None:
    """A server that died, and a GPU without memory, are the jobs' errors, and may be tried again."""
    async with opened(accelerator="cuda", embed_url=server.url) as stage:
        vars(server).update(state)
        (failed,) = await embed(stage, [chunk("one")])

    assert isinstance(failed, error)
    assert failed.retryable


@pytest.mark.parametrize(
    ("accelerator", "url", "expected"),
    [
        ("cuda", "http://127.0.0.1:8000/v1", True),
        ("cuda", "http://localhost:8000/v1", True),
        ("cuda", "http://gpu-7:8000/v1", False),
        ("cpu", "http://gpu-7:8000/v1", True),
    ],
)
def test_a_gpu_is_looked_for_where_the_model_runs(accelerator: str, url: str, expected: bool) -> None:
    """A service whose endpoint is on another machine needs no GPU on its own."""
    settings = EmbedSettings.model_validate({"accelerator": accelerator, "embed_url": url})

    assert expected is settings.needs_gpu_here()


@pytest.mark.parametrize(("accelerator", "expected"), [("cpu", 8), ("cuda", 64)])
def test_a_gpu_is_given_more_jobs_at_once(monkeypatch: pytest.MonkeyPatch, accelerator: str, expected: int) -> None:
    """Jobs of a batch end together, so that processors, which take seconds for one, are given fewer."""
    monkeypatch.setenv("MK_ACCELERATOR", accelerator)

    assert expected == service.batch_records
