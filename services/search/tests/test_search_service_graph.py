"""The knowledge graph over HTTP: a tenant's questions, and an operator's Cypher only where it is wanted."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_graph import GraphServer, GraphWriter, facts_of
from medkg_search.hybrid import Arm
from medkg_search_service.graph import cypher_route, graph_routes
from medkg_search_service.server import create_app
from medkg_search_service.settings import SearchServiceSettings
from medkg_stack.ports import free_port
from pydantic import ValidationError

from .fakes import FakeIndex, FakePart, Record
from .searching import FakeArm, search_over

TENANT = "graph-http"
STUDY = "CLINICALTRIALS:NCT00000001"
HEADER = {"X-Medkg-Tenant": TENANT}


def client(server: GraphServer, *, cypher: bool = False, timeout_s: float = 10.0) -> httpx.AsyncClient:
    """A search node that cannot search yet."""
    search = search_over(FakeIndex([]), {Arm.BM25: FakeArm([])})
    app = create_app(search, FakePart([Record("d1")]), lambda: "it has not caught up", 5)
    app.include_router(graph_routes(server, timeout_s))
    if cypher:
        app.include_router(cypher_route(server, timeout_s))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://search")


@pytest.fixture
async def server(neo4j_url: str) -> AsyncIterator[GraphServer]:
    """A graph with a study of a drug for pain."""
    one = GraphServer(neo4j_url)
    entities = Entities(
        document_id="ctgov:NCT00000001",
        document=Entity(id=STUDY, category="biolink:ClinicalTrial", name="A trial"),
        entities=(
            Entity(id=f"{STUDY}/arm/0", category="biolink:Cohort", name="Placebo"),
            Entity(id="MESH:D1", category="biolink:Drug", name="Pregabalin"),
            Entity(id="MESH:D2", category="biolink:Disease", name="Low Back Pain"),
        ),
        mentions=(),
        extraction=Extraction(version="1"),
    )
    claims = (_claim("MESH:D1", "in_clinical_trials_for", "MESH:D2"), _claim(STUDY, "related_to", "MESH:D2"))
    facts = facts_of(TENANT, entities, Claims(document_id="ctgov:NCT00000001", claims=claims))
    await GraphWriter(one).write([facts])
    yield one
    await one.close()


def _claim(subject: str, predicate: str, object_: str) -> Claim:
    return Claim(
        document_id="ctgov:NCT00000001",
        subject=subject,
        predicate=f"biolink:{predicate}",
        object=object_,
        qualifiers={"role": "condition"},
        evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value="x"),),
        knowledge_source="infores:clinicaltrials-gov",
        knowledge_level="knowledge_assertion",
        agent_type="manual_agent",
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["remedy"]
    return answer.status_code, error["code"]


@pytest.mark.integration
async def test_a_tenants_graph_answers_before_the_node_can_search(server: GraphServer) -> None:
    """Entities, one of them, neighbours, ways, evidence and trials, by ids or names."""
    async with client(server) as http:

        async def asked(path: str, **params: Any) -> Any:
            answer = await http.get(f"/v1/graph/{path}", params=params, headers=HEADER)
            assert 200 == answer.status_code, answer.text
            return answer.json()

        found = await asked("entities", text="back pain")
        arm = await asked(f"entities/{STUDY}/arm/0")
        near = await asked("entities/pregabalin/neighbours", hops=2, predicate=["in_clinical_trials_for", "related_to"])
        ways = await asked("paths", start="pregabalin", end=STUDY)
        said = await asked("evidence", subject="pregabalin", object="MESH:D2")
        tried = await asked("trials", condition="low back pain")

    assert (["MESH:D2"], "Placebo") == ([each["id"] for each in found["entities"]], arm["name"])
    assert ["MESH:D2", STUDY] == [each["node"]["id"] for each in near["neighbours"]]
    assert [["MESH:D1", "MESH:D2", STUDY]] == [[node["id"] for node in path["nodes"]] for path in ways["paths"]]
    assert [(1, ["/a"])] == [
        (each["supporting"], [part["pointer"] for part in each["claims"][0]["evidence"]]) for each in said["statements"]
    ]
    assert [STUDY] == [each["id"] for each in tried["trials"]]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("entities/MESH:D1", {}, 400, "request_invalid"),
        ("entities/MESH:D1", {"tenant": "other"}, 404, "not_found"),
        ("entities/MESH:D1", {"tenant": "A*"}, 400, "request_invalid"),
        ("entities", {"tenant": TENANT, "text": "x", "limit": 501}, 400, "request_invalid"),
        ("entities/MESH:D1/neighbours", {"tenant": TENANT, "hops": 3}, 400, "request_invalid"),
        ("entities/MESH:D1/neighbours", {"tenant": TENANT, "predicate": "x]-() //"}, 400, "request_invalid"),
        ("cypher", {"tenant": TENANT}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    server: GraphServer, path: str, params: Mapping[str, Any], status: int, code: str
) -> None:
    """No tenant, another one, what breaks a rule, and what is not there."""
    async with client(server) as http:
        answer = await http.get(f"/v1/graph/{path}", params=params)

    assert (status, code) == refusal(answer)


@pytest.mark.integration
async def test_cypher_is_an_operators(server: GraphServer) -> None:
    """It is not there unless it is wanted; it reads, and Neo4j itself refuses to write and ends what takes too long."""
    statements = {
        "reads": ("MATCH (n {tenant: $t, id: 'MESH:D1'}) RETURN n.name", {"t": TENANT}),
        "writes": ("CREATE (n:Entity)", {}),
        "long": ("UNWIND range(1, 1000000000) AS x RETURN count(x)", {}),
    }

    async def post(http: httpx.AsyncClient, name: str) -> httpx.Response:
        statement, parameters = statements[name]
        return await http.post("/v1/graph/cypher", json={"statement": statement, "parameters": parameters})

    async with client(server) as http:
        assert 404 == (await post(http, "reads")).status_code
    async with client(server, cypher=True, timeout_s=0.3) as http:
        assert [["Pregabalin"]] == (await post(http, "reads")).json()["rows"]
        assert (400, "request_invalid") == refusal(await post(http, "writes"))
        assert (504, "unfinished") == refusal(await post(http, "long"))


async def test_a_graph_that_is_away_is_told() -> None:
    """Nobody has Neo4j there; searches are another matter."""
    server = GraphServer(f"bolt://127.0.0.1:{free_port()}", timeout_s=0.1)
    async with client(server) as http:
        answer = await http.get("/v1/graph/entities/MESH:D1", headers=HEADER)
    await server.close()

    assert (503, "graph_unavailable") == refusal(answer)


async def test_what_can_be_asked_is_described() -> None:
    """With examples, and the errors of all paths."""
    server = GraphServer(f"bolt://127.0.0.1:{free_port()}")
    async with client(server) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
    await server.close()
    evidence = paths["/v1/graph/evidence"]["get"]

    assert {f"/v1/graph/{path}" for path in (
        "entities", "entities/{name}", "entities/{name}/neighbours", "paths", "evidence", "trials"
    )} == {path for path in paths if path.startswith("/v1/graph")}  # fmt: skip
    assert "pregabalin" in str(evidence["parameters"])
    assert {"200", "400", "404", "503", "504"} <= evidence["responses"].keys()


def test_cypher_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that others reach would show them all tenants' graphs."""
    monkeypatch.setenv("MK_SEARCH_CYPHER", "true")
    assert SearchServiceSettings().search_cypher
    monkeypatch.setenv("MK_SEARCH_HOST", "0.0.0.0")  # noqa: S104 - what is refused
    with pytest.raises(ValidationError, match="MK_SEARCH_CYPHER shows all tenants' graphs"):
        SearchServiceSettings()
