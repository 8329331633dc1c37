"""What an arm finds counts only if it is to be seen."""

from dataclasses import replace

import pytest
from medkg_contracts.errors import SearchUnavailable
from medkg_contracts.vectors import EmbeddingModel
from medkg_search.syntax import SearchQuery
from medkg_search_service import retriever
from medkg_search_service.nearest import NearestQuestion
from medkg_search_service.records import Liked
from medkg_search_service.retriever import ArmQuery, DenseRetriever, TermRetriever
from medkg_search_service.shards import Shards

from .fakes import MODEL, TENANT, FakeEncoder, FakeIndex, FakePart, Record

QUERY = ArmQuery(TENANT, SearchQuery("pain"), [])
EMPTY = SearchQuery("")
OTHER = EmbeddingModel(name="other", revision="1" * 64, dimension=MODEL.dimension)
CTGOV = ArmQuery(TENANT, SearchQuery("pain"), [{"terms": {"source": ["ctgov"]}}])


async def anything(_query: ArmQuery) -> dict[str, object]:
    return {"match_all": {}}


def terms(index: FakeIndex, part: FakePart) -> TermRetriever:
    return TermRetriever(index, Shards(part, [], part.shards, timeout_s=1), anything)


def dense(index: FakeIndex, part: FakePart) -> DenseRetriever:
    return DenseRetriever(index, Shards(part, [], part.shards, timeout_s=1), FakeEncoder())


async def test_only_the_visible_version_counts() -> None:
    """Of a document's versions in the index, the one that the view shows is found."""
    old, new = Record("d", 2.0, "v1"), Record("d", 1.0, "v2")
    answer = await terms(FakeIndex([old, new]), FakePart([old])).run_async(QUERY, 10)

    assert [old.id] == [each.id for each in answer["documents"]]


async def test_a_version_that_is_not_yet_visible_is_not_found() -> None:
    """What is written but not shown by the view is as if it were not there."""
    answer = await terms(FakeIndex([Record("d")]), FakePart([])).run_async(QUERY, 10)

    assert [] == answer["documents"]


async def test_a_record_without_vectors_is_found_at_once() -> None:
    """The view has no part in it."""
    plain = Record("d", vectors=False)
    answer = await terms(FakeIndex([plain]), FakePart([])).run_async(QUERY, 10)

    assert [plain.id] == [each.id for each in answer["documents"]]


async def test_records_that_do_not_count_are_made_up_for() -> None:
    """The arm reads on behind them until it has as many as were asked for."""
    hidden = [Record(f"h{number}", 9.0 - number, "v0") for number in range(4)]
    seen = [Record(f"s{number}", 1.0 - number / 10) for number in range(3)]
    answer = await terms(FakeIndex(hidden + seen), FakePart(seen)).run_async(QUERY, 2)

    assert [each.id for each in seen[:2]] == [each.id for each in answer["documents"]]


async def test_reading_on_is_bounded() -> None:
    """An index full of what does not count costs some pages, not all."""
    index = FakeIndex([Record(f"h{number}") for number in range(100)])
    await terms(index, FakePart([])).run_async(QUERY, 2)

    assert 5 == index.pages


async def test_what_cannot_be_judged_is_left_out_and_told() -> None:
    """A version might be half-written, as far as anybody knows."""
    down = FakePart([Record("d")], error=SearchUnavailable("gone"))
    plain = Record("p", vectors=False)
    answer = await terms(FakeIndex([Record("d"), plain]), down).run_async(QUERY, 10)

    assert ([plain.id], [down.error]) == ([each.id for each in answer["documents"]], answer["failures"])


async def test_a_vector_whose_record_is_gone_is_not_found() -> None:
    """The index decides over the dense arm, as the view does over the others."""
    kept, gone = Record("k", vector=(0.5, 0.0)), Record("g", vector=(1.0, 0.0))
    answer = await dense(FakeIndex([kept]), FakePart([kept, gone])).run_async(QUERY, 10)

    assert [kept.id] == [each.id for each in answer["documents"]]


