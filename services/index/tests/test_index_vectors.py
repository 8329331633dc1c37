"""Both halves of a write: a real OpenSearch and a real Kafka hold the same of each document, whatever dies."""

import asyncio
import hashlib
import struct
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from medkg_contracts.errors import ConfigurationError, IndexUnavailable, InvalidDocument, KafkaUnavailable
from medkg_contracts.ir import Chunk, Document, IndexReceipt, Provenance, Section, Span
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import EmbeddingModel, Embeddings, SparseModel, SparseVector, SparseVectors
from medkg_index.document_write import document_write
from medkg_index.live_models import LiveModels
from medkg_index.settings import IndexSettings
from medkg_index.stage import OpenSearchIndexStage
from medkg_index.writing import BatchWriter
from medkg_search import SearchServer, TenantNames, ensure_indices

from .stores import PARTITIONS, Death, Died, MortalChangelog, MortalServer, indexed, make_topic, view_of

pytestmark = pytest.mark.integration

MODEL = EmbeddingModel(name="made", revision="1" * 64, dimension=2)
SPARSE = SparseModel(name="sparse", revision="2" * 64)

Job = tuple[Document, list[Chunk], Embeddings | None, SparseVectors | None]


def make(name: str, *texts: str, model: EmbeddingModel | None = MODEL) -> Job:
    """A document with a chunk for each text, and a vector of each, unless there is no model."""
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
    return document, chunks, embeddings, SparseVectors(model=SPARSE, vectors=weights)


def vector_of(text: str) -> bytes:
    return struct.pack("<2f", len(text), ord(text[0]))


def stage_of(opensearch: str, kafka: str) -> OpenSearchIndexStage:
    return OpenSearchIndexStage(IndexSettings(opensearch_url=opensearch, kafka=kafka, MK_INDEX_TIMEOUT_S=10))


async def run(stage: OpenSearchIndexStage, tenant: str, *jobs: Job) -> Sequence[IndexReceipt | Exception]:
    ctx = StageContext(tenant_id=tenant, doc_id="d", job_id="j", correlation_id="c", pipeline="p", digest="0" * 12)
    documents, chunks, embeddings, sparse = zip(*jobs, strict=True)
    return await stage.execute_batch([ctx] * len(jobs), documents, chunks, embeddings, sparse)


@pytest.fixture
async def bootstrap(kafka_bootstrap: str) -> str:
    await make_topic(kafka_bootstrap)
    return kafka_bootstrap


@pytest.fixture
async def server(opensearch_url: str) -> AsyncIterator[SearchServer]:
    one = SearchServer(opensearch_url)
    yield one
    await one.close()


@pytest.fixture
async def tenant(server: SearchServer) -> AsyncIterator[str]:
    name = f"v-{uuid.uuid4().hex[:12]}"
    yield name
    names = TenantNames(name)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}?ignore_unavailable=true")


@pytest.fixture
async def stage(opensearch_url: str, bootstrap: str) -> AsyncIterator[OpenSearchIndexStage]:
    one = stage_of(opensearch_url, bootstrap)
    yield one
    await one.close()


async def test_a_document_is_written_with_all_its_vectors(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Its records, findable at once, and its vectors are the same; a repeat changes neither."""
    job = make("one", "Alpha", "Beta")
    receipts = [await run(stage, tenant, job) for _ in range(2)]
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    expected = IndexReceipt(document_id="test:one", index=TenantNames(tenant).chunks, chunks=2, stale_removed=0)
    assert [[expected], [expected]] == receipts
    assert {("Alpha", True), ("Beta", True)} == {(record["text"], record["vectors"]) for record in found.values()}
    assert {"Alpha": 2.0, "a%2Eb": 1.0} == next(r["sparse"] for r in found.values() if r["text"] == "Alpha")
    assert {record: (one["version"], vector_of(one["text"])) for record, one in found.items()} == view.vectors
    assert found.keys() == view.records("test:one")
    assert 2 == view.visible["test:one"].chunks
    assert dict.fromkeys(range(PARTITIONS), MODEL) == {number: live.model for number, live in view.models.items()}


async def test_a_new_version_leaves_nothing_of_the_old_one(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Neither a record nor a vector, with whatever vectors the versions have."""
    versions = [
        make("one", "Alpha", "Beta"), make("one", "Beta", "Gamma"), make("one", "Beta", model=None),
        make("one"), make("one", "Alpha", "Beta"),
    ]  # fmt: skip
    for job in versions:
        (receipt,) = await run(stage, tenant, job)
        found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)
        with_vectors = set() if job[2] is None else set(found)

        assert isinstance(receipt, IndexReceipt)
        assert {chunk.text for chunk in job[1]} == {record["text"] for record in found.values()}
        assert {view.visible["test:one"].version} >= {record["version"] for record in found.values()}
        assert (with_vectors, with_vectors) == (view.records("test:one"), set(view.vectors))


