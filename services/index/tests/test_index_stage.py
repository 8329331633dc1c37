"""The index stage against a real OpenSearch, and without one."""

import asyncio
import hashlib
import struct
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from medkg_contracts.errors import (
    ConfigurationError,
    IndexMissing,
    IndexUnavailable,
    InvalidDocument,
    InvalidRequest,
    MedkgError,
)
from medkg_contracts.ids import digest
from medkg_contracts.ir import Chunk, Document, IndexReceipt, Provenance, Section, Span
from medkg_contracts.knowledge import Entities, Entity, Extraction, Mention
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import EmbeddingModel, Embeddings, SparseModel, SparseVector, SparseVectors
from medkg_index import app
from medkg_index.document_write import Given, document_write
from medkg_index.settings import IndexSettings
from medkg_index.stage import OpenSearchIndexStage
from medkg_search import ChunkSearch, SearchFilters, SearchServer, TenantNames, chunk_source, ensure_indices

MODEL = EmbeddingModel(name="made", revision="1" * 64, dimension=2)

# Eligibility criteria of ClinicalTrials.gov studies NCT02643888, NCT05923112 and NCT02560883 (US government, public).
ELIGIBILITY = {
    "NCT02643888": "Inclusion Criteria:\n\n* Established diagnosis of Ph-positive leukemia\n\n"
    "Exclusion Criteria:\n\n* no",
    "NCT05923112": "Inclusion Criteria:\n\n* All patients prescribed BESPONSA\n\nExclusion Criteria:\n\n* None",
    "NCT02560883": "Inclusion:\n\n* Patients with classic hairy cell leukemia",
}


def make(number: str = "NCT02643888", text: str | None = None) -> tuple[Document, list[Chunk]]:
    """A document with one section, and a chunk for each of its lines that is not blank."""
    body = ELIGIBILITY[number] if text is None else text
    provenance = Provenance(
        source="ctgov", source_id=number, uri=f"https://x.test/{number}", sha256=hashlib.sha256().hexdigest()
    )
    section = Section(id="s1", type="eligibility", title="Eligibility", text=body, provenance=provenance)
    document = Document(
        id=f"ctgov:{number}", source="ctgov", title=f"Study {number}", sections=[section], provenance=provenance
    )
    return document, [line_chunk(document, ordinal, line) for ordinal, line in enumerate(body.split("\n")) if line]


def line_chunk(document: Document, ordinal: int, text: str) -> Chunk:
    start = document.text.index(text)
    return Chunk(
        id=digest(document.id, text)[:32],
        document_id=document.id,
        document_title=document.title,
        source=document.source,
        section_id="s1",
        section_type="eligibility",
        section_title="Eligibility",
        ordinal=ordinal,
        text=text,
        span=Span(start=start, end=start + len(text)),
        token_count=len(text.split()),
    )


REQUEST = JobRequest(source="ctgov", id="NCT02643888")


def context(tenant: str) -> StageContext:
    return StageContext(tenant_id=tenant, doc_id="d", job_id="j-1", correlation_id="c-1", pipeline="p", digest="0" * 12)


def stage_of(url: str) -> OpenSearchIndexStage:
    return OpenSearchIndexStage(IndexSettings(opensearch_url=url, MK_INDEX_REFRESH="true", MK_INDEX_TIMEOUT_S=10))


async def run(
    stage: OpenSearchIndexStage,
    *jobs: tuple[str, tuple[Document, list[Chunk]]],
    entities: Entities | None = None,
) -> Sequence[IndexReceipt | Exception]:
    """What becomes of the jobs; without the order of a version, which no test knows before."""
    results = await run_ordered(stage, *jobs, entities=entities)
    return [one.model_copy(update={"order": 0}) if isinstance(one, IndexReceipt) else one for one in results]


async def run_ordered(
    stage: OpenSearchIndexStage,
    *jobs: tuple[str, tuple[Document, list[Chunk]]],
    entities: Entities | None = None,
) -> Sequence[IndexReceipt | Exception]:
    return await stage.execute_batch(
        [context(tenant) for tenant, _ in jobs],
        [job[0] for _, job in jobs],
        [job[1] for _, job in jobs],
        [None] * len(jobs),
        [None] * len(jobs),
        [entities] * len(jobs),
        [REQUEST] * len(jobs),
    )


