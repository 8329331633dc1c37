"""Arms are asked at once, and their hits cut into pages."""

import asyncio
from pathlib import Path

import httpx
import pytest
from medkg_contracts.errors import IndexMissing, IndexUnavailable, InvalidRequest, SearchUnavailable
from medkg_search import SearchFilters
from medkg_search.hybrid import Arm, Facet, FacetCount, HybridPage, HybridRequest, Place, SimilarRequest
from medkg_search_service.asking import Arms
from medkg_search_service.hybrid import HybridSearch
from medkg_search_service.rerank import Reranker
from medkg_search_service.vocabularies import Vocabularies
from medkg_vocabulary import Vocabulary

from .fakes import TENANT, FakeIndex, Record
from .searching import FakeArm, search_over
from .vocabularies import opened

RECORDS = [Record(f"d{number}", text=f"text {number}") for number in range(30)]
IDS = [each.id for each in RECORDS]


def ask(query: str = "pain", **more: object) -> HybridRequest:
    return HybridRequest.model_validate({"tenant": TENANT, "query": query, **more})


def index() -> FakeIndex:
    return FakeIndex(list(RECORDS))


def ids(page: HybridPage) -> list[str]:
    return [hit.record_id for hit in page.hits]


async def all_pages(search: HybridSearch, request: HybridRequest) -> list[HybridPage]:
    pages = [await search.search(request, TENANT)]
    while pages[-1].cursor is not None:
        pages.append(await search.search(request.model_copy(update={"cursor": pages[-1].cursor}), TENANT))
    return pages


async def test_arms_are_asked_at_once() -> None:
    """Each waits for the others; one after another, they would wait for ever."""
    arms = {arm: FakeArm(IDS[:3]) for arm in Arm}
    for arm in arms.values():
        arm.meets = asyncio.Barrier(len(arms)) if arm is arms[Arm.BM25] else arms[Arm.BM25].meets
    page = await search_over(index(), arms).search(ask(), TENANT)

    assert ([], IDS[:3]) == (page.partial, ids(page))


async def test_a_hit_says_what_each_arm_thinks_of_it() -> None:
    """Rank and score in each arm, the fused score, and what each took."""
    arms = {Arm.BM25: FakeArm(IDS[:2]), Arm.SPLADE: FakeArm([]), Arm.DENSE: FakeArm([IDS[1]])}
    page = await search_over(index(), arms).search(ask(), TENANT)

    assert {Arm.BM25: Place(rank=2, score=0.5), Arm.DENSE: Place(rank=1, score=1.0)} == page.hits[0].arms
    assert (1, "text 1", ["text 1"]) == (page.hits[0].rank, page.hits[0].chunk.text, page.hits[0].snippets)
    assert {"bm25", "splade", "dense", "search"} == set(page.took_ms)
    assert dict.fromkeys(Arm, 1.0) == page.weights


async def test_an_arm_that_is_down_is_named() -> None:
    """The others' hits are the answer, which says what it lacks."""
    arms = {Arm.BM25: FakeArm(IDS[:2]), Arm.DENSE: FakeArm(error=SearchUnavailable("gone"))}
    page = await search_over(index(), arms).search(ask(), TENANT)

    assert IDS[:2] == ids(page)
    assert [("dense", "search_unavailable", "gone")] == [(each.arm, each.code, each.message) for each in page.partial]


async def test_an_arm_that_hangs_is_given_up() -> None:
    """It has its own time limit; the answer does not wait for it."""
    arms = {Arm.BM25: FakeArm(IDS[:2]), Arm.DENSE: FakeArm()}
    arms[Arm.DENSE].hangs = True
    page = await search_over(index(), arms).search(ask(), TENANT)

    assert [("dense", "the arm dense did not answer within 0.1 s")] == [(e.arm, e.message) for e in page.partial]


async def test_a_bug_in_an_arm_is_named_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It takes the other arms' hits from nobody, and is not hidden."""
    arms = {Arm.BM25: FakeArm(IDS[:2]), Arm.DENSE: FakeArm(error=ZeroDivisionError("division by zero"))}
    page = await search_over(index(), arms).search(ask(), TENANT)

    assert [("dense", "bug")] == [(each.arm, each.code) for each in page.partial]
    assert "division by zero" in caplog.text