@pytest.mark.parametrize("when", ["before", "half", "behind"])
async def test_whatever_dies_a_repeat_puts_right(
    server: SearchServer, opensearch_url: str, bootstrap: str, tenant: str, when: str
) -> None:
    """A death at any step leaves one whole version in both stores; the repeat leaves the new one, and nothing else."""
    await ensure_indices(server, tenant)
    stage = stage_of(opensearch_url, bootstrap)
    old = [make(f"d{step}", "Alpha", "Beta", "Gamma", "Delta") for step in range(12)]
    new = [make(f"d{step}", "Gamma", "Delta", "Epsilon", "Zeta") for step in range(12)]
    assert all(isinstance(each, IndexReceipt) for each in await run(stage, tenant, *old))

    deaths = [await dies(opensearch_url, bootstrap, tenant, job, Death(step, when)) for step, job in enumerate(new)]
    after = await view_of(bootstrap, tenant)
    seen = [await whole(server, tenant, job[0].id, after.visible[job[0].id].version) for job in new]
    dense = [after.records(job[0].id) for job in new]
    repeated = await run(stage, tenant, *new)
    view = await view_of(bootstrap, tenant)
    await stage.close()

    assert ([True] * 11 + [False]) == deaths
    texts = [{chunk.text for chunk in job[1]} for job in (old[0], new[0])]
    assert all(set(found.values()) in texts and set(found) == its for found, its in zip(seen, dense, strict=True))
    assert all(isinstance(each, IndexReceipt) for each in repeated)
    for job in new:
        found = await indexed(server, tenant, job[0].id)
        assert {chunk.text for chunk in job[1]} == {record["text"] for record in found.values()}
        assert found.keys() == view.records(job[0].id) == {r for r in view.vectors if r in found}
        assert view.visible[job[0].id] == view.last[job[0].id]
    assert 4 * len(new) == len(view.vectors)


async def dies(opensearch: str, kafka: str, tenant: str, job: Job, death: Death) -> bool:
    """Write the job until death comes; whether it came."""
    server, changelog = MortalServer(opensearch, death), MortalChangelog(kafka, death)
    models = LiveModels(server, changelog)
    try:
        await BatchWriter(server, changelog, models, "false", [document_write(0, tenant, *job)]).write()
    except Died:
        return True
    finally:
        await server.close()
        await changelog.close()
    return False


async def whole(server: SearchServer, tenant: str, document_id: str, version: str) -> dict[str, str]:
    """The texts of the records of this version by their ids: those that searches take for the document."""
    found = await indexed(server, tenant, document_id)
    return {record: one["text"] for record, one in found.items() if one["version"] == version}


async def test_versions_that_are_written_at_once_leave_one(
    server: SearchServer, opensearch_url: str, bootstrap: str, tenant: str
) -> None:
    """Whoever is last, both stores have its version alone, and it is the changelog's last word."""
    jobs = [make("one", "Shared", f"Only {number}") for number in range(3)]
    stages = [stage_of(opensearch_url, bootstrap) for _ in jobs]

    async def until_written(stage: OpenSearchIndexStage, job: Job) -> None:
        while isinstance((await run(stage, tenant, job))[0], IndexUnavailable):
            pass

    await asyncio.gather(*(until_written(one, job) for one, job in zip(stages, jobs, strict=True)))
    for one in stages:
        await one.close()
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    assert {record["text"] for record in found.values()} in [{chunk.text for chunk in job[1]} for job in jobs]
    assert found.keys() == view.records("test:one") == view.vectors.keys()
    assert view.visible["test:one"] == view.last["test:one"]


async def test_vectors_of_another_model_are_refused(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """They could not be compared with those that are there; the error says how to move, and batch mates are written."""
    other = EmbeddingModel(name="other", revision="3" * 64, dimension=2)
    await run(stage, tenant, make("one", "Alpha"))
    refused, good = await run(stage, tenant, make("two", "Beta", model=other), make("three", "Gamma"))
    view = await view_of(bootstrap, tenant)

    assert isinstance(refused, ConfigurationError)
    assert "has vectors of made@111111111111 (2 numbers, normalised); these are of other@333333333333" in str(refused)
    assert f"`medkg index migrate --tenant {tenant} --model other`" in refused.info.remedy
    assert isinstance(good, IndexReceipt)
    assert {} == await indexed(server, tenant, "test:two")
    assert {"test:one", "test:three"} == set(view.visible)


async def test_a_version_that_fails_for_good_is_taken_back_from_both(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Its vectors were written before OpenSearch refused a record; neither they nor its other records stay."""
    await run(stage, tenant, make("one", "Old"))
    document, chunks, embeddings, sparse = make("one", "Half", "Bad")
    bad = (document, [chunks[0], chunks[1].model_copy(update={"ordinal": 2**40})], embeddings, sparse)
    (refused,) = await run(stage, tenant, bad)
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    assert isinstance(refused, InvalidDocument)
    assert ["Old"] == [record["text"] for record in found.values()]
    assert found.keys() == view.records("test:one") == view.vectors.keys()


async def test_without_kafka_only_what_has_vectors_waits(
    server: SearchServer, opensearch_url: str, tenant: str
) -> None:
    """A document without vectors needs no Kafka; one that has some is to be tried again, and nothing of it is seen."""
    stage = stage_of(opensearch_url, "127.0.0.1:1")
    waits, written = await run(stage, tenant, make("one", "Alpha"), make("two", "Beta", model=None))
    await stage.close()

    assert isinstance(waits, KafkaUnavailable)
    assert isinstance(written, IndexReceipt)
    assert {} == await indexed(server, tenant, "test:one")
