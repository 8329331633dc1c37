"""Searches against a real OpenSearch, and what happens without one."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from medkg_contracts.errors import ConfigurationError, IndexMissing, IndexUnavailable, InvalidRequest, MedkgError
from medkg_contracts.ir import Chunk, SectionType, Span
from medkg_search import (
    ChunkSearch,
    Reindexed,
    SearchFilters,
    SearchServer,
    TenantNames,
    chunk_source,
    ensure_indices,
    feature_name,
    feature_weights,
    reindex_chunks,
)
from medkg_search.analysis import SETTINGS
from medkg_search.mapping import CHUNKS


@pytest.fixture
async def server(opensearch_url: str) -> AsyncIterator[SearchServer]:
    one = SearchServer(opensearch_url)
    yield one
    await one.close()


@pytest.fixture
async def tenant(server: SearchServer) -> AsyncIterator[str]:
    name = f"t-{uuid.uuid4().hex[:12]}"
    yield name
    names = TenantNames(name)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}?ignore_unavailable=true")


def chunk(number: int, text: str, *, title: str = "A study", section: SectionType = "eligibility") -> Chunk:
    return Chunk(
        id=f"{number:032x}",
        document_id=f"ctgov:NCT{number}",
        document_title=title,
        source="ctgov",
        section_id="s1",
        section_type=section,
        section_title="Eligibility",
        ordinal=0,
        text=text,
        span=Span(start=0, end=len(text)),
        token_count=1,
    )


async def write(server: SearchServer, tenant: str, *chunks: Chunk) -> None:
    await ensure_indices(server, tenant)
    lines = b"".join(
        orjson.dumps({"index": {"_index": TenantNames(tenant).chunks, "_id": one.id}})
        + b"\n"
        + orjson.dumps(chunk_source(one))
        + b"\n"
        for one in chunks
    )
    answer = await server.call("POST", "/_bulk", params={"refresh": "true"}, body=lines)
    assert not answer["errors"]


@pytest.mark.integration
async def test_many_may_make_the_indices_at_once(server: SearchServer, tenant: str) -> None:
    """Ten at the same time, and once more afterwards, all succeed and make one index behind the alias."""
    await asyncio.gather(*(ensure_indices(server, tenant) for _ in range(10)))
    await ensure_indices(server, tenant)
    names = TenantNames(tenant)
    assert [names.chunks_index] == list(await server.call("GET", f"/_alias/{names.chunks}"))


@pytest.mark.integration
async def test_a_lost_alias_is_put_back(server: SearchServer, tenant: str) -> None:
    """An index whose alias was removed gets it again."""
    names = TenantNames(tenant)
    await ensure_indices(server, tenant)
    await server.call("DELETE", f"/{names.chunks_index}/_alias/{names.chunks}")
    await ensure_indices(server, tenant)
    assert [names.chunks_index] == list(await server.call("GET", f"/_alias/{names.chunks}"))


@pytest.mark.integration
async def test_an_index_has_the_shards_that_were_asked_for(server: SearchServer, tenant: str) -> None:
    """Shards and replicas are settings."""
    await ensure_indices(server, tenant, shards=2, replicas=0)
    index = TenantNames(tenant).chunks_index
    found = (await server.call("GET", f"/{index}/_settings"))[index]["settings"]["index"]
    assert ("2", "0") == (found["number_of_shards"], found["number_of_replicas"])


@pytest.mark.integration
async def test_an_impossible_index_is_a_configuration_error(server: SearchServer, tenant: str) -> None:
    """What OpenSearch refuses for good is not retried."""
    with pytest.raises(ConfigurationError, match="number_of_shards"):
        await ensure_indices(server, tenant, shards=0)


@pytest.mark.integration
async def test_a_hit_comes_back_whole_with_a_snippet(server: SearchServer, tenant: str) -> None:
    """A hit has the chunk as it was written and a snippet with what matched; English word forms match."""
    wanted = chunk(1, "Adults with relapsed leukemia & fever <38.")
    await write(server, tenant, wanted, chunk(2, "Healthy volunteers only."))
    page = await ChunkSearch(server).search("relapse", tenant)
    assert [wanted] == [hit.chunk for hit in page.hits]
    assert ["Adults with <em>relapsed</em> leukemia &amp; fever &lt;38."] == page.hits[0].snippets


@pytest.mark.integration
async def test_a_sparse_vector_is_found_by_any_of_its_terms(server: SearchServer, tenant: str) -> None:
    """Whatever a vocabulary has for terms, dots and spaces too, is written as a feature and found as one."""
    terms = [".", "..", "a.b", ".a", "%2E", "##ing", "β", "a b", "[SEP]", "*", "/", '"', "\x00"]
    weights = feature_weights({term: 0.5 + number for number, term in enumerate(terms)} | {"": 1.0, "tiny": 1e-40})
    await ensure_indices(server, tenant)
    record = chunk_source(chunk(1, "asthma")) | {"version": "v", "vectors": False, "sparse": weights}
    alias = TenantNames(tenant).chunks
    await server.call("PUT", f"/{alias}/_doc/1", params={"refresh": "true"}, body=record)

    found = [
        (await server.call("POST", f"/{alias}/_search", body={"query": {"rank_feature": body}}))["hits"]["hits"]
        for body in ({"field": f"sparse.{feature_name(term)}", "linear": {}} for term in terms)
    ]
    assert [pytest.approx(0.5 + number, rel=0.01) for number in range(len(terms))] == [
        hit["_score"] for hits in found for hit in hits
    ]


@pytest.mark.integration
async def test_an_index_of_this_analysis_is_given_the_fields_that_it_lacks(server: SearchServer, tenant: str) -> None:
    """What exists already is extended in place, with all its records."""
    index, alias = TenantNames(tenant).chunks_index, TenantNames(tenant).chunks
    added = {"version", "vectors", "sparse", "coherence"}
    earlier = {name: field for name, field in CHUNKS["properties"].items() if name not in added}
    body = {"settings": SETTINGS, "mappings": {"dynamic": "strict", "properties": earlier}, "aliases": {alias: {}}}
    await server.call("PUT", f"/{index}", body=body)
    await server.call("PUT", f"/{index}/_doc/1", params={"refresh": "true"}, body=chunk_source(chunk(1, "asthma")))
    await ensure_indices(server, tenant)

    found = (await server.call("GET", f"/{alias}/_mapping"))[index]["mappings"]
    assert ("strict", set(CHUNKS["properties"])) == (found["dynamic"], set(found["properties"]))
    assert 1 == await ChunkSearch(server).count(tenant)


@pytest.mark.integration
async def test_an_index_that_cannot_be_extended_is_refused(server: SearchServer, tenant: str) -> None:
    """A field of another type is named with what to do, before anything is written."""
    names = TenantNames(tenant)
    body = {"settings": SETTINGS, "mappings": {"properties": {"version": {"type": "long"}}}}
    await server.call("PUT", f"/{names.chunks_index}", body=body | {"aliases": {names.chunks: {}}})

    with pytest.raises(ConfigurationError, match=r"version.* cannot be changed from type \[long\]") as caught:
        await ensure_indices(server, tenant)
    assert f"GET /_alias/{names.chunks}" in caught.value.info.remedy


#: A chunk, as version 1 of the index had it.
EARLIER: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        **{name: {"type": "keyword"} for name in ("chunk_id", "document_id", "source", "section_id", "section_type")},
        **{name: {"type": "text", "analyzer": "english"} for name in ("document_title", "section_title", "text")},
        **{name: {"type": "integer"} for name in ("ordinal", "token_count")},
        "span": {"properties": {"start": {"type": "integer"}, "end": {"type": "integer"}}},
    },
}


@pytest.mark.integration
async def test_an_earlier_releases_index_is_searched_refused_to_writers_and_copied(
    server: SearchServer, tenant: str
) -> None:
    """An index of version 1 is still searched; a writer is told how it is brought to version 2, which keeps all."""
    names, search = TenantNames(tenant), ChunkSearch(server)
    before = f"{names.chunks}-v1"
    await server.call("PUT", f"/{before}", body={"mappings": EARLIER, "aliases": {names.chunks: {}}})
    record = {**chunk(1, "Given IL-6 inhibitors").model_dump(mode="json", exclude={"id"}), "chunk_id": "c"}
    await server.call("PUT", f"/{before}/_doc/1", params={"refresh": "true"}, body=record)
    found_before = (await search.search("inhibitor", tenant)).total
    with pytest.raises(ConfigurationError) as refused:
        await ensure_indices(server, tenant)
    done = await reindex_chunks(server, tenant)
    again = await reindex_chunks(server, tenant)
    await ensure_indices(server, tenant)
    found = [(await search.search(query, tenant)).total for query in ("inhibitors", "il6", "nct1")]
    await server.call("DELETE", f"/{before}")

    assert 1 == found_before
    assert "`medkg index reindex`" in refused.value.info.remedy
    assert Reindexed(names.chunks_index, before, 1) == done
    assert Reindexed(names.chunks_index, names.chunks_index, 0) == again
    assert [1, 1, 1] == found


@pytest.mark.integration
async def test_nothing_to_copy_is_told(server: SearchServer, tenant: str) -> None:
    """A tenant without an index is told so, and gets none."""
    with pytest.raises(IndexMissing, match="nothing of it was indexed yet"):
        await reindex_chunks(server, tenant)


@pytest.mark.integration
async def test_a_snippet_is_bounded(server: SearchServer, tenant: str) -> None:
    """A long text gives three short passages, whatever it holds."""
    await write(server, tenant, chunk(1, "asthma " * 20_000), chunk(2, "x" + " " * 200_000 + "asthma"))
    page = await ChunkSearch(server).search("asthma", tenant)
    assert 2 == page.total
    assert all(len(hit.snippets) <= 3 for hit in page.hits)
    assert all(len(s.replace("<em>", "").replace("</em>", "")) < 400 for hit in page.hits for s in hit.snippets)


@pytest.mark.integration
async def test_a_title_weighs_more_than_the_text(server: SearchServer, tenant: str) -> None:
    """A match in the document's title comes first, and its snippet is the text's beginning."""
    await write(server, tenant, chunk(1, "One word on lupus here."), chunk(2, "Other words here.", title="Lupus"))
    page = await ChunkSearch(server).search("lupus", tenant)
    assert ["ctgov:NCT2", "ctgov:NCT1"] == [hit.chunk.document_id for hit in page.hits]
    assert ["Other words here."] == page.hits[0].snippets


@pytest.mark.integration
async def test_a_compound_finds_where_its_parts_stand_together(server: SearchServer, tenant: str) -> None:
    """A word with hyphens or slashes finds the text that has it before those that have its parts, even in a title."""
    padding = "Adults with the condition are followed until the end of the trial and seen every week. " * 5
    parts = [
        chunk(1, "A paradigm of HF care, HF being a paradigm.", title="HF: a paradigm"),
        chunk(2, "COU at site 301, 301 of AA, AA and COU.", title="AA 301, COU"),
        chunk(3, "BRCA1 in 2 cases, 2 of them BRCA1.", title="BRCA1 in 2"),
    ]
    wholes = [
        chunk(4, f"{padding}PARADIGM-HF. {padding}"),
        chunk(5, f"{padding}(COU-AA-301) {padding}"),
        chunk(6, f"{padding}BRCA1/2. {padding}"),
    ]
    await write(server, tenant, *(one.model_copy(update={"text": one.text * 2}) for one in parts), *wholes)
    search = ChunkSearch(server)
    found = [
        (await search.search(query, tenant)).hits[0].chunk.document_id
        for query in ("PARADIGM-HF", "cou-aa-301", "brca1/2 trial")
    ]

    assert ["ctgov:NCT4", "ctgov:NCT5", "ctgov:NCT6"] == found


@pytest.mark.integration
async def test_an_identifier_finds_the_document_that_has_it(server: SearchServer, tenant: str) -> None:
    """A study's own id finds the study before one that cites it, in however few words."""
    owner = chunk(2643888, f"Sites of the study. {'Berlin, Germany. ' * 50}", section="locations")
    cites = chunk(1, "Extension of ctgov:NCT2643888, NCT2643888", section="references")
    await write(server, tenant, cites, owner)
    found = [
        [hit.chunk.document_id for hit in (await ChunkSearch(server).search(query, tenant)).hits]
        for query in ("nct2643888", "NCT2643888", "extension of NCT2643888")
    ]

    assert [["ctgov:NCT2643888", "ctgov:NCT1"]] * 3 == found