async def test_what_an_arm_lacks_is_told_once() -> None:
    """An arm that has found less than it should says why, with its hits."""
    lacks = [SearchUnavailable("node 2 is gone"), SearchUnavailable("node 2 is gone")]
    page = await search_over(index(), {Arm.BM25: FakeArm(IDS[:2], failures=lacks)}).search(ask(), TENANT)

    assert (IDS[:2], ["node 2 is gone"]) == (ids(page), [each.message for each in page.partial])


async def test_without_any_arm_there_is_no_answer() -> None:
    """That all arms are down is an error, which says why each is."""
    arms = {Arm.BM25: FakeArm(error=IndexUnavailable("red")), Arm.DENSE: FakeArm(error=SearchUnavailable("gone"))}

    with pytest.raises(SearchUnavailable, match=r"bm25: index_unavailable: red; dense: search_unavailable: gone"):
        await search_over(index(), arms).search(ask(), TENANT)


@pytest.mark.parametrize("error", [IndexMissing("none"), InvalidRequest("no closing quote")])
async def test_what_every_arm_would_say_is_the_answer(error: Exception) -> None:
    """A wrong query, or a tenant without index, is no partial answer."""
    with pytest.raises(type(error)):
        await search_over(index(), {Arm.BM25: FakeArm(error=error), Arm.DENSE: FakeArm(IDS)}).search(ask(), TENANT)


async def test_only_the_arms_that_are_wanted_are_asked() -> None:
    """An evaluation looks at one arm alone."""
    arms = {arm: FakeArm(IDS[:3]) for arm in Arm}
    page = await search_over(index(), arms).search(ask(arms=["dense"]), TENANT)

    assert ([0, 0, 1], 1.0) == ([len(arms[arm].queries) for arm in Arm], page.hits[0].score)


async def test_an_arm_that_is_switched_off_is_refused() -> None:
    """Rather than left out without a word."""
    with pytest.raises(InvalidRequest, match="splade is switched off"):
        await search_over(index(), {Arm.BM25: FakeArm(IDS)}).search(ask(arms=["splade"]), TENANT)


async def test_pages_have_every_hit_once_whatever_is_added() -> None:
    """Documents that arrive between two pages neither repeat a hit nor push one out."""
    shown, arms = index(), {Arm.BM25: FakeArm(IDS[:20]), Arm.DENSE: FakeArm(IDS[10:30])}
    search = search_over(shown, arms)
    whole = await search.search(ask(size=100), TENANT)
    first = await search.search(ask(size=7), TENANT)
    added = Record("new")
    shown.records.insert(0, added)
    arms[Arm.BM25].found = [added.id, *IDS[15:20]]
    pages = [first]
    while pages[-1].cursor:
        pages.append(await search.search(ask(size=7, cursor=pages[-1].cursor), TENANT))

    assert whole.hits == [hit for page in pages for hit in page.hits]
    assert [7, 7, 7, 7, 2] == [len(page.hits) for page in pages]
    assert {30} == {page.total for page in pages}


async def test_a_hit_that_is_deleted_meanwhile_leaves_no_gap_in_a_page() -> None:
    """The page is filled from what follows."""
    shown = index()
    search = search_over(shown, {Arm.BM25: FakeArm(IDS[:10])})
    first = await search.search(ask(size=3), TENANT)
    shown.records.remove(RECORDS[4])
    second = await search.search(ask(size=3, cursor=first.cursor), TENANT)

    assert ([IDS[3], IDS[5], IDS[6]], [4, 6, 7]) == (ids(second), [hit.rank for hit in second.hits])


async def test_later_pages_name_what_the_search_lacks() -> None:
    """A page of a partial answer is partial, also when the arm is up again."""
    arms = {Arm.BM25: FakeArm(IDS[:6]), Arm.DENSE: FakeArm(error=SearchUnavailable("gone"))}
    pages = await all_pages(search_over(index(), arms), ask(size=4))

    assert [["dense"], ["dense"]] == [[each.arm for each in page.partial] for page in pages]


