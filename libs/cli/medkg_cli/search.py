"""`medkg search`: finds passages in what was indexed."""

import re
from html import unescape
from typing import Annotated, Final

import typer
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import first_violation
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_search import ChunkSearch, SearchFilters, SearchHit, SearchPage, SearchServer
from medkg_search.settings import SearchSettings
from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from .exits import run
from .output import JsonOption, print_json, show
from .settings import load_settings

NO_FILTERS: Final = SearchFilters()

_MARK: Final = re.compile(r"<em>(.*?)</em>", re.DOTALL)


def search(
    text: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose documents are searched.")] = DEFAULT_TENANT,
    source: Annotated[list[str] | None, typer.Option(help="Only documents of this source; repeatable.")] = None,
    section: Annotated[list[str] | None, typer.Option(help="Only sections of this type; repeatable.")] = None,
    size: Annotated[int, typer.Option(min=1, max=100, help="Hits on a page.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="Continue where the page that gave it ended.")] = None,
    json: JsonOption = False,
) -> None:
    """Search the text of all indexed documents, best hits first."""
    page = run(find(load_settings(), text, tenant, filters_of(source or (), section or ()), size, cursor))
    if json:
        print_json(page)
    else:
        show(page_view(page))


def filters_of(source: tuple[str, ...] | list[str], section: tuple[str, ...] | list[str]) -> SearchFilters:
    """The filters.

    Raises:
        InvalidRequest: there is no such source name or section type.
    """
    try:
        return SearchFilters.model_validate({"source": tuple(source), "section_type": tuple(section)})
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


async def find(
    settings: SearchSettings, text: str, tenant: str, filters: SearchFilters, size: int, cursor: str | None = None
) -> SearchPage:
    """One page of hits.

    Raises:
        InvalidRequest: something of the search breaks its rule.
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer, or not with all that there is.
    """
    server = SearchServer(settings.opensearch_url)
    try:
        return await ChunkSearch(server).search(text, tenant, filters, size, cursor)
    finally:
        await server.close()


def page_view(page: SearchPage) -> RenderableType:
    """A page for people."""
    if not page.hits:
        return Text("nothing found")
    parts: list[RenderableType] = [Text(f"{page.total} hits", style="dim")]
    for number, hit in enumerate(page.hits, 1):
        parts += hit_view(number, hit)
    if page.cursor is not None:
        parts.append(Text(f"more: --cursor {page.cursor}", style="dim"))
    return Group(*parts)


def hit_view(number: int, hit: SearchHit) -> list[RenderableType]:
    """A hit: its document, its section, and the passages that matched."""
    chunk = hit.chunk
    title = Text.assemble((f"{number:>2}. ", "dim"), (chunk.document_id, "bold"), f"  {chunk.document_title}")
    place = Text(f"{chunk.section_title or chunk.section_type}  score {hit.score:.2f}", style="dim")
    return [
        title,
        *(Padding(part, (0, 0, 0, 4), expand=False) for part in (place, *(snippet(html) for html in hit.snippets))),
    ]


def snippet(html: str) -> Text:
    """A passage with what matched in colour, and between asterisks, since a file has no colours."""
    made = Text()
    for position, part in enumerate(_MARK.split(html)):
        made.append(*((f"*{unescape(part)}*", "bold yellow") if position % 2 else (unescape(part), "")))
    return Text(" ").join(made.split("\n"))
