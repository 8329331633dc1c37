"""The KG stage behaves as every stage does, with a real Neo4j."""

import uuid
from collections.abc import AsyncIterator

import pytest
from medkg_graph import GraphServer
from medkg_kg import app
from medkg_stagekit.testing import StageSuite

from .examples import example


@pytest.mark.integration
class TestKGStageSuite(StageSuite):
    service = app.service
    stage_type = "KGStage"
    examples = (example("NCT1"), example("NCT2"))
    refused = example("NCT3", about="MESH:D2")

    @pytest.fixture(autouse=True)
    async def graph(self, neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        """A tenant of its own, whose part of the graph goes with the test."""
        monkeypatch.setenv("MK_NEO4J_URL", neo4j_url)
        self.tenant = f"suite-{uuid.uuid4().hex[:12]}"
        yield
        server = GraphServer(neo4j_url)
        await server.write(lambda tx: tx.run("MATCH (n {tenant: $tenant}) DETACH DELETE n", tenant=self.tenant))
        await server.close()
