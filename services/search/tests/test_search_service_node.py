"""Search nodes over a real Kafka and a real OpenSearch; only the models are made up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from medkg_bus.changelog import VectorChangelog
from medkg_contracts.errors import IndexMissing, InvalidRequest, NotFound, SearchUnavailable
from medkg_contracts.ids import digest
from medkg_contracts.vectors import EmbeddingModel
from medkg_operations.search import SearchClient, search
from medkg_search import SearchFilters, SearchServer
from medkg_search.hybrid import Arm, Facet, HybridPage, HybridRequest, SimilarRequest
from medkg_search.syntax import MAX_QUERY
from medkg_search_service.settings import SearchServiceSettings
from medkg_search_service.terms import MOST_DESCENDANTS, MOST_SYNONYMS, MOST_TERMS, most_names
from medkg_search_service.vocabularies import Vocabularies
from medkg_search_service.wiring import wired
from medkg_servicekit.http import HttpServer
from medkg_stack.ports import free_port
from medkg_vocabulary import Synonym, Term

from .corpus import TURNED, Angles, Corpus, record_id, splade
from .vocabularies import DISEASE, MESH, vocabulary

pytestmark = pytest.mark.integration

PATIENCE_S = 30.0


async def until(problem: Callable[[], object]) -> None:
    """Wait until there is none."""
    deadline = monotonic() + PATIENCE_S
    while problem():
        assert monotonic() < deadline, problem()
        await asyncio.sleep(0.02)


@pytest.fixture
async def corpus(kafka_bootstrap: str, opensearch_url: str) -> AsyncIterator[Corpus]:
    """A tenant of the test's own."""
    server, changelog = SearchServer(opensearch_url), VectorChangelog(kafka_bootstrap, "tests", "/tests")
    corpus = Corpus(server, changelog, f"t-{uuid4().hex[:8]}")
    await corpus.make(kafka_bootstrap)
    yield corpus
    await changelog.close()
    await server.close()


class Nodes:
    """Starts search nodes, and asks them."""

    def __init__(self, kafka: str, opensearch: str, artifacts: Path, tenant: str) -> None:
        self._kafka = kafka
        self._opensearch = opensearch
        self._artifacts = artifacts
        self._tenant = tenant

    @asynccontextmanager
    async def running(self, port: int, **settings: object) -> AsyncIterator[str]:
        """A node's address while it runs; it has caught up."""
        values = {
            "kafka": self._kafka,
            "opensearch_url": self._opensearch,
            "artifacts_url": f"file://{self._artifacts}",
            "MK_SEARCH_PORT": port,
            **settings,
        }
        async with AsyncExitStack() as stack:
            read = SearchServiceSettings.model_validate(values)
            vocabularies = Vocabularies(read.open_vocabularies)
            stack.push_async_callback(vocabularies.close)
            work = await wired(read, stack, Angles(), splade, vocabularies)
            await asyncio.gather(*work.background)
            server = HttpServer(work.app, "127.0.0.1", port)
            await server.start()
            stack.push_async_callback(server.stop)
            await until(lambda: [problem for check in work.checks if (problem := check())])
            yield f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def one(self, **settings: object) -> AsyncIterator[str]:
        """A node with the whole view."""
        async with self.running(free_port(), **settings) as url:
            yield url

    @asynccontextmanager
    async def two(self) -> AsyncIterator[str]:
        """The first of two nodes with a half of the view each."""
        ports = free_port(), free_port()
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        async with (
            self.running(ports[0], search_shard="0/2", search_peers=urls[1]) as first,
            self.running(ports[1], search_shard="1/2", search_peers=urls[0]),
        ):
            yield first

    async def ask(self, url: str, query: str, **more: object) -> HybridPage:
        """A search of the tenant's documents."""
        asked = {"tenant": self._tenant, "query": query, "size": 100, **more}
        return await search(url, HybridRequest.model_validate(asked))

    async def beside(self, url: str, query: str, model: EmbeddingModel) -> list[HybridPage]:
        """The answer by the model beside the live one; none while the nodes have not read its vectors."""
        with suppress(SearchUnavailable):
            return [await self.ask(url, query, arms=["dense"], model=model.name)]
        return []

    async def seen(self, url: str, query: str, documents: set[str]) -> HybridPage:
        """The answer that has these documents in the dense arm, which the view shows a moment after the index."""
        page = await self.ask(url, query)
        deadline = monotonic() + PATIENCE_S
        while documents != {hit.chunk.document_id for hit in page.hits if Arm.DENSE in hit.arms}:
            assert monotonic() < deadline, page
            page = await self.ask(url, query)
        return page


