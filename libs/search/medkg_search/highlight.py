"""Passages of a text in which a search has matched, as OpenSearch marks them. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

#: What a search asks for; the passages of names are for where the text has a name in another form than the query.
HIGHLIGHT: Final[dict[str, Any]] = {
    "type": "unified",
    "encoder": "html",
    "number_of_fragments": 3,
    "fragment_size": 160,
    "no_match_size": 160,
    "max_analyzer_offset": 100_000,
    "fields": {"text": {}, "text.names": {"no_match_size": 0}},
}
#: What matched, in a passage; all else of it is text that is escaped as in HTML.
MARKED: Final = re.compile(r"<em>(.*?)</em>", re.DOTALL)


def snippets(hit: Mapping[str, Any]) -> list[str]:
    """The passages of a hit that a search with `HIGHLIGHT` found: those in which more is marked."""
    found: Mapping[str, list[str]] = hit.get("highlight", {})
    return max((found.get(field, []) for field in HIGHLIGHT["fields"]), key=_marks)


def _marks(passages: list[str]) -> int:
    return sum(len(MARKED.findall(passage)) for passage in passages)
