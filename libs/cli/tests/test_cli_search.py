"""Hits are shown with what matched, and with each arm's rank."""

from pathlib import Path

import pytest
from medkg_cli.next_page import keep_next, kept_next
from medkg_cli.search import page_view, ranking_view, request_of, snippet
from medkg_contracts.errors import InvalidRequest, NotFound
from medkg_contracts.ir import Chunk, Span
from medkg_search.expansion import Expansion, ExpansionMatch, Relation, SoughtName
from medkg_search.hybrid import Arm, Facet, FacetCount, HybridHit, HybridPage, PartialFailure, Place
from rich.console import Console, RenderableType

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


def text(page: HybridPage, *, explain: bool = False, kept: bool = False) -> str:
    return printed(page_view(page, explain=explain, kept=kept))


def printed(shown: RenderableType) -> str:
    console = Console(width=120, markup=False)
    with console.capture() as captured:
        console.print(shown)
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
        "3 more: medkg search --next",
    ] == text(PAGE, kept=True).splitlines()


def test_an_explanation_has_scores_and_times():
    """With --explain each rank has its score, and the page what each arm took."""
    shown = text(PAGE, explain=True)

    assert "bm25 1 (12.5) · dense 3 (0.71)" in shown
    assert "took bm25 4 ms · search 7 ms" in shown


def test_the_reranker_has_a_rank_of_its_own():
    """Where a reranker has put the hit stands behind the arms."""
    reranked = HIT.model_copy(update={"rerank": Place(rank=2, score=0.9)})

    assert "dense 3 · rerank 2" in text(PAGE.model_copy(update={"hits": [reranked]}))


def test_what_the_query_names_says_so():
    """Such a hit is first whatever its score."""
    named = HIT.model_copy(update={"named": True})

    assert "score 0.663  bm25 1 · dense 3 · named" in text(PAGE.model_copy(update={"hits": [named]}))


def test_facets_are_shown_by_field():
    """The values of each field with their counts, the most frequent first."""
    sources = [FacetCount(value="ctgov", chunks=3, documents=2), FacetCount(value="pubmed", chunks=1, documents=1)]
    page = PAGE.model_copy(update={"facets": {Facet.SOURCE: sources, Facet.DATE: []}, "cursor": None})

    assert ["source: ctgov 3 in 2 · pubmed 1 in 1", "date: none"] == text(page).splitlines()[-2:]


def test_an_entity_that_is_counted_has_its_name():
    """Where a vocabulary has one; else the id has to do."""
    counts = [
        FacetCount(value="MESH:D010146", name="Pain", chunks=3, documents=2),
        FacetCount(value="X:1", chunks=1, documents=1),
    ]
    page = PAGE.model_copy(update={"facets": {Facet.ENTITY: counts}, "cursor": None})

    assert "entities: MESH:D010146 Pain 3 in 2 · X:1 1 in 1" == text(page).splitlines()[-1]


def test_an_expansion_is_shown_once_and_what_a_hit_has_of_it_beside_the_hit():
    """Before the hits stands what was looked for beside the query's words, and with each hit what it has of it."""
    names = [SoughtName(text=f"ache {n}", id="MESH:D010146", relation=Relation.SYNONYM) for n in range(9)]
    expansion = Expansion(
        typed="pain", id="MESH:D010146", name="Pain", vocabulary="mesh", names=tuple(names), descendants=50
    )
    match = ExpansionMatch(
        typed="pain", by="Headache", id="MESH:D006261", relation=Relation.DESCENDANT, fields=("text", "named")
    )
    hit = HIT.model_copy(update={"expanded": [match]})
    shown = text(PAGE.model_copy(update={"hits": [hit], "expansions": [expansion]}), kept=True).splitlines()

    also = ", ".join(f"ache {n}" for n in range(8))
    assert f"pain (mesh MESH:D010146): also {also} and 1 more; 50 terms below by their ids" == " ".join(shown[:2])
    assert "    `Headache` for `pain` (descendant, MESH:D006261) in text, what its text names" in shown


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


def test_a_ranking_has_a_column_for_each_arm():
    """Ranks and fused scores stand in columns; an arm that has not found the hit has a dash."""
    heads, hit = (line.split() for line in printed(ranking_view(PAGE)).splitlines())

    assert ["#", "fused", "bm25", "splade", "dense"] == heads[:5]
    assert ["1", "0.663", "1", "-", "3", "ctgov:NCT05814159"] == hit[:6]


def test_the_next_page_is_kept(tmp_path: Path):
    """What asks for it is the same search with the cursor; behind the last page there is none."""
    request = request_of("pain", "default", 1)
    kept = keep_next(tmp_path / "stack", request, PAGE)
    following = kept_next(tmp_path / "stack")
    last = keep_next(tmp_path / "stack", following, PAGE.model_copy(update={"cursor": None}))

    assert (True, request.model_copy(update={"cursor": "next"}), False) == (kept, following, last)
    with pytest.raises(NotFound, match="no search of this folder has a page behind"):
        kept_next(tmp_path / "stack")


def test_the_next_page_of_what_is_like_something_is_kept(tmp_path: Path):
    """It is told from a search by words."""
    request = request_of(None, "default", 1, like="ctgov:NCT05814159")
    keep_next(tmp_path, request, PAGE)

    assert request.model_copy(update={"cursor": "next"}) == kept_next(tmp_path)


def test_where_nothing_can_be_kept_the_page_says_what_else_to_do(tmp_path: Path):
    """A container's folders cannot be written to; the search is answered all the same."""
    (tmp_path / "file").touch()
    kept = keep_next(tmp_path / "file", request_of("pain", "default", 1), PAGE)

    assert "3 more: a larger --size, or the cursor that --json gives" == text(PAGE, kept=kept).splitlines()[-1]


@pytest.mark.parametrize("said", [{}, {"text": "pain", "like": "ctgov:NCT05814159"}])
def test_a_search_is_for_one_thing(said: dict[str, str]):
    """Neither nothing, nor words and what others are to be like at once."""
    with pytest.raises(InvalidRequest, match="a text, or --like"):
        request_of(said.get("text"), "default", 10, like=said.get("like"))


def test_facets_are_of_words():
    """What is like something is not counted."""
    with pytest.raises(InvalidRequest, match="facets"):
        request_of(None, "default", 10, like="ctgov:NCT05814159", facets=[Facet.SOURCE])


def test_what_is_not_said_is_left_to_the_service():
    """An option that was not given is not in the request."""
    assert {"query", "tenant", "size"} == request_of("pain", "default", 10, arms=None, cursor=None).model_fields_set
