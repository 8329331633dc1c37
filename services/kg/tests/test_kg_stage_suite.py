"""The KG stage behaves as every stage does, with a real Neo4j."""

import uuid
from collections.abc import AsyncIterator

import pytest
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_graph import GraphServer
from medkg_kg import app
from medkg_stagekit.testing import Example, StageSuite


def example(number: str, *, about: str = "MESH:D1") -> Example:
    """A trial that is related to a condition, or to something that it does not describe."""
    document = f"ctgov:{number}"
    trial = Entity(id=f"CLINICALTRIALS:{number}", category="biolink:ClinicalTrial", name=number)
    condition = Entity(id="MESH:D1", category="biolink:Disease", name="Asthma")
    claim = Claim(
        document_id=document,
        subject=trial.id,
        predicate="biolink:related_to",
        object=about,
        evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value="Asthma"),),
        knowledge_source="infores:clinicaltrials-gov",
        knowledge_level="knowledge_assertion",
        agent_type="manual_agent",
    )
    entities = Entities(
        document_id=document, document=trial, entities=(condition,), mentions=(), extraction=Extraction(version="1")
    )
    return Example({"entities": entities, "claims": Claims(document_id=document, claims=(claim,))})


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
