"""What is extracted of real study records: exactly what stands in them, with where it stands."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from medkg_contracts.ir import RawPayload
from medkg_contracts.knowledge import Claim, Claims
from medkg_contracts.stages import StageContext
from medkg_extract.stage import ExtractStage

LeavesOf = Callable[[RawPayload], dict[str, str]]

CONTEXT = StageContext(tenant_id="default", doc_id="", job_id="j", correlation_id="c", pipeline="auto", digest="0" * 12)

#: What has to be a fact wherever a record has it, by its pointer.
WANTED = {
    "a MeSH term": r"/derivedSection/\w+BrowseModule/(meshes|ancestors)/\d+/id",
    "a reference": r"/protocolSection/referencesModule/references/\d+/pmid",
    "a p-value": r"/resultsSection/outcomeMeasuresModule/outcomeMeasures/\d+/analyses/\d+/pValue",
    "a condition": r"/protocolSection/conditionsModule/conditions/\d+",
    "an intervention": r"/protocolSection/armsInterventionsModule/interventions/\d+/name",
    "an arm": r"/protocolSection/armsInterventionsModule/armGroups/\d+/label",
    "an outcome": r"/protocolSection/outcomesModule/\w+Outcomes/\d+/measure",
    "a sponsor": r"/protocolSection/sponsorCollaboratorsModule/(leadSponsor|collaborators/\d+)/name",
    "a measurement": r"/resultsSection/outcomeMeasuresModule/outcomeMeasures/.*/measurements/\d+/value",
    "people with an adverse event": r"/resultsSection/adverseEventsModule/\w+Events/\d+/stats/\d+/numAffected",
}


@pytest.mark.parametrize("what", WANTED)
def test_nothing_of_a_kind_is_left_out(what: str, studies: Mapping, extracted: Mapping, leaves_of: LeavesOf) -> None:
    """Every field of the kind, in every recorded study, is evidence of a claim."""
    kind = re.compile(WANTED[what])
    wanted = {(nct, at) for nct, (payload, _) in studies.items() for at in leaves_of(payload) if kind.fullmatch(at)}
    proved = {
        (nct, part.pointer) for nct, (_, said) in extracted.items() for claim in said.claims for part in claim.evidence
    }

    assert wanted
    assert set() == wanted - proved


def test_evidence_is_what_stands_there(studies: Mapping, extracted: Mapping, leaves_of: LeavesOf) -> None:
    """Each piece of evidence has the record's digest and quotes the very field that its pointer leads to."""
    for nct, (_, said) in extracted.items():
        payload, _ = studies[nct]
        there = leaves_of(payload)
        parts = [part for claim in said.claims for part in claim.evidence]

        assert {payload.sha256} == {part.payload for part in parts}
        assert [there[part.pointer][:1000] for part in parts] == [part.value for part in parts]


def test_every_claim_is_about_entities_that_are_told(extracted: Mapping) -> None:
    """Subject and object of a claim are among the entities, or the trial itself; each entity is there once."""
    for entities, said in extracted.values():
        ids = Counter(each.id for each in (*entities.entities, entities.document))

        assert {1} == set(ids.values())
        assert set() == {end for claim in said.claims for end in (claim.subject, claim.object)} - ids.keys()


def test_a_study_is_about_what_it_is_registered_for(studies: Mapping, extracted: Mapping, leaves_of: LeavesOf) -> None:
    """A study is about the registry's terms for its conditions and interventions, not about the terms above those."""
    kind = re.compile(r"/derivedSection/(?:condition|intervention)BrowseModule/meshes/\d+/id")
    for nct, (entities, _) in extracted.items():
        payload, _ = studies[nct]
        terms = {f"MESH:{value}" for at, value in leaves_of(payload).items() if kind.fullmatch(at)}
        registered = {each for each in entities.about if re.match(r"MEDKG:(condition|intervention)-", each)}

        assert terms == set(entities.about) - registered
        assert set(entities.about) <= {each.id for each in entities.entities}


def claims_of(said: Claims, predicate: str) -> list[Claim]:
    return [claim for claim in said.claims if claim.predicate == f"biolink:{predicate}"]