@pytest.mark.parametrize(
    "other", [{"query": "fever"}, {"filters": SearchFilters(source=("ctgov",))}, {"arms": ["bm25"]}]
)
async def test_a_cursor_continues_its_own_search_only(other: dict[str, object]) -> None:
    """Another query, filter or choice of arms with it is refused."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS), Arm.DENSE: FakeArm(IDS)})
    cursor = (await search.search(ask(size=3), TENANT)).cursor

    with pytest.raises(InvalidRequest, match="another tenant"):
        await search.search(ask(**({"cursor": cursor} | other)), TENANT)


async def test_a_cursor_continues_by_the_same_expansion_only(tmp_path: Path) -> None:
    """What was found by other names is no page of a search without them."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS)}, vocabularies=opened(tmp_path))
    cursor = (await search.search(ask("heart", size=3, expand=["mesh"]), TENANT)).cursor

    with pytest.raises(InvalidRequest, match="another tenant"):
        await search.search(ask("heart", cursor=cursor), TENANT)


async def test_a_cursor_of_another_tenant_is_refused() -> None:
    """A tenant cannot go on where another began."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS)})
    cursor = (await search.search(ask(size=3), TENANT)).cursor

    with pytest.raises(InvalidRequest, match="another tenant"):
        await search.search(ask(cursor=cursor), "globex")


def reranker(answer: httpx.Response | Exception) -> Reranker:
    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Reranker(httpx.AsyncClient(transport=httpx.MockTransport(handle)), "http://rerank", "model")


def scored(*scores: float) -> httpx.Response:
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    return httpx.Response(200, json={"results": sorted(results, key=lambda each: -each["relevance_score"])})


async def test_the_reranker_orders_the_first_hits() -> None:
    """The others follow in the order of the fusion; the hit says where it was put."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS[:5])}, reranker(scored(0.1, 0.9, 0.5)))
    pages = await all_pages(search, ask(size=2))

    assert [IDS[1], IDS[2], IDS[0], IDS[3], IDS[4]] == [record for page in pages for record in ids(page)]
    assert Place(rank=1, score=0.9) == pages[0].hits[0].rerank
    assert [None, None] == [pages[1].hits[1].rerank, pages[2].hits[0].rerank]


async def test_the_reranker_leaves_first_what_the_query_names() -> None:
    """A model that knows no names is asked about what is behind it; the hit says why it is there."""
    arm = FakeArm(IDS[:3], named=IDS[:1])
    page = await search_over(index(), {Arm.BM25: arm}, reranker(scored(0.1, 0.9, 0.5))).search(ask(), TENANT)

    assert [(IDS[0], True), (IDS[1], False), (IDS[2], False)] == [(hit.record_id, hit.named) for hit in page.hits]


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("refused"), httpx.Response(500, text="no"), httpx.Response(200, json={}), scored(0.5)],
)
async def test_a_failing_reranker_fails_no_search(answer: httpx.Response | Exception) -> None:
    """The order stays that of the fusion, and the answer names the reranker."""
    page = await search_over(index(), {Arm.BM25: FakeArm(IDS[:5])}, reranker(answer)).search(ask(), TENANT)

    assert (IDS[:5], ["rerank"]) == (ids(page), [each.arm for each in page.partial])


