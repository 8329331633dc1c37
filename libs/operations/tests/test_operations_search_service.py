"""The search service as an evaluation asks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.errors import SearchUnavailable, Unfinished
from medkg_contracts.ir import Chunk, Span
from medkg_operations.evaluation import search_service
from medkg_operations.evaluation.collection import read_collection
from medkg_operations.evaluation.rankings import Found
from medkg_operations.evaluation.search_service import SearchArms, as_words, is_cut, present_weights, wait_until_seen
from medkg_search.hybrid import Arm, HybridHit, HybridPage, PartialFailure, Place
from medkg_search.syntax import MAX_QUERY, parse_query

from .beir_folders import CORPUS, beir_folder

FAILURE = PartialFailure(arm="dense", code="search_unavailable", message="away", remedy="Start it.")
SYNTAX = st.sampled_from(
    ['"', "\u201c", "\u201d", "-", "id:", "title:", "date:", "a", " ", "1", ":", "sorce:", "\u00e4"]
)


def hit(number, document, rerank=None):
    chunk = Chunk(
        id=f"c{number}", document_id=f"beir:{document}", document_title="a", source="beir", section_id="body",
        section_type="body", section_title="Text", ordinal=number, text="a", span=Span(start=0, end=1), token_count=1,
    )  # fmt: skip
    return HybridHit(
        rank=number + 1, record_id=f"r{number}", chunk=chunk, score=1 / (number + 1),
        arms={Arm.BM25: Place(rank=1, score=1.0)}, rerank=rerank, snippets=[],
    )  # fmt: skip


class Service:
    """A service that finds so many documents, page by page."""

    def __init__(self, documents, partial=(), empty=0, rerank=None):
        self.asked, self._rerank = [], rerank
        self._documents, self._partial, self._empty = documents, partial, empty

    async def __call__(self, request):
        """A page."""
        self.asked.append(request)
        if len(self.asked) <= self._empty:
            return self._page([], None)
        start = int(request.cursor or 0)
        end = min(start + request.size, self._documents)
        hits = [hit(n, n, self._rerank) for n in range(start, end)]
        return self._page(hits, str(end) if end < self._documents else None)

    def _page(self, hits, cursor):
        return HybridPage(
            hits=hits, total=self._documents, cursor=cursor, partial=list(self._partial), took_ms={},
            weights={Arm.BM25: 1.0},
        )  # fmt: skip


@pytest.mark.parametrize(("arms", "documents", "read"), [(None, 250, 100), ((Arm.BM25,), 250, 250), (None, 7, 7)])
async def test_an_arm_is_read_to_its_end_and_the_fusion_to_enough_documents(arms, documents, read):
    """Weights are tuned on all that an arm gives to the fusion; of the fusion itself the first hundred count."""
    service = Service(documents)
    ranking = await SearchArms(service, "t", arms).ranking("wings")

    assert [Found(f"r{number}", str(number), 1 / (number + 1)) for number in range(read)] == ranking
    assert {("t", "wings", arms)} == {(each.tenant, each.query, each.arms) for each in service.asked}


async def test_what_a_reranker_has_ordered_is_read_to_its_end():
    """Else nobody could say what the first hits were before it."""
    ranking = await SearchArms(Service(250, rerank=Place(rank=1, score=0.5)), "t").ranking("wings")

    assert (250, {True}) == (len(ranking), {found.reranked for found in ranking})


async def test_a_partial_answer_is_none():
    """A measure of what is left when an arm is down would look like one of the whole."""
    with pytest.raises(SearchUnavailable, match="lacks dense"):
        await SearchArms(Service(3, [FAILURE]), "t").ranking("wings")


async def test_the_services_weights_are_asked_for():
    """The arms that are on, and what they count."""
    assert {Arm.BM25: 1.0} == await present_weights(Service(3), "t", "wings")


@given(query=st.lists(SYNTAX | st.text(max_size=3), min_size=1, max_size=40).map("".join))
def test_a_collections_query_is_read_as_words(query):
    """Whatever stands in it, no part of it has a meaning of its own, and every letter and digit stays in its place."""
    words = as_words(query)
    if words:
        parsed = parse_query(words)

        assert ((), (), words) == (parsed.phrases, parsed.excluded, parsed.text)
        assert [] == parsed.filters.clauses()
    assert [each for each in query if each.isalnum()] == [each for each in words if each.isalnum()]


def test_a_long_query_is_cut_at_a_word():
    """The service reads so many characters, and whoever asks is told."""
    longest = "word " * (MAX_QUERY // 5)

    assert longest.strip() == as_words(longest + "word")
    assert (False, True) == (is_cut(longest), is_cut(longest + "word"))


async def test_what_was_indexed_is_waited_for(monkeypatch, tmp_path):
    """Each document of a sample is looked for by its own words until it is found."""
    monkeypatch.setattr(search_service, "LOOK_S", 0.0)
    service = Service(1, empty=3)
    collection = read_collection(beir_folder(tmp_path / "c", CORPUS[:2], test=["q1\td1\t1"]))
    await wait_until_seen(service, "t", collection, Arm.DENSE)

    asked = [(each.query, each.filters.document_id, each.arms) for each in service.asked]
    last = ("Shear flow past a plate.", ("beir:d2",), (Arm.DENSE,))
    assert [*[last] * 4, ("Scale models Heated wings.", ("beir:d1",), (Arm.DENSE,))] == asked


async def test_what_is_not_found_in_time_ends_the_evaluation(monkeypatch, tmp_path):
    """The error names the document and the arm."""
    monkeypatch.setattr(search_service, "SEEN_WITHIN_S", 0.0)
    with pytest.raises(Unfinished, match="'d3' is indexed, but dense does not find it"):
        await wait_until_seen(Service(0), "t", read_collection(beir_folder(tmp_path / "c")), Arm.DENSE)
