"""The search service is asked, and its refusals are errors again."""

import httpx
import pytest
from medkg_contracts.errors import IndexMissing, InvalidRequest, MedkgError, SearchUnavailable, StageBug
from medkg_operations.search import SearchClient, search
from medkg_search.hybrid import HybridPage, HybridRequest, Refusal, SimilarRequest

REQUEST = HybridRequest(tenant="acme", query="pain", size=3)
PAGE = HybridPage(hits=[], total=0, cursor=None, partial=[], took_ms={})


def answering(answer: httpx.Response | Exception, asked: list[httpx.Request] | None = None) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle)


async def ask(transport: httpx.MockTransport) -> HybridPage:
    async with SearchClient("http://search", transport) as client:
        return await client.search(REQUEST)


async def test_a_search_is_posted() -> None:
    """The service gets what was asked, and its page comes back."""
    asked: list[httpx.Request] = []
    page = await ask(answering(httpx.Response(200, text=PAGE.model_dump_json()), asked))

    assert PAGE == page
    assert (["/v1/search"], REQUEST) == (
        [request.url.path for request in asked],
        HybridRequest.model_validate_json(asked[0].content),
    )


async def test_what_is_like_something_is_asked_elsewhere() -> None:
    """A request for what is like a document goes to a path of its own."""
    asked: list[httpx.Request] = []
    request = SimilarRequest(tenant="acme", like="ctgov:NCT02349698", size=3)
    async with SearchClient("http://search", answering(httpx.Response(200, text=PAGE.model_dump_json()), asked)) as one:
        page = await one.similar(request)

    assert PAGE == page
    assert (["/v1/similar"], request) == (
        [request.url.path for request in asked],
        SimilarRequest.model_validate_json(asked[0].content),
    )


@pytest.mark.parametrize("error", [InvalidRequest("a"), IndexMissing("b"), SearchUnavailable("c"), StageBug("d")])
async def test_a_refusal_is_the_error_that_it_was(error: MedkgError) -> None:
    """Class, message and remedy arrive, so that the command ends with the code that fits."""
    body = Refusal(error=error.info).model_dump_json()

    with pytest.raises(type(error), match=str(error)) as caught:
        await ask(answering(httpx.Response(500, text=body)))
    assert error.info == caught.value.info


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("refused"), httpx.ReadTimeout(""), httpx.Response(502, text="<html>"), httpx.Response(200)],
)
async def test_without_a_service_the_error_says_what_to_do(answer: httpx.Response | Exception) -> None:
    """No answer, and one of somebody else, name the address and the setting."""
    with pytest.raises(SearchUnavailable, match="http://search") as caught:
        await ask(answering(answer))
    assert "MK_SEARCH_URL" in caught.value.info.remedy


async def test_an_address_that_is_none_is_told() -> None:
    """A setting that httpx cannot read is no bug."""
    with pytest.raises(SearchUnavailable, match="no search service answers at http://\\[x"):
        await search("http://[x", REQUEST)