@pytest.mark.integration
async def test_a_record_of_somebody_else_is_named(server: SearchServer, tenant: str) -> None:
    """A record in the index that is no chunk is a thing to correct there, no bug of the search."""
    await write(server, tenant, chunk(1, "asthma"))
    index = TenantNames(tenant).chunks_index
    await server.call("PUT", f"/{index}/_doc/foreign", params={"refresh": "true"}, body={"text": "gout"})

    with pytest.raises(ConfigurationError, match=f"record foreign of index {index} is no chunk: "):
        await ChunkSearch(server).search("gout", tenant)


@pytest.mark.integration
async def test_pages_cover_all_hits_once(server: SearchServer, tenant: str) -> None:
    """Following the cursor visits every hit once, equal scores included, and the last page has no cursor."""
    await write(server, tenant, *(chunk(n, "diabetes") for n in range(7)), chunk(9, "diabetes diabetes mellitus"))
    search = ChunkSearch(server)
    found: list[str] = []
    cursor = None
    for _ in range(4):
        page = await search.search("diabetes", tenant, size=2, cursor=cursor)
        found += [hit.chunk.document_id for hit in page.hits]
        cursor = page.cursor
    assert cursor is None
    assert [8, 8] == [len(found), len(set(found))]


@pytest.mark.integration
async def test_filters_narrow_a_search_and_a_count(server: SearchServer, tenant: str) -> None:
    """Filters by document, source and section type apply to searches and counts."""
    await write(server, tenant, chunk(1, "asthma"), chunk(2, "asthma", section="summary"), chunk(3, "asthma"))
    search = ChunkSearch(server)
    filters = SearchFilters(section_type=("eligibility",), document_id=("ctgov:NCT1", "ctgov:NCT2"), source=("ctgov",))
    page = await search.search("asthma", tenant, filters)
    assert ["ctgov:NCT1"] == [hit.chunk.document_id for hit in page.hits]
    assert [3, 1] == [await search.count(tenant), await search.count(tenant, filters)]


