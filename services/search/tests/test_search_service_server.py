"""Requests are checked, and errors are told, over HTTP."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from medkg_contracts.errors import SearchUnavailable
from medkg_search.hybrid import Arm
from medkg_search_service.nearest import NearestQuestion, VisibleQuestion
from medkg_search_service.peer import Peer
from medkg_search_service.server import MOST_BYTES, create_app

from .fakes import MODEL, TENANT, FakeIndex, FakePart, Record
from .searching import FakeArm, search_over

RECORDS = [Record(f"d{number}") for number in range(5)]
PART = FakePart(RECORDS)


def client(
    arms: Mapping[Arm, FakeArm] | None = None, unready: str | None = None, timeout_s: float = 5
) -> httpx.AsyncClient:
    search = search_over(FakeIndex(list(RECORDS)), arms or {Arm.BM25: FakeArm([each.id for each in RECORDS])})
    app = create_app(search, PART, lambda: unready, timeout_s)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://search")


async def post(body: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    async with client(**more) as http:
        return await http.post("/v1/search", json=body, headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["remedy"]
    return answer.status_code, error["code"]


async def test_a_search_is_answered() -> None:
    """A body that names tenant and query gets a page of hits."""
    answer = await post({"tenant": TENANT, "query": "pain", "size": 2})

    assert (200, 5, [1, 2]) == (
        answer.status_code,
        answer.json()["total"],
        [hit["rank"] for hit in answer.json()["hits"]],
    )


async def test_the_tenant_may_stand_in_a_header() -> None:
    """As a gateway that knows who asks would set it."""
    assert 200 == (await post({"query": "pain"}, {"X-Medkg-Tenant": TENANT})).status_code


@pytest.mark.parametrize(
    ("body", "header", "message"),
    [
        ({"query": "pain"}, None, "names no tenant"),
        ({"query": "pain", "tenant": TENANT}, "globex", "names two tenants"),
        ({"query": "pain", "tenant": "A*"}, None, "tenant"),
        ({"query": "pain"}, "A*,b", "no tenant id"),
        ({"tenant": TENANT}, None, "query: Field required"),
        ({"query": "", "tenant": TENANT}, None, "query"),
        ({"query": "x" * 10_000, "tenant": TENANT}, None, "query"),
        ({"query": "pain", "tenant": TENANT, "size": 101}, None, "size"),
        ({"query": "pain", "tenant": TENANT, "sise": 10}, None, "sise"),
        ({"query": "pain", "tenant": TENANT, "cursor": "nonsense"}, None, "cursor"),
        ({"query": "pain", "tenant": TENANT, "arms": ["bm26"]}, None, "arms.0"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_refused(body: dict[str, Any], header: str | None, message: str) -> None:
    """The answer names the field and the rule."""
    answer = await post(body, {} if header is None else {"X-Medkg-Tenant": header})

    assert (400, "request_invalid") == refusal(answer)
    assert message in answer.json()["error"]["message"]


async def test_a_tenant_without_index_is_not_found() -> None:
    """Its name may be wrong; that is not the same as no hits."""
    answer = await post({"tenant": "globex", "query": "pain"})

    assert (404, "index_missing") == refusal(answer)


async def test_that_all_arms_are_down_is_an_error() -> None:
    """503, so that a balancer may try another node."""
    answer = await post({"tenant": TENANT, "query": "pain"}, arms={Arm.BM25: FakeArm(error=SearchUnavailable("gone"))})

    assert (503, "search_unavailable") == refusal(answer)


async def test_a_node_that_has_not_caught_up_does_not_answer() -> None:
    """Half a view would give half the hits; other nodes are told the same."""
    async with client(unready="12 records behind") as http:
        answers = [await http.post(path, json={}) for path in ("/internal/v1/nearest", "/internal/v1/visible")]
        answers.append(await http.post("/v1/search", json={"tenant": TENANT, "query": "pain"}))

    assert [(503, "search_unavailable")] * 3 == [refusal(answer) for answer in answers]


async def test_a_search_has_its_time() -> None:
    """One that takes longer is ended, whatever its arms may take."""
    slow = FakeArm()
    slow.hangs = True
    answer = await post({"tenant": TENANT, "query": "pain"}, arms={Arm.BM25: slow}, timeout_s=0.01)

    assert (503, "search_unavailable") == refusal(answer)


@pytest.mark.parametrize("path", ["/v1/search", "/internal/v1/nearest"])
async def test_a_large_request_is_not_read(path: str) -> None:
    """Its body is ended at the limit."""
    async with client() as http:
        answer = await http.post(path, content=b'{"query": "' + b"x" * MOST_BYTES + b'"}')

    assert (413, "request_invalid") == refusal(answer)


async def test_an_unknown_path_is_told_as_json() -> None:
    """As every error is."""
    async with client() as http:
        assert (404, "not_found") == refusal(await http.get("/v1/serach"))


async def test_openapi_describes_searches_and_refusals() -> None:
    """What programs are generated from; what nodes ask each other is no part of it."""
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    assert ["/v1/search", "/v1/similar"] == list(document["paths"])
    assert {"200", "400", "404", "413", "500", "503"} <= set(document["paths"]["/v1/search"]["post"]["responses"])


async def test_another_node_is_answered_what_this_one_has() -> None:
    """A peer's answers are those of its part."""
    nearest = NearestQuestion(tenant=TENANT, model=MODEL, vector=b"\x00\x00\x80\x3f\x00\x00\x00\x00", k=3)
    visible = VisibleQuestion(tenant=TENANT, documents=("d1", "other"))
    async with client() as http:
        peer = Peer(http, "http://search/")

        assert await PART.nearest(nearest) == await peer.nearest(nearest)
        assert await PART.visible(visible) == await peer.visible(visible)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.ConnectError("refused"), "http://search: refused"),
        (httpx.Response(503, text="starting"), "answers 503: starting"),
        (httpx.Response(200, json={"hits": 1}), "none of ours"),
    ],
)
async def test_a_node_that_does_not_answer_is_named(answer: httpx.Response | Exception, message: str) -> None:
    """The error has the node's address and what to do."""

    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        with pytest.raises(SearchUnavailable, match=message) as caught:
            await Peer(http, "http://search").visible(VisibleQuestion(tenant=TENANT, documents=("d",)))
    assert caught.value.info.remedy
