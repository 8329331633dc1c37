"""`medkg search`: finds passages in what was indexed."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Annotated, Any, Final

import typer
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import first_violation
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.search import search as ask
from medkg_search.hybrid import Arm, Facet, FacetCount, HybridHit, HybridPage, HybridRequest, PartialFailure
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from .exits import run
from .output import JsonOption, duration, print_json, show
from .settings import load_settings

_MARK: Final = re.compile(r"<em>(.*?)</em>", re.DOTALL)


def search(  # noqa: PLR0913 - what a search may say
    text: Annotated[str, typer.Argument(help='What to look for: words, "exact phrases", field:value, -not.')],
    *,
    tenant: Annotated[str, typer.Option(help="Whose documents are searched.")] = DEFAULT_TENANT,
    source: Annotated[list[str] | None, typer.Option(help="Only documents of this source; repeatable.")] = None,
    section: Annotated[list[str] | None, typer.Option(help="Only sections of this type; repeatable.")] = None,
    arm: Annotated[list[Arm] | None, typer.Option(help="Search in this way only; repeatable.")] = None,
    facet: Annotated[list[Facet] | None, typer.Option(help="Count what matches by this field; repeatable.")] = None,
    size: Annotated[int, typer.Option(min=1, max=100, help="Hits on a page.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="Continue where the page ended whose JSON has it.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each arm's score, and what it took.")] = False,
    json: JsonOption = False,
) -> None:
    """Search all indexed documents by words, by terms of a model and by meaning, best hits first."""
    filters = {"source": source or (), "section_type": section or ()}
    request = request_of(text, tenant, size, filters=filters, arms=arm, facets=facet, cursor=cursor)
    page = run(ask(load_settings().search_url, request))
    if json:
        print_json(page)
    else:
        show(page_view(page, explain=explain))


def request_of(text: str, tenant: str, size: int, **more: Any) -> HybridRequest:  # noqa: ANN401 - checked by the model
    """The request; what is None in `more` is not said.

    Raises:
        InvalidRequest: something of it breaks its rule.
    """
    said = {name: value for name, value in more.items() if value is not None}
    try:
        return HybridRequest.model_validate({"query": text, "tenant": tenant, "size": size, **said})
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def page_view(page: HybridPage, *, explain: bool = False) -> RenderableType:
    """A page for people."""
    parts: list[RenderableType] = [failure_view(failure) for failure in page.partial]
    if not page.hits:
        return Group(*parts, Text("nothing found"))
    parts.append(Text(f"{page.total} hits", style="dim"))
    for hit in page.hits:
        parts += hit_view(hit, explain=explain)
    if page.cursor is not None:
        more = page.total - page.hits[-1].rank
        parts.append(Text(f"{more} more: a larger --size, or the cursor that --json gives", style="dim"))
    parts += [facet_view(facet, counts) for facet, counts in page.facets.items()]
    if explain:
        took = (f"{part} {duration(ms)}" for part, ms in page.took_ms.items())
        parts.append(Text(f"took {' · '.join(took)}", style="dim"))
    return Group(*parts)


def failure_view(failure: PartialFailure) -> Text:
    """What the answer lacks."""
    told = f"without {failure.arm} [{failure.code}]: {failure.message} -> {failure.remedy}"
    return Text(told, style="yellow")


def facet_view(facet: Facet, counts: Sequence[FacetCount]) -> Text:
    """How many chunks match by the values of a field: ``source: ctgov 31 · pubmed 4``."""
    told = " · ".join(f"{each.value} {each.count}" for each in counts) or "none"
    return Text.assemble((f"{facet}: ", "bold"), told)


def hit_view(hit: HybridHit, *, explain: bool = False) -> list[RenderableType]:
    """A hit: its document, its section, its rank in each arm, and the passages that matched."""
    chunk = hit.chunk
    title = Text.assemble((f"{hit.rank:>2}. ", "dim"), (chunk.document_id, "bold"), f"  {chunk.document_title}")
    place = Text(f"{chunk.section_title or chunk.section_type}  {ranks(hit, explain=explain)}", style="dim")
    return [
        title,
        *(Padding(part, (0, 0, 0, 4), expand=False) for part in (place, *(snippet(html) for html in hit.snippets))),
    ]


def ranks(hit: HybridHit, *, explain: bool = False) -> str:
    """The hit's score, and its rank in each arm that has found it: ``score 0.984  bm25 1 · dense 3``."""
    places = [*((arm.value, place) for arm, place in sorted(hit.arms.items())), ("rerank", hit.rerank)]
    told = (
        f"{name} {place.rank} ({place.score:.4g})" if explain else f"{name} {place.rank}"
        for name, place in places
        if place is not None
    )
    return f"score {hit.score:.3f}  {' · '.join(told)}"


def snippet(html: str) -> Text:
    """A passage with what matched in colour, and between asterisks, since a file has no colours."""
    made = Text()
    for position, part in enumerate(_MARK.split(html)):
        made.append(*((f"*{unescape(part)}*", "bold yellow") if position % 2 else (unescape(part), "")))
    return Text(" ").join(made.split("\n"))