def entities_of(document: Document, named: str, *about: str) -> Entities:
    """What is found in a document whose text names a thing in its first word, and is about others."""
    node = Entity(id="CLINICALTRIALS:x", category="biolink:ClinicalTrial", name=document.title)
    first = document.text.split()[0]
    mention = Mention(
        entity=named, category="biolink:Disease", text=first, span=Span(start=0, end=len(first)), section_id="s1",
        recogniser="dictionary",
    )  # fmt: skip
    made = Extraction(version="1")
    return Entities(
        document_id=document.id, document=node, entities=(), about=about, mentions=(mention,), extraction=made
    )


def receipt(tenant: str, job: tuple[Document, list[Chunk]], stale: int = 0) -> IndexReceipt:
    return IndexReceipt(document_id=job[0].id, index=f"medkg-{tenant}-chunks", chunks=len(job[1]), stale_removed=stale)


@pytest.fixture
async def server(opensearch_url: str) -> AsyncIterator[SearchServer]:
    one = SearchServer(opensearch_url)
    yield one
    await one.close()


@pytest.fixture
async def stage(opensearch_url: str) -> AsyncIterator[OpenSearchIndexStage]:
    one = stage_of(opensearch_url)
    yield one
    await one.close()


@pytest.fixture
async def tenants(server: SearchServer) -> AsyncIterator[list[str]]:
    made = [f"i-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    yield made
    for tenant in made:
        names = TenantNames(tenant)
        await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}?ignore_unavailable=true")


@pytest.fixture
def tenant(tenants: list[str]) -> str:
    return tenants[0]


async def texts(server: SearchServer, tenant: str, number: str = "NCT02643888") -> list[str]:
    """The texts of a document's chunks in the index, in their order."""
    names = TenantNames(tenant)
    answer = await server.call(
        "POST",
        f"/{names.chunks}/_search",
        body={"size": 100, "query": {"term": {"document_id": f"ctgov:{number}"}}, "sort": ["ordinal", "chunk_id"]},
    )
    return [hit["_source"]["text"] for hit in answer["hits"]["hits"]]


@pytest.mark.integration
async def test_a_batch_of_two_tenants_is_written(
    stage: OpenSearchIndexStage, server: SearchServer, tenants: list[str]
) -> None:
    """Each job gets its receipt in its place, and each tenant finds its own chunks and no others."""
    jobs = [(tenants[0], make()), (tenants[1], make("NCT05923112")), (tenants[0], make("NCT02560883"))]
    assert [receipt(*job) for job in jobs] == await run(stage, *jobs)
    search = ChunkSearch(server)
    assert [6, 4] == [await search.count(one) for one in tenants]
    found = await search.search("leukemia", tenants[0])
    assert {"ctgov:NCT02643888", "ctgov:NCT02560883"} == {hit.chunk.document_id for hit in found.hits}


@pytest.mark.integration
async def test_writing_twice_is_writing_once(stage: OpenSearchIndexStage, server: SearchServer, tenant: str) -> None:
    """A repeat gives the same receipt and leaves the same chunks."""
    job = make()
    assert [[receipt(tenant, job)], [receipt(tenant, job)]] == [await run(stage, (tenant, job)) for _ in range(2)]
    assert [chunk.text for chunk in job[1]] == await texts(server, tenant)


@pytest.mark.integration
async def test_a_receipt_has_the_order_in_which_versions_are_seen(stage: OpenSearchIndexStage, tenant: str) -> None:
    """A repeat has the same, another version a higher one, and the first content after that yet a higher one."""
    one, other = (tenant, make(text="One.")), (tenant, make(text="Other."))
    receipts = [(await run_ordered(stage, job))[0] for job in (one, one, other, one)]
    orders = [each.order for each in receipts if isinstance(each, IndexReceipt)]

    assert [0, 0, 1, 2] == [sorted(set(orders)).index(order) for order in orders]
    assert 0 < orders[0]


