"""The HTTP interface: what is asked, by whom, and how errors are told."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Annotated, Any, Final, TypeVar

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from medkg_contracts.errors import (
    IndexMissing,
    InvalidInput,
    InvalidRequest,
    MedkgError,
    NotFound,
    ResourceUnavailable,
    SearchUnavailable,
    StageBug,
    Unfinished,
)
from medkg_contracts.model import Contract, first_violation
from medkg_search import TenantNames
from medkg_search.hybrid import (
    SEARCH_PATH,
    SIMILAR_PATH,
    TENANT_HEADER,
    HybridPage,
    HybridRequest,
    Refusal,
    SimilarRequest,
)
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from .hybrid import HybridSearch
from .limits import BodyLimit
from .nearest import NearestQuestion, VisibleQuestion
from .peer import NEAREST_PATH, VISIBLE_PATH
from .shards import Part

logger = logging.getLogger(__name__)

#: The largest request that is read: a node asks another about thousands of records at once.
MOST_BYTES: Final = 1024 * 1024

#: The first class that an error is of says the status.
_STATUSES: Final[tuple[tuple[type[MedkgError], int], ...]] = (
    (InvalidInput, 400),
    (IndexMissing, 404),
    (NotFound, 404),
    (ResourceUnavailable, 503),
    (Unfinished, 504),
)
#: What the answers of all paths may be instead of what was asked for.
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Refusal, "description": description}
    for status, description in (
        (400, "The request breaks a rule; the message names which."),
        (404, "The tenant has no index, or no such chunk, document or entity."),
        (413, "The request is too large."),
        (500, "A setting is wrong, or medkg has a bug; the code says which."),
        (503, "No arm has answered, the node is not ready, or the graph does not answer."),
        (504, "A question about the graph took too long."),
    )
}

ContractT = TypeVar("ContractT", bound=Contract)
Tenant = Annotated[str | None, Header(alias=TENANT_HEADER, description="Whose documents, if the body does not say it.")]


def create_app(search: HybridSearch, part: Part, unready: Callable[[], str | None], timeout_s: float) -> FastAPI:
    """The application.

    Args:
        search: answers searches.
        part: this node's part of the view, for other nodes.
        unready: why this node cannot answer yet; None when it can.
        timeout_s: seconds that a request may take.
    """
    app = FastAPI(
        title="medkg search",
        version="1",
        description="Searches what was indexed: BM25, SPLADE and dense vectors, fused by weighted reciprocal ranks.",
    )
    app.add_middleware(BodyLimit, most=MOST_BYTES)
    app.add_exception_handler(MedkgError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)

    def check_ready() -> None:
        if problem := unready():
            raise SearchUnavailable(problem, remedy="Wait until /readyz answers 200, or ask another search node.")

    async def answered(work: Coroutine[Any, Any, HybridPage]) -> HybridPage:
        with closing(work):
            check_ready()
            try:
                async with asyncio.timeout(timeout_s):
                    return await work
            except TimeoutError:
                raise SearchUnavailable(f"the search did not end within {timeout_s:g} s") from None

    @app.post(SEARCH_PATH, response_model=HybridPage, responses=REFUSALS, summary="Search the chunks of a tenant")
    async def post_search(request: HybridRequest, tenant: Tenant = None) -> HybridPage:
        return await answered(search.search(request, tenant_of(request.tenant, tenant)))

    @app.post(
        SIMILAR_PATH,
        response_model=HybridPage,
        responses=REFUSALS,
        summary="Search what is like a chunk or a document",
    )
    async def post_similar(request: SimilarRequest, tenant: Tenant = None) -> HybridPage:
        return await answered(search.similar(request, tenant_of(request.tenant, tenant)))

    @app.post(NEAREST_PATH, include_in_schema=False)
    async def post_nearest(request: Request) -> Response:
        check_ready()
        return _answer(await part.nearest(await _read(request, NearestQuestion)))

    @app.post(VISIBLE_PATH, include_in_schema=False)
    async def post_visible(request: Request) -> Response:
        check_ready()
        return _answer(await part.visible(await _read(request, VisibleQuestion)))

    return app


def tenant_of(said: str | None, header: str | None) -> str:
    """The tenant that a request is about.

    Raises:
        InvalidRequest: it names none, or two, or one that breaks the rule of names.
    """
    named = {each for each in (said, header) if each is not None}
    if len(named) != 1:
        what = "names no tenant" if not named else f"names two tenants: {said!r} and {header!r}"
        raise InvalidRequest(
            f"the request {what}",
            remedy=f"Say whose documents are asked for, as `tenant` or in the header {TENANT_HEADER}.",
        )
    return TenantNames(named.pop()).tenant


async def _read(request: Request, kind: type[ContractT]) -> ContractT:
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def _answer(answer: Contract) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def _refusal(error: MedkgError, status: int) -> Response:
    return Response(Refusal(error=error.info).model_dump_json(), status, media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MedkgError)  # noqa: S101 - what it is registered for
    return _refusal(error, next((status for kind, status in _STATUSES if isinstance(error, kind)), 500))


async def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")[:200]
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return _refusal(InvalidRequest(message, remedy="Correct the field that the message names; see /docs."), 400)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    kind = NotFound if error.status_code == 404 else InvalidRequest
    return _refusal(kind(error.detail, remedy="See /docs for what can be asked here."), error.status_code)


async def _bug(_request: Request, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    return _refusal(StageBug(f"the request failed with {type(error).__name__}", remedy="See the service's log."), 500)