@pytest.mark.integration
async def test_a_tenant_finds_only_its_own(server: SearchServer, tenant: str) -> None:
    """What one tenant wrote no other finds, not even one whose id begins alike."""
    other = f"{tenant}-chunks"
    await write(server, tenant, chunk(1, "asthma"))
    await ensure_indices(server, other)
    page = await ChunkSearch(server).search("asthma", other)
    names = TenantNames(other)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}")

    assert 0 == page.total


@pytest.mark.integration
async def test_a_tenant_without_an_index_is_told_so(server: SearchServer) -> None:
    """Nothing of it was indexed, or its name is wrong: that is no search that found nothing, and makes no index."""
    search = ChunkSearch(server)

    for asked in (search.search("asthma", "nobody-yet"), search.count("nobody-yet")):
        with pytest.raises(IndexMissing, match="tenant 'nobody-yet' has no index"):
            await asked


@pytest.mark.integration
async def test_what_hides_an_index_is_told(server: SearchServer, tenant: str) -> None:
    """A closed, a blocked and a lost index are errors that say what to do, never an empty page or a count of none."""
    await write(server, tenant, chunk(1, "asthma"))
    index, search = TenantNames(tenant).chunks_index, ChunkSearch(server)
    seen = []

    async def look() -> None:
        for asked in (search.search("asthma", tenant), search.count(tenant)):
            with pytest.raises(MedkgError) as caught:
                await asked
            seen.append((type(caught.value), caught.value.info.remedy.split(maxsplit=1)[0]))

    await server.call("POST", f"/{index}/_close")
    await look()
    await server.call("POST", f"/{index}/_open")
    await server.call("PUT", f"/{index}/_settings", body={"index.blocks.read": True})
    await look()
    await server.call("DELETE", f"/{index}")
    nowhere = {"index.routing.allocation.require._name": "nobody", "number_of_replicas": 0}
    body = {"settings": nowhere, "aliases": {TenantNames(tenant).chunks: {}}}
    await server.call("PUT", f"/{index}", params={"wait_for_active_shards": "0"}, body=body)
    await look()

    expected = [(IndexUnavailable, word) for word in ("Open", "Lift", "OpenSearch's")]
    assert [each for each in expected for _ in range(2)] == seen


