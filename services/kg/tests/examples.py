"""Documents for tests of the KG stage."""

from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_stagekit.testing import Example


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