@pytest.mark.integration
async def test_a_new_version_replaces_the_old(opensearch_url: str, server: SearchServer, tenant: str) -> None:
    """The records of the version before go at once, although no search could see them yet."""
    stage = OpenSearchIndexStage(IndexSettings(opensearch_url=opensearch_url))
    old, new, other = make(text="One.\nTwo.\nThree."), make(text="Two.\nFour."), make("NCT02560883")
    await run(stage, (tenant, old), (tenant, other))
    assert [receipt(tenant, new, stale=3)] == await run(stage, (tenant, new))
    await stage.close()
    await server.call("POST", f"/{TenantNames(tenant).chunks}/_refresh")
    assert ["Two.", "Four."] == await texts(server, tenant)
    assert [chunk.text for chunk in other[1]] == await texts(server, tenant, "NCT02560883")


@pytest.mark.integration
async def test_a_document_without_chunks_leaves_none(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """No chunks is a valid result: it removes those that were there, and is nothing when there were none."""
    empty = make(text="")
    assert [receipt(tenant, empty)] == await run(stage, (tenant, empty))
    await run(stage, (tenant, make()))
    assert [receipt(tenant, empty, stale=4)] == await run(stage, (tenant, empty))
    assert [] == await texts(server, tenant)


@pytest.mark.integration
async def test_two_versions_in_one_batch_leave_the_later(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """A document that occurs twice in a batch is written in the batch's order."""
    old, new = make(text="One.\nTwo."), make(text="Two.\nThree.")
    results = await run(stage, (tenant, old), (tenant, new))
    assert [receipt(tenant, old), receipt(tenant, new, stale=2)] == results
    assert ["Two.", "Three."] == await texts(server, tenant)


@pytest.mark.integration
async def test_concurrent_versions_never_mix_or_vanish(opensearch_url: str, server: SearchServer, tenant: str) -> None:
    """Stages that write different versions at once, each retried until it succeeds, leave exactly one version."""
    versions = [make(text=f"Shared.\nOnly {n}.") for n in range(4)]
    stages = [stage_of(opensearch_url) for _ in versions]

    async def until_written(stage: OpenSearchIndexStage, job: tuple[Document, list[Chunk]]) -> None:
        while isinstance((await run(stage, (tenant, job)))[0], IndexUnavailable):
            pass

    await asyncio.gather(*(until_written(one, job) for one, job in zip(stages, versions, strict=True)))
    for one in stages:
        await one.close()
    assert await texts(server, tenant) in [[chunk.text for chunk in chunks] for _, chunks in versions]


@pytest.mark.integration
async def test_a_bad_chunk_fails_its_own_job_only(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """What the mapping refuses is an invalid document with the reason; batch mates are written."""
    document, chunks = make("NCT05923112")
    bad = (document, [*chunks[:-1], chunks[-1].model_copy(update={"ordinal": 2**40})])
    good = make()
    results = await run(stage, (tenant, bad), (tenant, good))
    assert isinstance(results[0], InvalidDocument)
    assert "failed to parse field [ordinal]" in str(results[0])
    assert receipt(tenant, good) == results[1]
    assert [chunk.text for chunk in good[1]] == await texts(server, tenant)


@pytest.mark.integration
async def test_a_version_that_fails_for_good_leaves_nothing(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """What of it was written is taken back, the earlier version stays, and the next one is written as ever."""
    await run(stage, (tenant, make(text="Old.")))
    document, chunks = make(text="Half.\nBad.")
    results = await run(stage, (tenant, (document, [chunks[0], chunks[1].model_copy(update={"ordinal": 2**40})])))
    left = await texts(server, tenant)
    new = make(text="New.")

    assert [InvalidDocument] == [type(result) for result in results]
    assert ["Old."] == left
    assert [receipt(tenant, new, stale=1)] == await run(stage, (tenant, new))
    assert ["New."] == await texts(server, tenant)


@pytest.mark.integration
async def test_what_an_earlier_release_wrote_is_replaced(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """Records under their chunks' ids, which a manifest without versions lists, go with the document's next version."""
    document, chunks = make(text="One.\nTwo.")
    names = TenantNames(tenant)
    await ensure_indices(server, tenant)
    for chunk in chunks:
        path = f"/{names.chunks}/_doc/{chunk.id}"
        await server.call("PUT", path, params={"refresh": "true"}, body=chunk_source(chunk))
    manifest = {"document_id": document.id, "chunk_ids": [chunk.id for chunk in chunks]}
    await server.call("PUT", f"/{names.documents}/_doc/{digest(document.id)[:32]}", body=manifest)
    job = (document, chunks[:1])

    assert [receipt(tenant, job, stale=2)] == await run(stage, (tenant, job))
    assert ["One."] == await texts(server, tenant)


@pytest.mark.integration
async def test_a_blocked_index_fails_its_own_tenant_only(
    stage: OpenSearchIndexStage, server: SearchServer, tenants: list[str]
) -> None:
    """A full disk's block (429) on one tenant's index makes that tenant's job retryable; others are written."""
    jobs = [(tenants[0], make()), (tenants[1], make())]
    await run(stage, *jobs)
    index = TenantNames(tenants[0]).chunks_index
    await server.call("PUT", f"/{index}/_settings", body={"index.blocks.read_only_allow_delete": True})
    jobs = [(each, make(text="Inclusion Criteria:\n\n* Another version")) for each in tenants]
    results = await run(stage, *jobs)
    assert isinstance(results[0], IndexUnavailable)
    assert receipt(*jobs[1], stale=4) == results[1]
    await server.call("PUT", f"/{index}/_settings", body={"index.blocks.read_only_allow_delete": None})
    assert [receipt(*jobs[0], stale=4)] == await run(stage, jobs[0])


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["chunks", "documents"])
async def test_a_closed_index_is_waited_for(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str, kind: str
) -> None:
    """While an operator has closed an index its jobs are to be tried again, and the document is not to blame."""
    job = make()
    await run(stage, (tenant, job))
    index = {"chunks": TenantNames(tenant).chunks_index, "documents": TenantNames(tenant).documents_index}[kind]
    await server.call("POST", f"/{index}/_close")
    (error,) = await run(stage, (tenant, job))
    await server.call("POST", f"/{index}/_open", params={"wait_for_active_shards": "1"})

    assert isinstance(error, IndexUnavailable)
    assert f"[{index}]: closed" in str(error)
    assert "_open" in error.info.remedy
    assert [receipt(tenant, job)] == await run(stage, (tenant, job))


@pytest.mark.integration
async def test_a_block_on_new_indices_is_waited_for(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """While the cluster takes no new index a new tenant's jobs are to be tried again; then they are written."""
    job = make()
    block = "cluster.blocks.create_index"
    await server.call("PUT", "/_cluster/settings", body={"persistent": {block: "true"}})
    try:
        (error,) = await run(stage, (tenant, job))
    finally:
        await server.call("PUT", "/_cluster/settings", body={"persistent": {block: None}})

    assert isinstance(error, IndexUnavailable)
    assert "Lift the block" in error.info.remedy
    assert [receipt(tenant, job)] == await run(stage, (tenant, job))


@pytest.mark.integration
async def test_an_index_whose_shards_are_away_fails_its_own_tenant_only(
    opensearch_url: str, server: SearchServer, tenants: list[str]
) -> None:
    """What is written beside records whose shard is lost is written, and the lost shard is named in time."""
    settings = IndexSettings(opensearch_url=opensearch_url, MK_INDEX_REFRESH="true", MK_INDEX_TIMEOUT_S=4)
    stage = OpenSearchIndexStage(settings)
    jobs = [(tenants[0], make()), (tenants[1], make())]
    await run(stage, *jobs)
    names = TenantNames(tenants[0])
    await server.call("DELETE", f"/{names.chunks_index}")
    nowhere = {"index.routing.allocation.require._name": "nobody", "number_of_replicas": 0}
    body = {"settings": nowhere, "aliases": {names.chunks: {}}}
    await server.call("PUT", f"/{names.chunks_index}", params={"wait_for_active_shards": "0"}, body=body)
    lost, written = await run(stage, *jobs)
    await stage.close()

    assert isinstance(lost, IndexUnavailable)
    assert "unavailable_shards_exception" in str(lost)
    assert receipt(*jobs[1]) == written


@pytest.mark.integration
async def test_an_index_of_another_mapping_is_not_the_documents_fault(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """An index that somebody else made, with other types or too few fields, is a setting to correct."""
    job, names = make(), TenantNames(tenant)
    await run(stage, (tenant, job))
    errors = []
    for mapping in (
        {"properties": {"text": {"type": "date"}}},
        {"dynamic": "strict", "properties": {"text": {"type": "text"}}},
    ):
        await server.call("DELETE", f"/{names.chunks_index}")
        body = {"settings": {"number_of_replicas": 0}, "mappings": mapping, "aliases": {names.chunks: {}}}
        await server.call("PUT", f"/{names.chunks_index}", body=body)
        errors += await run(stage, (tenant, job))

    assert [ConfigurationError, ConfigurationError] == [type(error) for error in errors]


@pytest.mark.integration
async def test_a_deleted_index_is_made_again(stage: OpenSearchIndexStage, server: SearchServer, tenant: str) -> None:
    """When somebody deletes the indices under a running stage, one retryable error later all is well."""
    job = make()
    await run(stage, (tenant, job))
    names = TenantNames(tenant)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}")
    assert isinstance((await run(stage, (tenant, job)))[0], IndexMissing)
    assert [receipt(tenant, job)] == await run(stage, (tenant, job))
    assert [chunk.text for chunk in job[1]] == await texts(server, tenant)


@pytest.mark.integration
async def test_a_record_has_its_documents_facets(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """What the source says of a document chooses its chunks, and its acronym finds it."""
    document, chunks = make()
    metadata = {"status": "COMPLETED", "phases": ["PHASE3"], "start_date": "2015-04", "acronym": "PARAGON-HF"}
    await run(stage, (tenant, (document.model_copy(update={"metadata": metadata}), chunks)))
    queries = ("status:completed phase:3 date:2015", "paragon-hf", "status:recruiting")
    totals = [(await ChunkSearch(server).search(query, tenant)).total for query in queries]

    assert [len(chunks), len(chunks), 0] == totals


@pytest.mark.integration
async def test_records_have_the_entities_that_were_found_last(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """A document in which other things are found is another version, though nothing else of it has changed."""
    document, chunks = make()
    receipts, fields = [], []
    for named in ("MESH:D000001", "MESH:D000002"):
        entities = entities_of(document, named, "MESH:D000009")
        receipts += await run(stage, (tenant, (document, chunks)), entities=entities)
        body = {"sort": ["ordinal"], "_source": ["named", "entities"]}
        answer = await server.call("POST", f"/{TenantNames(tenant).chunks}/_search", body=body)
        fields.append([hit["_source"] for hit in answer["hits"]["hits"]])

    about = {"entities": ["MESH:D000009"]}
    assert [0, len(chunks)] == [receipt.stale_removed for receipt in receipts]
    assert [
        [{"named": [named], "entities": [named, "MESH:D000009"]}, *[about] * (len(chunks) - 1)]
        for named in ("MESH:D000001", "MESH:D000002")
    ] == fields


@pytest.mark.integration
async def test_a_large_batch_is_split(stage: OpenSearchIndexStage, server: SearchServer, tenant: str) -> None:
    """More than 1 MiB of chunks goes in several requests and is written whole."""
    text = "\n".join(f"line {number} " + "leukemia " * 1000 for number in range(160))
    job = make(text=text)
    assert [receipt(tenant, job)] == await run(stage, (tenant, job))
    assert 160 == await ChunkSearch(server).count(tenant, SearchFilters(document_id=(job[0].id,)))


@pytest.mark.integration
async def test_a_wrong_job_fails_alone(stage: OpenSearchIndexStage, tenant: str) -> None:
    """A tenant that is no name, or a chunk of another document, fails its own job before anything is written."""
    good = make()
    results = await run(stage, ("*", good), (tenant, (good[0], make("NCT02560883")[1])), (tenant, good))
    assert [InvalidRequest, InvalidDocument, IndexReceipt] == [type(one) for one in results]


@pytest.mark.integration
@pytest.mark.parametrize("chunk_id", ["", "é" * 257])
async def test_any_id_of_a_chunk_can_be_written(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str, chunk_id: str
) -> None:
    """OpenSearch would refuse a whole request for one such id; a record has an id of its own."""
    document, chunks = make("NCT02560883")
    job = (document, [chunks[0].model_copy(update={"id": chunk_id}), *chunks[1:]])

    assert [receipt(tenant, job)] == await run(stage, (tenant, job))
    assert [chunk.text for chunk in chunks] == await texts(server, tenant, "NCT02560883")


@pytest.mark.parametrize("artifact", ["embeddings", "sparse_vectors"])
async def test_vectors_of_other_chunks_are_refused(artifact: str) -> None:
    """A chunk without its vector, or a vector without its chunk, fails the job before anything is written."""
    document, chunks = make()
    vectors = {
        "embeddings": Embeddings(MODEL, (chunks[0].id, "other"), bytes(2 * 4 * MODEL.dimension)),
        "sparse_vectors": SparseVectors(
            model=SparseModel(name="s", revision="0" * 64),
            vectors=[SparseVector(chunk_id=one, weights={}) for one in (chunks[0].id, "other")],
        ),
    }
    stage = stage_of("http://127.0.0.1:1")
    given = {name: [vectors[name] if name == artifact else None] for name in vectors}
    results = await stage.execute_batch(
        [context("a")], [document], [chunks], **given, entities=[None], request=[REQUEST]
    )
    await stage.close()

    assert [InvalidDocument] == [type(result) for result in results]
    assert f"{artifact} of 'ctgov:NCT02643888' lack 3 of its 4 chunks and have 1" in str(results[0])


async def test_a_vector_that_no_search_can_use_is_refused() -> None:
    """A number that is none would be left out by every search node, so that the document would be seen in part."""
    document, chunks = make()
    rows = struct.pack("<8f", *[1.0] * 7, float("nan"))
    stage = stage_of("http://127.0.0.1:1")
    embeddings = Embeddings(MODEL, tuple(chunk.id for chunk in chunks), rows)
    (result,) = await stage.execute_batch([context("a")], [document], [chunks], [embeddings], [None], [None], [REQUEST])
    await stage.close()

    assert isinstance(result, InvalidDocument)
    assert f"the vector of chunk '{chunks[3].id}' has a number that is not finite" in str(result)


async def test_entities_of_another_document_are_refused() -> None:
    """Nothing is written of a document with what was found in another one."""
    (document, chunks), (other, _) = make(), make("NCT02560883")
    stage = stage_of("http://127.0.0.1:1")
    (result,) = await run(stage, ("a", (document, chunks)), entities=entities_of(other, "MESH:D000001"))
    await stage.close()

    assert isinstance(result, InvalidDocument)
    assert "the entities are of document 'ctgov:NCT02560883', not of 'ctgov:NCT02643888'" == str(result)


def test_what_is_found_by_other_means_is_no_other_version() -> None:
    """A version is what is written: the same entities by another extractor, or none, change nothing of it."""
    document, chunks = make()
    found = entities_of(document, "MESH:D000001")
    given = [
        None,
        found.model_copy(update={"mentions": ()}),
        found,
        found.model_copy(update={"extraction": Extraction(version="2")}),
    ]
    contents = [document_write(0, "a", Given(document, chunks, None, None, each)).content for each in given]

    assert [contents[0], contents[0], contents[2], contents[2]] == contents
    assert contents[0] != contents[2]


async def test_without_a_server_every_job_is_retryable() -> None:
    """A server that does not answer gives each job a retryable error, never an exception."""
    stage = stage_of("http://127.0.0.1:1")
    results = await run(stage, ("a", make()), ("b", make()))
    await stage.close()
    assert [True, True] == [isinstance(one, MedkgError) and one.retryable for one in results]


async def test_an_empty_batch_gives_nothing() -> None:
    """No jobs, no requests, no results."""
    stage = stage_of("http://127.0.0.1:1")
    assert [] == await run(stage)
    await stage.close()


def test_the_environment_sets_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage's own settings and the shared ones are read from MK_ variables."""
    monkeypatch.setenv("MK_INDEX_REFRESH", "wait_for")
    monkeypatch.setenv("MK_OPENSEARCH_URL", "http://search.test:9200")
    settings = IndexSettings()
    assert ("wait_for", "http://search.test:9200") == (settings.refresh, settings.opensearch_url)


def test_the_service_takes_batches_and_gives_receipts() -> None:
    """The wired service has the inputs and outputs of an index stage, and is never skipped as already done."""
    binding = app.service.bind()
    inputs = ["document", "chunks", "embeddings", "sparse_vectors", "entities"]

    assert (inputs, ["index_receipt"]) == (list(binding.inputs), list(binding.outputs))
    assert (True, False) == (binding.batched, binding.pure)