@pytest.mark.integration
@pytest.mark.parametrize(
    "query",
    [
        " ".join(chr(0x4E00 + n) for n in range(256)),
        " ".join(f"{chr(0x4E00 + n)}-{chr(0x5E00 + n)}" for n in range(128)),
        " ".join(f"X{1000 + n}" for n in range(85)),
        '"(*) AND [x TO y] {"',
        "\\",
        "\x00",
        "-_-",
        "🩺",
    ],
)
async def test_any_query_is_answered(server: SearchServer, tenant: str, query: str) -> None:
    """The longest query and any syntax are just words, never an error."""
    await write(server, tenant, chunk(1, "asthma"))
    assert 0 == (await ChunkSearch(server).search(query, tenant)).total


async def test_a_wrong_tenant_is_refused_without_a_server() -> None:
    """A search of a tenant that is no name asks no server."""
    server = SearchServer("http://127.0.0.1:1")
    try:
        with pytest.raises(InvalidRequest, match="tenant '\\*'"):
            await ChunkSearch(server).search("asthma", "*")
    finally:
        await server.close()


async def test_no_server_is_unavailable() -> None:
    """A refused connection is a retryable error that names the request."""
    server = SearchServer("http://127.0.0.1:1", timeout_s=2)
    try:
        with pytest.raises(IndexUnavailable, match="POST /medkg-public-chunks/_count"):
            await ChunkSearch(server).count("public")
    finally:
        await server.close()


