"""What the Biolink model does not have is told."""

import pytest
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_vocabulary.prefixes import PREFIXES

from tests.biolink import MODEL, problems

DRUG = Entity(id="MESH:D000077206", category="biolink:Drug", name="Gabapentin")
PAIN = Entity(id="MESH:D010146", category="biolink:PhenotypicFeature", name="Pain")
TRIAL = Entity(id="CLINICALTRIALS:NCT00000001", category="biolink:ClinicalTrial", name="Gabapentin for pain")
TREATS = Claim(
    document_id="t1", subject=DRUG.id, predicate="biolink:treats", object=PAIN.id,
    evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value="x"),),
    knowledge_source="infores:clinicaltrials-gov", knowledge_level="knowledge_assertion", agent_type="manual_agent",
    qualifiers={"object_direction_qualifier": "decreased"},
)  # fmt: skip


def told(claim: Claim = TREATS, drug: Entity = DRUG) -> set[str]:
    """What is told of a claim on a drug."""
    entities = Entities(
        document_id="t1", document=TRIAL, entities=(drug, PAIN), mentions=(), extraction=Extraction(version="1")
    )
    return problems(entities, Claims(document_id="t1", claims=(claim,)))


def test_what_is_right_is_not_told() -> None:
    """A drug treats a phenotype, and decreases it."""
    assert set() == told()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"predicate": "biolink:cures"}, "predicate cures"),
        ({"predicate": "biolink:was_tested_for_effect_on"}, "predicate was_tested_for_effect_on"),
        ({"subject": PAIN.id}, "treats of or to PhenotypicFeature, which is no ChemicalOrDrugOrTreatment"),
        ({"knowledge_source": "ctgov:x"}, "knowledge source ctgov:x"),
        ({"publications": ("pubmed:1",)}, "prefix pubmed of a publication"),
        ({"qualifiers": {"mood_qualifier": "x"}}, "qualifier mood_qualifier"),
        ({"qualifiers": {"object_direction_qualifier": "up"}}, "object_direction_qualifier up"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told(change: dict, expected: str) -> None:
    """A name that the model lacks or has given up, ends that do not fit, values that are none."""
    assert {expected} == told(TREATS.model_copy(update=change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"category": "biolink:Medicine"}, {"category Medicine"}),
        ({"category": "biolink:InformationContentEntity"}, {"category InformationContentEntity"}),
        ({"xrefs": ("drug:1",)}, {"prefix drug"}),
    ],
)
def test_what_is_wrong_with_an_entity_is_told(change: dict, expected: set[str]) -> None:
    """A category that the model lacks, or that it has only for others to be one of, and a strange prefix."""
    related = TREATS.model_copy(update={"predicate": "biolink:related_to"})

    assert expected == told(related, DRUG.model_copy(update=change))


def test_levels_and_agents_are_the_models() -> None:
    """What a claim may have of either is exactly what the model has."""
    levels, agents = (Claim.model_fields[name].annotation for name in ("knowledge_level", "agent_type"))

    assert (MODEL["knowledge_levels"], MODEL["agent_types"]) == (sorted(levels.__args__), sorted(agents.__args__))


def test_an_id_that_kgx_takes_for_none_is_told() -> None:
    """One with a "/" or a second ":" behind the prefix."""
    entities = Entities(
        document_id="t1", document=TRIAL.model_copy(update={"id": "CLINICALTRIALS:NCT00000001/arm/0"}), entities=(),
        mentions=(), extraction=Extraction(version="1"),
    )  # fmt: skip

    assert {"id CLINICALTRIALS:NCT00000001/arm/0"} == problems(entities, Claims(document_id="t1", claims=()))


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_a_vocabularys_prefix_is_the_models(prefix: str) -> None:
    """What a file's prefixes become is what Biolink prefers."""
    assert prefix in MODEL["prefixes"]