@pytest.fixture
def nodes(kafka_bootstrap: str, opensearch_url: str, tmp_path: Path, corpus: Corpus) -> Nodes:
    return Nodes(kafka_bootstrap, opensearch_url, tmp_path, corpus.tenant)


def found(page: HybridPage) -> list[tuple[str, dict[Arm, int]]]:
    return [(hit.record_id, {arm: place.rank for arm, place in hit.arms.items()}) for hit in page.hits]


async def test_all_arms_find_a_document_and_say_where(corpus: Corpus, nodes: Nodes) -> None:
    """BM25 by its word, SPLADE by its terms, the dense arm by its direction."""
    await corpus.write({"a:1": "sciatica 10", "a:2": "asthma 20", "a:3": "asthma 90"})
    async with nodes.one() as url:
        page = await nodes.ask(url, "asthma 20")

    assert (record_id("a:2", "v1"), dict.fromkeys(Arm, 1)) == found(page)[0]
    assert ([], 1.0) == (page.partial, page.hits[0].score)
    assert "<em>asthma</em>" in page.hits[0].snippets[0]


@pytest.mark.parametrize("query", ["NCT00000007 80", "what came of NCT00000007? 80", "XY-7 in asthma 80"])
async def test_what_the_query_names_is_the_first(corpus: Corpus, nodes: Nodes, query: str) -> None:
    """By its id, or by a name that it alone has; the other arms find all others nearer, and nothing of names."""
    others = {f"a:{number}": f"asthma of adults {number + 70}" for number in range(12)}
    await corpus.write({"ctgov:NCT00000007": "asthma after XY-7 -90", **others})
    async with nodes.one() as url:
        page = await nodes.ask(url, query)

    assert [True] + [False] * 12 == [hit.named for hit in page.hits]
    assert "ctgov:NCT00000007" == page.hits[0].chunk.document_id


async def test_a_version_comes_into_sight_in_all_arms_at_once(corpus: Corpus, nodes: Nodes) -> None:
    """Before it is sealed no arm has it, also where it is in the index; afterwards every arm has it and no old one."""
    await corpus.write({"a:1": "asthma 20"})
    async with nodes.one() as url:
        await corpus.write({"a:1": "asthma 30", "a:2": "asthma 40"}, "v2", seal=False)
        before = await nodes.ask(url, "asthma 20")
        await corpus.seal(["a:1", "a:2"], "v2")
        after = await nodes.seen(url, "asthma 20", {"a:1", "a:2"})

    assert [(record_id("a:1", "v1"), dict.fromkeys(Arm, 1))] == found(before)
    assert {record_id("a:1", "v2"), record_id("a:2", "v2")} == {record for record, _ in found(after)}
    assert {3} == {len(ranks) for _, ranks in found(after)}


async def test_two_halves_answer_as_the_whole(corpus: Corpus, nodes: Nodes) -> None:
    """Hits, order, ranks and scores of two nodes are those of one, with and without a filter."""
    await corpus.write({f"{'ab'[number % 2]}:{number}": f"asthma trial {number}" for number in range(40)})
    only_a = SearchFilters(source=("a",))
    async with nodes.one() as whole, nodes.two() as half:
        one = [await nodes.ask(whole, "trial 17"), await nodes.ask(whole, "trial 17", filters=only_a)]
        two = [await nodes.ask(half, "trial 17"), await nodes.ask(half, "trial 17", filters=only_a)]

    assert [page.hits for page in one] == [page.hits for page in two]
    assert [40, 20] == [page.total for page in two]
    assert [[], []] == [page.partial for page in two]


