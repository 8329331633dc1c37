"""Hits are shown with what matched, and with each arm's rank."""

import pytest
from medkg_cli.search import page_view, request_of, snippet
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import Chunk, Span
from medkg_search.hybrid import Arm, Facet, FacetCount, HybridHit, HybridPage, PartialFailure, Place
from rich.console import Console

CHUNK = Chunk(
    id="c-1",
    document_id="ctgov:NCT05814159",
    document_title="A trial",
    source="ctgov",
    section_id="s-1",
    section_type="eligibility",
    section_title="Eligibility",
    ordinal=0,
    text="Adults with pain & fever",
    span=Span(start=0, end=24),
    token_count=5,
)
HIT = HybridHit(
    rank=1,
    record_id="0" * 32,
    chunk=CHUNK,
    score=0.6626,
    arms={Arm.DENSE: Place(rank=3, score=0.71), Arm.BM25: Place(rank=1, score=12.5)},
    snippets=["<em>pain</em>"],
)
PAGE = HybridPage(hits=[HIT], total=4, cursor="next", partial=[], took_ms={"bm25": 4.2, "search": 7.0})


def text(page: HybridPage, *, explain: bool = False) -> str:
    console = Console(width=120, markup=False)
    with console.capture() as captured:
        console.print(page_view(page, explain=explain))
    return captured.get()


def test_what_matched_is_marked():
    """A snippet's HTML becomes text with what matched between asterisks and in colour."""
    made = snippet("Adults with <em>pain</em> &amp;\n<em>fever</em>")
    assert "Adults with *pain* & *fever*" == made.plain
    assert ["*pain*", "*fever*"] == [
        made.plain[span.start : span.end] for span in made.spans if "yellow" in str(span.style)
    ]


def test_a_hit_shows_document_section_and_ranks():
    """A hit names its document and section, and where each arm that has found it has it."""
    assert [
        "4 hits",
        " 1. ctgov:NCT05814159  A trial",
        "    Eligibility  score 0.663  bm25 1 · dense 3",
        "    *pain*",
        "3 more: a larger --size, or the cursor that --json gives",
    ] == text(PAGE).splitlines()


def test_an_explanation_has_scores_and_times():
    """With --explain each rank has its score, and the page what each arm took."""
    shown = text(PAGE, explain=True)

    assert "bm25 1 (12.5) · dense 3 (0.71)" in shown
    assert "took bm25 4 ms · search 7 ms" in shown


def test_the_reranker_has_a_rank_of_its_own():
    """Where a reranker has put the hit stands behind the arms."""
    reranked = HIT.model_copy(update={"rerank": Place(rank=2, score=0.9)})

    assert "dense 3 · rerank 2" in text(PAGE.model_copy(update={"hits": [reranked]}))


def test_facets_are_shown_by_field():
    """The values of each field with their counts, the most frequent first."""
    facets = {Facet.SOURCE: [FacetCount(value="ctgov", count=3), FacetCount(value="pubmed", count=1)], Facet.DATE: []}

    assert ["source: ctgov 3 · pubmed 1", "date: none"] == (
        text(PAGE.model_copy(update={"facets": facets})).splitlines()[-2:]
    )


def test_what_the_answer_lacks_is_said_first():
    """A partial answer says so, with what to do."""
    failure = PartialFailure(arm="dense", code="search_unavailable", message="it is down", remedy="Start it.")

    assert (
        "without dense [search_unavailable]: it is down -> Start it."
        == text(PAGE.model_copy(update={"partial": [failure]})).splitlines()[0]
    )


def test_nothing_found_is_said():
    """An empty page is no error."""
    page = PAGE.model_copy(update={"hits": [], "total": 0, "cursor": None})

    assert "nothing found\n" == text(page)


def test_an_unknown_section_is_refused():
    """A section type that there is not is refused before anything is asked."""
    with pytest.raises(InvalidRequest, match="section_type"):
        request_of("pain", "default", 10, filters={"section_type": ["nonsense"]})


def test_what_is_not_said_is_left_to_the_service():
    """An option that was not given is not in the request."""
    assert {"query", "tenant", "size"} == request_of("pain", "default", 10, arms=None, cursor=None).model_fields_set
