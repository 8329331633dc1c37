"""The search: what ``/api/v2/studies`` is asked, and which studies answer it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medkg_contracts.errors import InvalidInput
from medkg_contracts.ids import digest

from .recordings import AREAS, Recordings, Study, canonical_id, words

DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 1000

#: The only projection that is served: the one that a client needs which wants ids alone.
ID_FIELD = "NCTId"

STATUSES = frozenset({
    "ACTIVE_NOT_RECRUITING", "COMPLETED", "ENROLLING_BY_INVITATION", "NOT_YET_RECRUITING", "RECRUITING",
    "SUSPENDED", "TERMINATED", "WITHDRAWN", "AVAILABLE", "NO_LONGER_AVAILABLE",
    "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING", "WITHHELD", "UNKNOWN",
})  # fmt: skip

_PAGING = ("pageSize", "pageToken", "countTotal")
_KNOWN = frozenset({*AREAS, *_PAGING, "filter.ids", "filter.overallStatus", "fields"})
_OPERATOR = re.compile(r"\b(?:OR|NOT|AREA|RANGE|SEARCH|MISSING|COVERAGE|EXPANSION|DISTANCE|ALL)\b")
_SEPARATOR = re.compile(r"[,|]")


@dataclass(frozen=True, slots=True)
class Query:
    """A search request.

    Attributes:
        words: words that must all occur, by search area.
        ids: only these studies; None for any.
        statuses: only studies in one of these; None for any.
        ids_only: answer with ids instead of whole records.
        key: identifies the search whatever its page: a page token is good for one key.
    """

    words: Mapping[str, frozenset[str]]
    ids: frozenset[str] | None
    statuses: frozenset[str] | None
    page_size: int
    page_token: str | None
    count_total: bool
    ids_only: bool
    key: str


def parse_query(pairs: Iterable[tuple[str, str]]) -> Query:
    """The query that these URL parameters ask.

    Raises:
        InvalidInput: a parameter is unknown, repeated or malformed; the message is in the real API's style.
    """
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in _KNOWN:
            raise InvalidInput(f"`{name}` is unknown parameter")
        if name in parameters:
            raise InvalidInput(f"Parameter `{name}` is given more than once")
        parameters[name] = value
    return Query(
        words={area: _search_words(area, parameters[area]) for area in AREAS if area in parameters},
        ids=_ids(parameters.get("filter.ids")),
        statuses=_statuses(parameters.get("filter.overallStatus")),
        page_size=_page_size(parameters.get("pageSize", "")),
        page_token=parameters.get("pageToken"),
        count_total=_flag("countTotal", parameters.get("countTotal", "false")),
        ids_only=_ids_only(parameters.get("fields")),
        key=digest(*(f"{name}={parameters[name]}" for name in sorted(parameters) if name not in _PAGING)),
    )


def find(query: Query, recordings: Recordings) -> list[Study]:
    """The studies that answer the query, by rising id."""
    return [study for study in recordings.studies if _answers(study, query)]


def _answers(study: Study, query: Query) -> bool:
    return (
        (query.ids is None or study.nct_id in query.ids)
        and (query.statuses is None or study.status in query.statuses)
        and all(wanted <= study.words[area] for area, wanted in query.words.items())
    )


def _search_words(area: str, text: str) -> frozenset[str]:
    # A wrong answer would look like a right one, so what is not understood is refused.
    operator = _OPERATOR.search(text)
    if operator is not None:
        raise InvalidInput(f"Parameter `{area}`: the replay server does not know the operator {operator[0]}")
    return words(text.replace(" AND ", " "))


def _ids(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    ids = []
    for number, item in enumerate(_SEPARATOR.split(text), 1):
        nct_id = canonical_id(item.strip())
        if nct_id is None:
            raise InvalidInput(f"Item {number} in parameter `filter.ids` has incorrect format")
        ids.append(nct_id)
    return frozenset(ids)


def _statuses(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    statuses = frozenset(item.strip() for item in _SEPARATOR.split(text))
    for status in sorted(statuses - STATUSES):
        raise InvalidInput(f"Invalid value in parameter `filter.overallStatus`: `{status}`")
    return statuses


def _page_size(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput("Parameter `pageSize` has incorrect format")
    # The real API takes 0 for "not given" and coerces what is too large, without a word.
    return min(int(text or 0) or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidInput(f"Parameter `{name}` has incorrect format")
    return text == "true"


def _ids_only(text: str | None) -> bool:
    if text not in (None, ID_FIELD):
        raise InvalidInput(f"Parameter `fields`: the replay server knows only `{ID_FIELD}`, not `{text}`")
    return text is not None
