"""ClinicalTrials.gov, API v2."""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from aiolimiter import AsyncLimiter
from medkg_contracts.errors import InvalidDocument, InvalidRequest, SourceRefused, SourceUnavailable
from medkg_contracts.ir import RawPayload

from .fetching import Answer, Fetcher
from .json_answer import read_object
from .settings import IngestSettings

NAME = "ctgov"
STUDIES = "/api/v2/studies"

_NCT_ID = re.compile(r"NCT\d{8}", re.ASCII)

#: Parameters that the adapter sets itself: paging is its business, and it reads nothing but JSON.
_OURS = ("fields", "format", "pageSize", "pageToken", "countTotal")

#: Search areas, which a query may name without the prefix that they have among the parameters.
_AREAS = frozenset({"cond", "term", "locn", "titles", "intr", "outc", "spons", "lead", "id", "patient"})


class CtgovSource:
    """Studies of ClinicalTrials.gov."""

    def __init__(self, settings: IngestSettings) -> None:
        self._fetcher = Fetcher(settings, base_url=settings.ctgov_url)
        self._page_size = settings.ctgov_page_size
        # A policy's rate limit counts executions, and one expansion asks for many pages: they have their own pace.
        # At most a second's worth at once; below one a second, one at a time.
        burst = max(1.0, settings.ctgov_rate)
        self._pace = AsyncLimiter(burst, burst / settings.ctgov_rate)

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._fetcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._fetcher.__aexit__()

    def canonical_id(self, text: str) -> str:
        """The NCT id in upper case and without spaces around it.

        Raises:
            InvalidRequest: it is no NCT id.
        """
        nct_id = text.strip().upper()
        if not _NCT_ID.fullmatch(nct_id):
            raise InvalidRequest(f"{text!r} is no NCT id: it has the form NCT and eight digits")
        return nct_id

    async def fetch(self, id: str) -> list[RawPayload]:  # noqa: A002 - the protocol's own word
        """The study's record, as it came.

        A study that was merged into another answers to its old id too; its payload carries the id that it has now.

        Raises:
            InvalidRequest: it is no NCT id.
            SourceUnavailable: no whole answer came.
            SourceRefused: there is no such study.
            InvalidDocument: the answer came whole and is no study.
        """
        asked = self.canonical_id(id)
        answer = await self._fetcher.get(f"{STUDIES}/{asked}")
        record = read_object(answer)
        nct_id, aliases = _ids_of(record, answer)
        if asked != nct_id and asked not in aliases:
            raise SourceRefused(f"{answer.uri} answered with the study {nct_id}, which was not asked for")
        return [
            RawPayload(
                source=NAME,
                source_id=nct_id,
                uri=answer.uri,
                media_type=answer.media_type,
                body=answer.body.decode(),
                sha256=hashlib.sha256(answer.body).hexdigest(),
            )
        ]

    async def search(self, query: Mapping[str, str], limit: int | None) -> AsyncIterator[str]:
        """The ids that the search finds, in the source's order, each once; at most `limit`.

        Raises:
            InvalidRequest: the query sets a parameter that is the adapter's own.
            SourceUnavailable: a page did not come, or the pages run in a circle.
            SourceRefused: the source does not accept the query.
            InvalidDocument: a page came whole and is none.
        """
        for name in query:
            if name in _OURS:
                raise InvalidRequest(f"query.{name}: the adapter sets this parameter itself; leave it out")
        seen: set[str] = set()
        async for nct_id in self._found(query, limit):
            if nct_id not in seen:
                seen.add(nct_id)
                yield nct_id
            if len(seen) == limit:
                return

    async def _found(self, query: Mapping[str, str], limit: int | None) -> AsyncIterator[str]:
        size = min(self._page_size, limit or self._page_size)
        areas = {f"query.{name}" if name in _AREAS else name: value for name, value in query.items()}
        parameters = {**areas, "fields": "NCTId", "pageSize": str(size)}
        tokens: set[str] = set()
        while True:
            async with self._pace:
                answer = await self._fetcher.get(STUDIES, parameters)
            page = read_object(answer)
            for record in _list(page, answer):
                yield _ids_of(record, answer)[0]
            token = page.get("nextPageToken")
            if token is None:
                return
            if not isinstance(token, str) or not token.isprintable():
                raise InvalidDocument(f"{answer.uri}: its nextPageToken {token!r:.100} is none")
            if token in tokens:
                raise SourceUnavailable(f"{answer.uri}: its nextPageToken {token!r} leads back to an earlier page")
            tokens.add(token)
            parameters["pageToken"] = token


def _list(page: Mapping[str, Any], answer: Answer) -> list[Any]:
    studies = page.get("studies")
    if not isinstance(studies, list):
        raise InvalidDocument(f"{answer.uri} answered with no list of studies")
    return studies


def _ids_of(record: Mapping[str, Any], answer: Answer) -> tuple[str, list[Any]]:
    """A study's own id and the ids that it had before."""
    try:
        identification = record["protocolSection"]["identificationModule"]
        nct_id, aliases = identification["nctId"].strip(), identification.get("nctIdAliases")
    except (LookupError, TypeError, AttributeError):
        nct_id, aliases = "", None
    if not _NCT_ID.fullmatch(nct_id):
        raise InvalidDocument(f"{answer.uri} answered with a record that has no nctId: it is no study")
    return nct_id, aliases if isinstance(aliases, list) else []