async def test_a_half_that_is_down_is_named(corpus: Corpus, nodes: Nodes) -> None:
    """The documents of the other half are found in every arm, and the answer says where the rest would be."""
    await corpus.write({f"a:{number}": f"asthma {number}" for number in range(40)})
    dead = f"http://127.0.0.1:{free_port()}"
    async with nodes.one(search_shard="0/2", search_peers=dead) as url:
        page = await nodes.ask(url, "asthma 17")

    assert {"bm25", "splade", "dense"} == {each.arm for each in page.partial}
    assert all(dead in each.message for each in page.partial)
    assert 0 < page.total < 40
    assert {3} == {len(ranks) for _, ranks in found(page)}


async def test_pages_are_stable_while_documents_arrive(corpus: Corpus, nodes: Nodes) -> None:
    """Each hit of the first answer comes once, none is missing and none is added, on whichever node."""
    await corpus.write({f"a:{number}": f"asthma {number}" for number in range(30)})
    pages: list[HybridPage] = []
    async with nodes.one() as first, nodes.one() as second:
        whole = await nodes.ask(first, "asthma 7")
        cursor = None
        while cursor is not None or not pages:
            page = await nodes.ask((first, second)[len(pages) % 2], "asthma 7", size=7, cursor=cursor)
            pages.append(page)
            cursor = page.cursor
            await corpus.write({f"new:{len(pages)}-{number}": f"asthma {number}" for number in range(5)})

    assert 5 == len(pages)
    assert found(whole) == found(HybridPage.model_construct(hits=[hit for page in pages for hit in page.hits]))


async def test_a_filter_holds_in_every_arm(corpus: Corpus, nodes: Nodes) -> None:
    """Fields of the query, phrases and filters of the request alike."""
    await corpus.write({"a:1": "mild asthma 20", "b:1": "mild asthma 21", "b:2": "asthma mild 22"})
    async with nodes.one() as url:
        by_filter = await nodes.ask(url, "asthma 20", filters=SearchFilters(source=("b",)))
        by_field = await nodes.ask(url, "source:b asthma 20")
        by_phrase = await nodes.ask(url, 'source:b "mild asthma" 20')

    assert {"b:1", "b:2"} == {hit.chunk.document_id for hit in by_filter.hits}
    assert by_filter.hits == by_field.hits
    assert [record_id("b:1", "v1")] == [record for record, _ in found(by_phrase)]
    assert {3} == {len(ranks) for _, ranks in found(by_filter)}


async def test_an_entity_is_asked_for_in_every_arm(corpus: Corpus, nodes: Nodes, tmp_path: Path) -> None:
    """Whichever arm finds a record, it is of what its chunk names or its document is about: all that is asked for."""
    await corpus.write({"ctgov:1": "pain 10"}, named=["MESH:D1"], entities=["MESH:D1", "MESH:D3"])
    await corpus.write({"ctgov:2": "pain 11"}, entities=["MESH:D3"])
    await corpus.write({"ctgov:3": "pain 12"})
    async with nodes.one(vocabularies=str(vocabulary(tmp_path, "mesh", MESH))) as url:
        await nodes.seen(url, "pain 10", {"ctgov:1", "ctgov:2", "ctgov:3"})
        asked = ("entity:mesh:D3", "entity:MESH:D3 entity:MESH:D1", "-entity:MESH:D3")
        pages = [await nodes.ask(url, f"pain 10 {filters}", facets=["entities"]) for filters in asked]

    assert [{"ctgov:1", "ctgov:2"}, {"ctgov:1"}, {"ctgov:3"}] == [
        {hit.chunk.document_id for hit in page.hits} for page in pages
    ]
    assert {frozenset(Arm)} == {frozenset(hit.arms) for page in pages for hit in page.hits}
    heart, attack = ("MESH:D3", "Heart"), ("MESH:D1", "Myocardial Infarction")
    assert [{heart: 2, attack: 1}, {heart: 1, attack: 1}, {}] == [
        {(count.value, count.name): count.documents for count in page.facets[Facet.ENTITY]} for page in pages
    ]