async def test_few_records_that_pass_a_filter_are_compared_exactly() -> None:
    """Only they are asked for, however far they are."""
    near = [Record(f"n{number}", source="pubmed") for number in range(20)]
    far = Record("f", vector=(0.1, 0.0))
    part = FakePart([*near, far])
    answer = await dense(FakeIndex([*near, far]), part).run_async(CTGOV, 5)

    assert [far.id] == [each.id for each in answer["documents"]]
    assert [(far.id,)] == [each.among for each in part.asked]


async def test_many_records_that_pass_a_filter_are_looked_for_ever_deeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until enough of the nearest pass."""
    monkeypatch.setattr(retriever, "MOST_AMONG", 5)
    near = [Record(f"n{number}", source="pubmed") for number in range(20)]
    far = [Record(f"f{number}", vector=(0.5 - number / 100, 0.0)) for number in range(10)]
    part = FakePart([*near, *far])
    answer = await dense(FakeIndex([*near, *far]), part).run_async(CTGOV, 3)

    assert [each.id for each in far[:3]] == [each.id for each in answer["documents"]]
    assert [3, 12, 48] == [each.k for each in part.asked]


async def test_a_tenant_without_vectors_has_no_dense_hits() -> None:
    """Nothing is wrong with a tenant whose topology makes no vectors."""
    answer = await dense(FakeIndex([]), FakePart([], model=None)).run_async(QUERY, 3)

    assert {"documents": [], "failures": []} == answer


async def test_what_is_like_a_record_is_near_its_text() -> None:
    """As a passage, not as a query: their vectors differ."""
    along, across = Record("q", vector=(1.0, 0.0)), Record("p", vector=(0.0, 1.0))
    like = Liked(along.document_id, "A trial", "some text", {})
    asked = replace(QUERY, query=EMPTY, like=like)
    answer = await dense(FakeIndex([along, across]), FakePart([along, across])).run_async(asked, 10)

    assert [across.id, along.id] == [each.id for each in answer["documents"]]


async def test_a_query_without_words_has_no_dense_hits() -> None:
    """Filters alone point nowhere."""
    answer = await dense(FakeIndex([Record("d")]), FakePart([Record("d")])).run_async(replace(CTGOV, query=EMPTY), 3)

    assert {"documents": [], "failures": []} == answer


def test_a_retriever_refuses_to_wait() -> None:
    """Its clients belong to an event loop, which a call that waits would stop."""
    with pytest.raises(TypeError, match="run_async"):
        dense(FakeIndex([]), FakePart([])).run(QUERY, 3)


async def test_a_search_is_by_one_model_whatever_is_switched_meanwhile() -> None:
    """The vectors that it looks among are of the model that has encoded it."""
    part = FakePart([Record("d")], beside=OTHER)

    class Switching(FakeEncoder):
        async def encode_query(self, model: EmbeddingModel, text: str) -> object:
            part.model, part.beside = OTHER, model
            return await super().encode_query(model, text)

    arm = DenseRetriever(FakeIndex([Record("d")]), Shards(part, [], 1, timeout_s=1), Switching())
    before, after = await arm.run_async(QUERY, 1), await arm.run_async(QUERY, 1)

    assert [MODEL, OTHER] == [each.model for each in part.asked if isinstance(each, NearestQuestion)]
    assert [1, 1] == [len(answer["documents"]) for answer in (before, after)]


async def test_a_model_beside_the_live_one_is_searched_by_its_name() -> None:
    """One that the tenant does not have is refused, with the command that fills it."""
    part = FakePart([Record("d")], beside=OTHER)
    arm = dense(FakeIndex([Record("d")]), part)
    await arm.run_async(replace(QUERY, model=OTHER.name), 1)
    with pytest.raises(SearchUnavailable, match="no vectors of 'third'; it has those of") as refused:
        await arm.run_async(replace(QUERY, model="third"), 1)

    assert [OTHER] == [each.model for each in part.asked if isinstance(each, NearestQuestion)]
    assert f"`medkg index migrate --tenant {TENANT} --model third`" in refused.value.info.remedy