def answered(body: dict[str, Any]) -> bytes:
    """An answer of HTTP with this body."""
    encoded = orjson.dumps(body)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


CANCELLED = {"shard": 0, "reason": {"type": "task_cancelled_exception", "reason": "because"}}


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (b"", IndexUnavailable, "no answer from OpenSearch within 0.3 s"),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", IndexUnavailable, "503"),
        (b"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n", IndexUnavailable, "429"),
        (b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", ConfigurationError, "401"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n<a>",
            IndexUnavailable,
            "SerializationError|<a>|Unable",
        ),
        (
            answered({"count": 3, "_shards": {"total": 2, "successful": 1, "failed": 1, "failures": [CANCELLED]}}),
            IndexUnavailable,
            "1 of 2 shards failed: task_cancelled_exception: because",
        ),
        (
            answered({"count": 3, "timed_out": True, "_shards": {"total": 2, "successful": 2, "failed": 0}}),
            IndexUnavailable,
            "within their time",
        ),
    ],
)
async def test_a_bad_answer_has_a_named_error(answer: bytes, error: type[Exception], message: str) -> None:
    """Silence, 429, 5xx and a part of an answer are retryable; refused credentials are a setting to correct."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(reply, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = SearchServer(f"http://127.0.0.1:{port}", timeout_s=0.3)
    try:
        with pytest.raises(error, match=message):
            await ChunkSearch(server).count("public")
    finally:
        await server.close()
        listener.close()
