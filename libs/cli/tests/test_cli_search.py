"""Hits are shown with what matched."""

import pytest
from medkg_cli.search import filters_of, page_view, snippet
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import Chunk, Span
from medkg_search import SearchHit, SearchPage
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


def text(page: SearchPage) -> str:
    console = Console(width=120, markup=False)
    with console.capture() as captured:
        console.print(page_view(page))
    return captured.get()


def test_what_matched_is_marked():
    """A snippet's HTML becomes text with what matched between asterisks and in colour."""
    made = snippet("Adults with <em>pain</em> &amp;\n<em>fever</em>")
    assert "Adults with *pain* & *fever*" == made.plain
    assert ["*pain*", "*fever*"] == [
        made.plain[span.start : span.end] for span in made.spans if "yellow" in str(span.style)
    ]


def test_a_hit_shows_document_and_section():
    """A hit names its document and section."""
    shown = text(
        SearchPage(hits=[SearchHit(chunk=CHUNK, score=2.5, snippets=["<em>pain</em>"])], total=1, cursor="next")
    )
    assert [
        "1 hits",
        " 1. ctgov:NCT05814159  A trial",
        "    Eligibility  score 2.50",
        "    *pain*",
        "more: --cursor next",
    ] == (shown.splitlines())


def test_nothing_found_is_said():
    """An empty page is no error."""
    assert "nothing found\n" == text(SearchPage(hits=[], total=0, cursor=None))


def test_an_unknown_section_is_refused():
    """A section type that there is not is refused before anything is asked."""
    with pytest.raises(InvalidRequest, match="section_type"):
        filters_of([], ["nonsense"])