async def test_expansion_finds_what_is_called_otherwise_and_says_why(
    corpus: Corpus, nodes: Nodes, tmp_path: Path
) -> None:
    """By other names, by what is below, by what was found in the text: behind what has the words that were typed."""
    await corpus.write({"ctgov:1": "after a heart attack 1", "ctgov:2": "myocardial infarctions in adults 2"})
    await corpus.write({"ctgov:3": "patients with an occluded artery 3"}, named=["MESH:D2"], entities=["MESH:D2"])
    await corpus.write({"ctgov:4": "the study drug 4"}, entities=["MESH:D1"])
    await corpus.write({"ctgov:5": "infarction of the brain 5"})
    mesh = vocabulary(tmp_path, "mesh", MESH)
    async with nodes.one(vocabularies=str(mesh)) as url:
        plain = await nodes.ask(url, "heart attack", arms=["bm25"])
        page = await nodes.ask(url, "heart attack", arms=["bm25"], expand=["mesh"])
    told = {
        hit.chunk.document_id: [(match.by, match.relation.value, match.fields) for match in hit.expanded]
        for hit in page.hits
    }

    assert ["ctgov:1"] == [hit.chunk.document_id for hit in plain.hits]
    assert ["ctgov:1", "ctgov:2", "ctgov:3", "ctgov:4"] == list(told)
    assert {
        "ctgov:1": [],
        "ctgov:2": [("Myocardial Infarction", "synonym", ("text",))],
        "ctgov:3": [("ST Elevation Infarction", "descendant", ("named",))],
        "ctgov:4": [("Myocardial Infarction", "term", ("entities",))],
    } == told
    assert ["<em>myocardial</em> <em>infarctions</em> in adults 2"] == page.hits[1].snippets


def wide_terms() -> list[Term]:
    """As many terms as a query has expanded, each with as many names and terms below it as are looked for."""
    found = []
    for n in range(MOST_TERMS):
        names = tuple(Synonym(f"a long name{m} of kind{n} that is sought") for m in range(MOST_SYNONYMS))
        found.append(Term(f"X:{n}", f"term{n}", DISEASE, names))
        for m in range(MOST_DESCENDANTS):
            below = f"the longest name{m} below kind{n} that is sought"
            found.append(Term(f"X:{n}-{m}", below, DISEASE, parents=(f"X:{n}",)))
    return found


async def test_the_longest_query_with_the_widest_expansion_is_answered(
    corpus: Corpus, nodes: Nodes, tmp_path: Path
) -> None:
    """OpenSearch counts clauses, and takes what a query of any length and its expansions come to."""
    await corpus.write({"ctgov:1": "nothing of it 1"})
    words = " ".join(f"term{n}" for n in range(MOST_TERMS))
    longest = f"{words} {''.join(chr(0x4E00 + each) for each in range(MAX_QUERY))}"
    async with nodes.one(vocabularies=str(vocabulary(tmp_path, "wide", wide_terms()))) as url:
        asked = {"expand": ["wide"], "arms": ["bm25"], "facets": ["entities"]}
        pages = [await nodes.ask(url, longest[:length], **asked) for length in (len(words), 500, 600, MAX_QUERY)]
    sought = [sum(len(expansion.names) for expansion in page.expansions) for page in pages]

    assert [MOST_TERMS * (MOST_SYNONYMS + MOST_DESCENDANTS), most_names(" " * 500), most_names(" " * 600), 0] == sought
    assert [([], [])] * len(pages) == [(page.partial, page.hits) for page in pages]


@pytest.mark.parametrize("given", [record_id("a:1", "v1"), digest("a:1"), "a:1", "1", "study A:1"])
async def test_what_is_like_a_chunk_or_a_document_is_found_in_others(corpus: Corpus, nodes: Nodes, given: str) -> None:
    """Every arm looks for it, by whichever of its ids: by the words that tell it apart, its terms, its direction."""
    await corpus.write({"a:1": "bronchial asthma 20", "a:2": "asthma attack 21", "a:3": "sciatica 90"})
    async with nodes.one() as url, SearchClient(url) as client:
        page = await client.similar(SimilarRequest(tenant=corpus.tenant, like=given))
        with pytest.raises(NotFound, match="has the id 'nothing'"):
            await client.similar(SimilarRequest(tenant=corpus.tenant, like="nothing"))

    assert (record_id("a:2", "v1"), dict.fromkeys(Arm, 1)) == found(page)[0]
    assert record_id("a:1", "v1") not in {record for record, _ in found(page)}