async def test_an_analysis_has_its_groups_estimate_interval_and_p_value(
    stage: ExtractStage, given_of: Callable
) -> None:
    """What comparing two groups has given is one claim, with numbers as numbers and the p-value as it was written."""
    body = b"""{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}},
      "resultsSection": {"outcomeMeasuresModule": {"outcomeMeasures": [{"title": "Pain at 6 weeks", "type": "PRIMARY",
        "groups": [{"id": "OG000", "title": "Gabapentin"}, {"id": "OG001", "title": "Placebo"}],
        "analyses": [{"groupIds": ["OG000", "OG001"], "pValue": "<0.001", "paramType": "Mean Difference",
          "paramValue": "-1.4", "ciPctValue": "95", "ciLowerLimit": "-2.1", "ciUpperLimit": "-0.7",
          "statisticalMethod": "ANCOVA"}]}]}}}"""
    payload, document = given_of(body, "NCT00000001")
    entities, said = await stage.execute(CONTEXT, [payload], document, [])
    (claim,) = claims_of(said, "associated_with")
    names = {each.id: each.name for each in entities.entities}

    assert ("Gabapentin", "Pain at 6 weeks") == (names[claim.subject], names[claim.object])
    assert {
        "groups": ["Gabapentin", "Placebo"], "analysis": 0, "p_value": 0.001, "p_value_text": "<0.001",
        "estimate_type": "Mean Difference", "estimate": -1.4, "confidence_percent": 95.0, "lower_limit": -2.1,
        "upper_limit": -0.7, "method": "ANCOVA",
    } == claim.qualifiers  # fmt: skip
    assert "/resultsSection/outcomeMeasuresModule/outcomeMeasures/0/analyses/0/pValue" == claim.evidence[0].pointer


async def test_what_a_record_says_twice_is_one_claim(stage: ExtractStage, given_of: Callable) -> None:
    """A condition that is registered twice, in other letters, is one entity and one claim with two places."""
    body = b"""{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"},
                 "conditionsModule": {"conditions": ["Low  back pain", "low back PAIN"]}}}"""
    payload, document = given_of(body, "NCT00000001")
    entities, said = await stage.execute(CONTEXT, [payload], document, [])
    (claim,) = said.claims

    assert ["Low  back pain"] == [each.name for each in entities.entities]
    assert ["/protocolSection/conditionsModule/conditions/0", "/protocolSection/conditionsModule/conditions/1"] == [
        part.pointer for part in claim.evidence
    ]


async def test_a_record_of_another_form_has_no_structured_facts(stage: ExtractStage, given_of: Callable) -> None:
    """Of a source, or a form of record, that is not known there is the document alone."""
    payload, document = given_of(b'{"protocolSection": {"identificationModule": {}}}', "NCT00000001")
    other = document.model_copy(update={"id": "else:1", "source": "else"})
    entities, said = await stage.execute(CONTEXT, [payload], other, [])

    assert ("Publication", (), ()) == (
        entities.document.category.removeprefix("biolink:"),
        entities.entities,
        said.claims,
    )


async def test_an_adverse_event_that_nobody_had_is_denied(stage: ExtractStage, given_of: Callable) -> None:
    """A group of which nobody had it does not have it; one of which somebody had it does, with how many of how many."""
    body = b"""{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}},
      "resultsSection": {"adverseEventsModule": {
        "eventGroups": [{"id": "EG000", "title": "Gabapentin"}, {"id": "EG001", "title": "Placebo"}],
        "otherEvents": [{"term": "Dizziness", "stats": [
          {"groupId": "EG000", "numAffected": 3, "numAtRisk": 50},
          {"groupId": "EG001", "numAffected": 0, "numAtRisk": 49}]}]}}}"""
    payload, document = given_of(body, "NCT00000001")
    entities, said = await stage.execute(CONTEXT, [payload], document, [])
    names = {each.id: each.name for each in entities.entities}

    assert {("Gabapentin", False, 3, 50), ("Placebo", True, 0, 49)} == {
        (names[claim.subject], claim.negated, claim.qualifiers["has_count"], claim.qualifiers["has_total"])
        for claim in claims_of(said, "has_phenotype")
    }
    assert [claim.id for claim in said.claims] == [
        claim.id for claim in Claims.model_validate_json(said.model_dump_json()).claims
    ]