async def test_facets_are_counted_beside_the_search() -> None:
    """Only those that were asked for, over all that passes."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS[:2])})
    page = await search.search(ask(facets=["source", "date"]), TENANT)
    counts = [FacetCount(value="all", chunks=30, documents=1)]

    assert {Facet.SOURCE: counts, Facet.DATE: counts} == page.facets


async def test_facets_that_fail_are_named() -> None:
    """The hits are the answer all the same."""
    shown = index()
    search = search_over(shown, {Arm.BM25: FakeArm(IDS[:2])})
    cursor = (await search.search(ask(size=1), TENANT)).cursor
    shown.counting_error = IndexUnavailable("too much to do")
    page = await search.search(ask(size=1, cursor=cursor, facets=["source"]), TENANT)

    assert ([IDS[1]], ["facets"], {}) == (ids(page), [each.arm for each in page.partial], page.facets)


async def test_what_is_like_a_chunk_is_asked_of_the_arms() -> None:
    """They get the chunk, and a clause that keeps its own document out."""
    arm = FakeArm(IDS[1:4])
    request = SimilarRequest(tenant=TENANT, like=IDS[0], size=2)
    search = search_over(index(), {Arm.BM25: arm})
    first = await search.similar(request, TENANT)
    second = await search.similar(request.model_copy(update={"cursor": first.cursor}), TENANT)

    assert [IDS[1:3], IDS[3:4]] == [ids(first), ids(second)]
    assert ("d0", {"term": {"document_id": "d0"}}) == (
        arm.queries[0].like.document_id,
        arm.queries[0].must[0]["bool"]["must_not"][0],
    )


async def test_what_is_looked_for_besides_is_told_once_and_of_each_hit(tmp_path: Path) -> None:
    """The arms look for it, every page says what it is, and a hit what it has of it, whichever arm has found it."""
    records = [Record("d1", text="Myocardial Infarction"), Record("d2", text="pain", entities=("MESH:D2",))]
    arms = {arm: FakeArm([each.id for each in records]) for arm in (Arm.BM25, Arm.DENSE)}
    search = search_over(FakeIndex(records), arms, vocabularies=opened(tmp_path))
    first, second = await all_pages(search, ask("heart attack", expand=["mesh"], size=1))
    told = [each.told for each in arms[Arm.BM25].queries[0].expanded]

    assert ["MESH:D1"] == [each.id for each in told]
    assert told == first.expansions == second.expansions
    assert {"Myocardial Infarction", "ST Elevation Infarction"} == {
        match.by for page in (first, second) for hit in page.hits for match in hit.expanded
    }


async def test_without_expansion_no_vocabulary_is_opened() -> None:
    """Nothing of a search waits for what it does not need; a filter by an id needs none."""

    def failing() -> list[Vocabulary]:
        raise AssertionError("a vocabulary was opened")

    arms = {Arm.BM25: FakeArm(IDS[:1])}
    search = HybridSearch(Arms(arms, {Arm.BM25: 1.0}, 100, 1.0), index(), Vocabularies(failing), None, 1.0)
    page = await search.search(ask("heart attack -entity:mesh:D1"), TENANT)

    assert ([], IDS[:1]) == (page.expansions, ids(page))
    assert [{"bool": {"must_not": [{"terms": {"entities": ["MESH:D1"]}}]}}] == arms[Arm.BM25].queries[0].must


async def test_entities_are_given_by_their_names(tmp_path: Path) -> None:
    """In filters and in the query, for what is like something, too; expanded with what is below them."""
    arms = {arm: FakeArm(IDS[:1]) for arm in Arm}
    search = search_over(index(), arms, vocabularies=opened(tmp_path))
    filters = {"entity": ["heart attack"]}
    await search.search(ask('pain -entity:"cerebral stroke"', filters=filters, expand=["mesh"]), TENANT)
    await search.similar(SimilarRequest(like=IDS[2], filters=SearchFilters(entity=("heart",))), TENANT)
    first, second = arms[Arm.DENSE].queries

    assert [
        {"terms": {"entities": ["MESH:D1", "MESH:D2"]}},
        {"bool": {"must_not": [{"terms": {"entities": ["MESH:D5"]}}]}},
    ] == first.must
    assert {"terms": {"entities": ["MESH:D3"]}} == second.must[0]


async def test_entities_that_are_counted_have_their_names(tmp_path: Path) -> None:
    """Where a vocabulary has one."""
    search = search_over(index(), {Arm.BM25: FakeArm(IDS[:1])}, vocabularies=opened(tmp_path))
    page = await search.search(ask(facets=["entities", "source"]), TENANT)

    assert {Facet.ENTITY: [("MESH:D3", "Heart")], Facet.SOURCE: [("all", None)]} == {
        facet: [(each.value, each.name) for each in counts] for facet, counts in page.facets.items()
    }