async def test_facets_count_what_the_words_match(corpus: Corpus, nodes: Nodes) -> None:
    """All of it, under the filters, whatever the page: chunks and documents, by value, and by year from the last."""
    about = {"date": "2019-05", "status": "COMPLETED", "phase": ["PHASE2", "PHASE3"], "mesh": ["Asthma"]}
    await corpus.write({"a:1": "asthma 20", "a:2": "asthma 21", "b:2": "sciatica 90"}, **about)
    await corpus.write({"b:1": "asthma 22"}, date="2021")
    async with nodes.one() as url:
        page = await nodes.ask(url, "asthma", size=1, facets=list(Facet), arms=["bm25"])
    counts = {facet: [(each.value, each.chunks, each.documents) for each in page.facets[facet]] for facet in Facet}

    assert counts == {
        Facet.SOURCE: [("a", 2, 2), ("b", 1, 1)],
        Facet.SECTION: [("body", 3, 3)],
        Facet.STATUS: [("COMPLETED", 2, 2)],
        Facet.PHASE: [("PHASE2", 2, 2), ("PHASE3", 2, 2)],
        Facet.MESH: [("Asthma", 2, 2)],
        Facet.ENTITY: [],
        Facet.DATE: [("2021", 1, 1), ("2019", 2, 2)],
    }


async def test_another_tenant_sees_nothing(corpus: Corpus, nodes: Nodes) -> None:
    """In no arm; a tenant without documents has no index."""
    await corpus.write({"a:1": "asthma 20"})
    async with nodes.one() as url:
        with pytest.raises(IndexMissing):
            await search(url, HybridRequest(tenant="nobody-else", query="asthma 20"))


async def test_a_wrong_query_is_refused(nodes: Nodes) -> None:
    """With what is wrong, and how it is written."""
    async with nodes.one() as url:
        with pytest.raises(InvalidRequest, match="quote is not closed"):
            await nodes.ask(url, '"asthma')


async def test_without_opensearch_the_error_names_it(corpus: Corpus, nodes: Nodes) -> None:
    """No arm can answer, since the index has what is shown; the node stays up."""
    await corpus.write({"a:1": "asthma 20"})
    async with nodes.one(opensearch_url=f"http://127.0.0.1:{free_port()}") as url:
        with pytest.raises(SearchUnavailable, match=r"bm25: index_unavailable.*dense: index_unavailable"):
            await nodes.ask(url, "asthma 20")


async def test_no_search_fails_and_none_is_of_two_models_while_they_are_switched(corpus: Corpus, nodes: Nodes) -> None:
    """Each answer is whole, and by the live model; the one beside it is searched by its name before."""
    texts = {"a:1": "asthma 20", "a:2": "asthma 70"}
    await corpus.write(texts)
    pages: list[HybridPage] = []
    async with nodes.one() as url:
        await corpus.turn(texts)
        deadline = monotonic() + PATIENCE_S
        while not (beside := await nodes.beside(url, "asthma 20", TURNED)):
            assert monotonic() < deadline
        await corpus.switch()
        while not pages or best(pages[-1])[0] != "a:2":
            assert monotonic() < deadline
            pages.append(await nodes.ask(url, "asthma 20", arms=["dense"]))
        pages.append(await nodes.ask(url, "asthma 20", arms=["dense"]))

    assert ("a:2", 1.0) == best(beside[0])
    assert [[]] * len(pages) == [page.partial for page in pages]
    assert {("a:1", 1.0), ("a:2", 1.0)} >= {best(page) for page in pages}
    assert [best(page)[0] for page in pages] == sorted(best(page)[0] for page in pages)


def best(page: HybridPage) -> tuple[str, float]:
    """The first hit's document, and its cosine to the query."""
    return page.hits[0].chunk.document_id, round(page.hits[0].arms[Arm.DENSE].score, 3)
