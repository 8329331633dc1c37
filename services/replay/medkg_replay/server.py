"""The server: the recorded studies at the paths of the ClinicalTrials.gov API v2."""

from collections.abc import Sequence

import orjson
from medkg_contracts.errors import InvalidInput
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from .faults import Fault, FaultMiddleware
from .paging import page_offset, page_token
from .query import Query, find, parse_query
from .recordings import Recordings, Study, canonical_id

STUDIES = "/api/v2/studies"


def create_app(recordings: Recordings, faults: Sequence[Fault] = ()) -> Starlette:
    """The application that serves these recordings and fails as asked."""

    async def study(request: Request) -> Response:
        return answer_study(recordings, request)

    async def studies(request: Request) -> Response:
        return answer_search(recordings, parse_query(request.query_params.multi_items()))

    return Starlette(
        routes=[
            Route(STUDIES + "/{nct_id}", study),
            Route(STUDIES, studies),
        ],
        middleware=[Middleware(FaultMiddleware, faults=faults)],
        exception_handlers={InvalidInput: _bad_request},
    )


def answer_study(recordings: Recordings, request: Request) -> Response:
    """One study's recorded bytes, a redirect from an earlier id, or the real API's refusal.

    Raises:
        InvalidInput: the id is malformed, or there is a parameter: none is served here.
    """
    for name in request.query_params:
        raise InvalidInput(f"`{name}` is unknown parameter")
    nct_id = canonical_id(request.path_params["nct_id"])
    if nct_id is None:
        raise InvalidInput("Parameter `nctId` has incorrect format")
    if nct_id in recordings.by_id:
        return Response(recordings.by_id[nct_id].body, media_type="application/json")
    if nct_id in recordings.by_alias:
        return RedirectResponse(f"{STUDIES}/{recordings.by_alias[nct_id].nct_id}", 301)
    return PlainTextResponse(f"NCT number {nct_id} not found", 404)


def answer_search(recordings: Recordings, query: Query) -> Response:
    """One page of a search.

    Raises:
        InvalidInput: the page token is not one of this search's.
    """
    found = find(query, recordings)
    start = 0 if query.page_token is None else page_offset(query.page_token, query.key)
    end = start + query.page_size
    parts = [b'"studies":[' + b",".join(_shown(study, query) for study in found[start:end]) + b"]"]
    if query.count_total and query.page_token is None:
        parts.insert(0, b'"totalCount":%d' % len(found))
    if end < len(found):
        parts.append(b'"nextPageToken":' + orjson.dumps(page_token(end, query.key)))
    return Response(b"{" + b",".join(parts) + b"}", media_type="application/json")


def _shown(study: Study, query: Query) -> bytes:
    if query.ids_only:
        return orjson.dumps({"protocolSection": {"identificationModule": {"nctId": study.nct_id}}})
    return study.body


async def _bad_request(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 400)
