"""Questions to the knowledge graph go to the search service, and its refusals are errors again."""

from typing import Any

import httpx
import pytest
from medkg_contracts.errors import GraphUnavailable, InvalidRequest, MedkgError, NotFound, Unfinished
from medkg_contracts.model import Contract
from medkg_graph.trials import Tried
from medkg_graph.views import Found, Neighbourhood, NodeView, Paths, Statements
from medkg_operations.sdk.graph import Graph
from medkg_operations.search import SearchClient
from medkg_search.hybrid import Refusal

NODE = NodeView(id="MESH:D1", category="biolink:Drug", name="Pregabalin")
FOUND = Found(entities=[NODE], more=False)
NEAR = Neighbourhood(entity=NODE, neighbours=[], statements=0, complete=True, more=False)
WAYS = Paths(start=NODE, end=NODE, paths=[], more=False)
SAID = Statements(entity=NODE, other=None, statements=[], complete=True, more=False)
TRIED = Tried(condition=NODE, trials=[], total=0, more=False)


def answering(body: Contract, asked: list[httpx.Request], status: int = 200) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, text=body.model_dump_json())

    return httpx.MockTransport(handle)


@pytest.mark.parametrize(
    ("question", "words", "said", "answer", "url"),
    [
        ("find", ("back pain",), {}, FOUND, "/v1/graph/entities?text=back+pain&limit=10"),
        ("entity", ("X:1/arm/0?",), {}, NODE, "/v1/graph/entities/X%3A1/arm/0%3F"),
        ("neighbours", ("a b",), {"hops": 2}, NEAR, "/v1/graph/entities/a%20b/neighbours?hops=2&limit=50"),
        (
            "neighbours", ("a",), {"predicates": ["treats", "related_to"]}, NEAR,
            "/v1/graph/entities/a/neighbours?predicate=treats&predicate=related_to&hops=1&limit=50",
        ),
        ("paths", ("a", "b"), {}, WAYS, "/v1/graph/paths?start=a&end=b&hops=3&limit=5"),
        ("evidence", ("a",), {"skip": 5}, SAID, "/v1/graph/evidence?subject=a&limit=20&skip=5"),
        ("evidence", ("a", "b"), {"predicate": "treats"}, SAID,
         "/v1/graph/evidence?subject=a&object=b&predicate=treats&limit=20&skip=0"),
        ("trials", ("a",), {"kinds": ["DRUG"]}, TRIED, "/v1/graph/trials?condition=a&kind=DRUG&limit=20&skip=0"),
    ],
)  # fmt: skip
async def test_a_question_is_asked_for_the_connections_tenant(
    question: str, words: tuple[str, ...], said: dict[str, Any], answer: Contract, url: str
) -> None:
    """At its path, with what was said and nothing else; the answer comes back as it is."""
    asked: list[httpx.Request] = []
    async with SearchClient("http://search", answering(answer, asked)) as service:
        got = await getattr(Graph(service, "acme"), question)(*words, **said)

    assert answer == got
    assert [(url, "acme")] == [
        (str(one.url).removeprefix("http://search"), one.headers["X-Medkg-Tenant"]) for one in asked
    ]


async def test_another_tenant_may_be_asked_for() -> None:
    """By the call."""
    asked: list[httpx.Request] = []
    async with SearchClient("http://search", answering(NODE, asked)) as service:
        await Graph(service, "acme").entity("MESH:D1", tenant="globex")

    assert ["globex"] == [one.headers["X-Medkg-Tenant"] for one in asked]


@pytest.mark.parametrize("error", [InvalidRequest("a"), NotFound("b"), GraphUnavailable("c"), Unfinished("d")])
async def test_a_refusal_is_the_error_that_it_was(error: MedkgError) -> None:
    """Class, message and remedy arrive."""
    async with SearchClient("http://search", answering(Refusal(error=error.info), [], 500)) as service:
        with pytest.raises(type(error), match=str(error)) as caught:
            await Graph(service, "acme").entity("x")

    assert error.info == caught.value.info
