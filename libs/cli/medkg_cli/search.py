"""`medkg search`: finds passages in what was indexed."""

from collections.abc import Mapping, Sequence
from html import unescape
from typing import Annotated, Any, Final

import typer
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import first_violation
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.search import search as ask
from medkg_search.expansion import Expansion, ExpansionMatch
from medkg_search.highlight import MARKED
from medkg_search.hybrid import (
    Arm,
    Facet,
    FacetCount,
    HybridHit,
    HybridPage,
    HybridRequest,
    PartialFailure,
    SimilarRequest,
)
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .exits import run
from .next_page import keep_next, kept_next
from .output import JsonOption, duration, print_json, show, table
from .settings import load_settings

#: Names of an expansion that are shown; the JSON has all.
_TOLD_NAMES: Final = 8
#: What the fields are called in which a hit has what it was expanded to.
_PLACES: Final[Mapping[str, str]] = {
    "text": "text",
    "document_title": "title",
    "section_title": "section title",
    "named": "what its text names",
    "entities": "what its document is about",
}


def search(  # noqa: PLR0913 - what a search may say
    text: Annotated[
        str | None, typer.Argument(help='What to look for: words, "exact phrases", field:value, -not.')
    ] = None,
    *,
    like: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Look for what is like this chunk or document; an NCT number does, too."),
    ] = None,
    following: Annotated[
        bool, typer.Option("--next", help="Show the page behind the one that was shown last.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="Whose documents are searched.")] = DEFAULT_TENANT,
    source: Annotated[list[str] | None, typer.Option(help="Only documents of this source; repeatable.")] = None,
    section: Annotated[list[str] | None, typer.Option(help="Only sections of this type; repeatable.")] = None,
    entity: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|NAME", help="Only what is about this thing, such as MESH:D003924; each of several."),
    ] = None,
    expand: Annotated[
        list[str] | None,
        typer.Option(metavar="VOCABULARY", help="Look for other names and narrower terms, too: mesh; repeatable."),
    ] = None,
    arm: Annotated[list[Arm] | None, typer.Option(help="Search in this way only; repeatable.")] = None,
    facet: Annotated[list[Facet] | None, typer.Option(help="Count what matches by this field; repeatable.")] = None,
    size: Annotated[int, typer.Option(min=1, max=100, help="Hits on a page.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="Continue where the page ended whose JSON has it.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each arm's score, and what it took.")] = False,
    json: JsonOption = False,
) -> None:
    """Search all indexed documents by words, by terms of a model and by meaning, best hits first."""
    settings = load_settings()
    if following:
        if text is not None or like is not None or cursor is not None:
            raise InvalidRequest("--next goes on with the last search; it takes no text, no --like and no --cursor")
        request = kept_next(settings.stack_root)
    else:
        filters = {"source": source or (), "section_type": section or (), "entity": entity or ()}
        more = {"filters": filters, "arms": arm, "facets": facet, "cursor": cursor, "expand": expand}
        request = request_of(text, tenant, size, like=like, **more)
    page = run(ask(settings.search_url, request))
    kept = keep_next(settings.stack_root, request, page)
    if json:
        print_json(page)
    else:
        show(page_view(page, explain=explain, kept=kept))


def request_of(
    text: str | None,
    tenant: str,
    size: int,
    *,
    like: str | None = None,
    **more: Any,  # noqa: ANN401 - checked by the model
) -> HybridRequest | SimilarRequest:
    """The request; what is None in `more` is not said.

    Raises:
        InvalidRequest: something of it breaks its rule.
    """
    if (text is None) == (like is None):
        raise InvalidRequest("say what to look for: a text, or --like with an id")
    said = {name: value for name, value in more.items() if value is not None}
    try:
        if like is not None:
            return SimilarRequest.model_validate({"like": like, "tenant": tenant, "size": size, **said})
        return HybridRequest.model_validate({"query": text, "tenant": tenant, "size": size, **said})
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def page_view(page: HybridPage, *, explain: bool = False, kept: bool = False) -> RenderableType:
    """A page for people.

    Args:
        page: what was found.
        explain: show each arm's score, and what it took.
        kept: whether ``--next`` gives the page behind it.
    """
    parts: list[RenderableType] = [failure_view(failure) for failure in page.partial]
    parts += [expansion_view(expansion) for expansion in page.expansions]
    if not page.hits:
        return Group(*parts, Text("nothing found"))
    parts.append(Text(f"{page.total} hits", style="dim"))
    for hit in page.hits:
        parts += hit_view(hit, explain=explain)
    parts += [facet_view(facet, counts) for facet, counts in page.facets.items()]
    if explain:
        took = (f"{part} {duration(ms)}" for part, ms in page.took_ms.items())
        parts.append(Text(f"took {' · '.join(took)}", style="dim"))
    if page.cursor is not None:
        more = page.total - page.hits[-1].rank
        how = "medkg search --next" if kept else "a larger --size, or the cursor that --json gives"
        parts.append(Text(f"{more} more: {how}", style="dim"))
    return Group(*parts)


def ranking_view(page: HybridPage) -> Table:
    """A page as a table: the rank and the score of each hit, and its rank in each arm."""
    arms = [arm.value for arm in Arm]
    rows = (
        (
            str(hit.rank),
            f"{hit.score:.3f}",
            *(str(hit.arms[arm].rank) if arm in hit.arms else "-" for arm in Arm),
            hit.chunk.document_id,
            hit.chunk.section_title or hit.chunk.section_type,
            hit.chunk.document_title,
        )
        for hit in page.hits
    )
    numbers = ("#", "fused", *arms)
    return table(None, (*numbers, "document", "section", "title"), rows, numbers=numbers)


def failure_view(failure: PartialFailure) -> Text:
    """What the answer lacks."""
    told = f"without {failure.arm} [{failure.code}]: {failure.message} -> {failure.remedy}"
    return Text(told, style="yellow")


def expansion_view(expansion: Expansion) -> Text:
    """What was looked for beside the words of the query: ``heart attack (mesh MESH:D009203): also infarction``."""
    names = [name.text for name in expansion.names]
    told = [", ".join(names[:_TOLD_NAMES]) + (f" and {more} more" if (more := len(names) - _TOLD_NAMES) > 0 else "")]
    if expansion.descendants:
        told.append(f"{expansion.descendants} terms below by their ids")
    also = "; ".join(part for part in told if part) or "the term by its id"
    return Text.assemble((expansion.typed, "bold"), f" ({expansion.vocabulary} {expansion.id}): also {also}")


def match_view(match: ExpansionMatch) -> str:
    """What a hit has of an expansion: ```infarction` for `heart attack` (synonym, MESH:D009203) in text``."""
    places = ", ".join(_PLACES[field] for field in match.fields)
    return f"`{match.by}` for `{match.typed}` ({match.relation}, {match.id}) in {places}"


def facet_view(facet: Facet, counts: Sequence[FacetCount]) -> Text:
    """How many chunks of how many documents match, by a field's values: ``source: ctgov 31 in 4 · pubmed 2 in 2``."""
    named = ((f"{each.value} {each.name}" if each.name else each.value, each) for each in counts)
    told = " · ".join(f"{name} {each.chunks} in {each.documents}" for name, each in named) or "none"
    return Text.assemble((f"{facet}: ", "bold"), told)


def hit_view(hit: HybridHit, *, explain: bool = False) -> list[RenderableType]:
    """A hit: its document, its section, its rank in each arm, and the passages that matched."""
    chunk = hit.chunk
    title = Text.assemble((f"{hit.rank:>2}. ", "dim"), (chunk.document_id, "bold"), f"  {chunk.document_title}")
    place = Text(f"{chunk.section_title or chunk.section_type}  {ranks(hit, explain=explain)}", style="dim")
    matches = [Text(match_view(match), style="dim") for match in hit.expanded]
    return [
        title,
        *(
            Padding(part, (0, 0, 0, 4), expand=False)
            for part in (place, *matches, *(snippet(html) for html in hit.snippets))
        ),
    ]


def ranks(hit: HybridHit, *, explain: bool = False) -> str:
    """The hit's score, and its rank in each arm that has found it: ``score 0.984  bm25 1 · dense 3``.

    Where the query names the hit, so that it comes first whatever its score, that stands behind.
    """
    places = [*((arm.value, place) for arm, place in sorted(hit.arms.items())), ("rerank", hit.rerank)]
    told = (
        f"{name} {place.rank} ({place.score:.4g})" if explain else f"{name} {place.rank}"
        for name, place in places
        if place is not None
    )
    return f"score {hit.score:.3f}  {' · '.join((*told, *(['named'] if hit.named else [])))}"


def snippet(html: str) -> Text:
    """A passage with what matched in colour, and between asterisks, since a file has no colours."""
    made = Text()
    for position, part in enumerate(MARKED.split(html)):
        made.append(*((f"*{unescape(part)}*", "bold yellow") if position % 2 else (unescape(part), "")))
    return Text(" ").join(made.split("\n"))
