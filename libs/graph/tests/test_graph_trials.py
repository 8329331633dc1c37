"""What was tried for a condition, with what results."""

from typing import Any

import pytest
from medkg_contracts.errors import NotFound
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction
from medkg_graph import Facts, GraphServer, GraphWriter, facts_of
from medkg_graph.trials import Outcome, TrialsReader

from .facts import claim

pytestmark = pytest.mark.integration

DISC = Entity(id="MESH:D007405", category="biolink:DiseaseOrPhenotypicFeature", name="Intervertebral Disc Displacement")
SPINE = Entity(id="MESH:D013122", category="biolink:DiseaseOrPhenotypicFeature", name="Spinal Diseases")
HERNIA = Entity(id="MEDKG:condition-1", category="biolink:DiseaseOrPhenotypicFeature", name="Disc herniation")


def trial(
    number: int, *, kind: str = "DRUG", tenant: str = "one", results: tuple[Claim, ...] = (), **said: Any
) -> Facts:
    """A study of a drug for disc displacement, which is a disease of the spine."""
    document, own = f"ctgov:NCT0000000{number}", f"CLINICALTRIALS:NCT0000000{number}"
    drug = Entity(id=f"MEDKG:drug-{number}", category="biolink:Drug", name=f"drug {number}", attributes={"kind": kind})
    group = Entity(id=f"{own}#measure.0.OG0", category="biolink:Cohort", name=f"drug {number}")
    pain = Entity(
        id=f"{own}#measure.0", category="biolink:StudyVariable", name="Pain", attributes={"outcome_type": "primary"}
    )

    def of(subject: str, predicate: str, object_: str, role: str) -> Claim:
        return claim(document, subject, f"biolink:{predicate}", object_, role=role)

    return facts_of(
        tenant,
        Entities(
            document_id=document,
            document=Entity(id=own, category="biolink:ClinicalTrial", name=f"Trial {number}", attributes=said),
            entities=(DISC, SPINE, HERNIA, drug, group, pain),
            mentions=(),
            extraction=Extraction(version="1"),
        ),
        Claims(
            document_id=document,
            claims=(
                of(own, "related_to", DISC.id, "condition"),
                of(own, "related_to", HERNIA.id, "condition"),
                of(own, "related_to", SPINE.id, "condition_ancestor"),
                of(own, "related_to", drug.id, "intervention"),
                of(own, "has_part", group.id, "result_group"),
                claim(document, HERNIA.id, "biolink:close_match", DISC.id),
                *results,
            ),
        ),
    )


def result(number: int, predicate: str, **said: Any) -> Claim:
    own = f"CLINICALTRIALS:NCT0000000{number}"
    return claim(
        f"ctgov:NCT0000000{number}", f"{own}#measure.0.OG0", f"biolink:{predicate}", f"{own}#measure.0", **said
    )


def measured(number: int) -> Claim:
    said = {"role": "measurement", "value": "3.1", "spread": "0.5", "statistic": "MEAN", "unit": "points"}
    return result(number, "related_to").model_copy(update={"qualifiers": said})


def compared(number: int) -> Claim:
    return result(
        number, "associated_with", analysis=0, groups=["drug", "placebo"], estimate=-1.5, lower_limit=-3.0,
        upper_limit=-0.1, confidence_percent=95.0, estimate_type="Mean Difference", p_value=0.001,
        p_value_text="<0.001", method="ANCOVA",
    )  # fmt: skip


async def test_what_was_tried_is_told_with_its_results(server: GraphServer) -> None:
    """Study, status, phase, interventions; each comparison with groups, estimate, interval, p-value, and its field."""
    said = {"status": "COMPLETED", "phases": ["PHASE3"], "enrollment": 40, "completion_date": "2013-01"}
    await GraphWriter(server).write([trial(1, results=(measured(1), compared(1)), **said)])
    tried = await TrialsReader(server).tried("one", "Intervertebral disc displacement")
    (one,) = tried.trials
    (outcome,) = one.outcomes
    (comparison,) = outcome.comparisons

    assert (DISC.id, 1, False) == (tried.condition.id, tried.total, tried.more)
    assert ("ctgov:NCT00000001", "COMPLETED", ["PHASE3"], 40, "2013-01") == (
        one.document, one.status, one.phases, one.enrollment, one.completion_date,
    )  # fmt: skip
    assert ([("drug 1", "DRUG")], ["Disc herniation", "Intervertebral Disc Displacement"]) == (
        [(each.name, each.kind) for each in one.interventions],
        one.conditions,
    )
    assert ("Pain", "primary", []) == (outcome.name, outcome.kind, outcome.measured)
    assert (["drug", "placebo"], -1.5, -3.0, -0.1, "<0.001", ["/a"]) == (
        comparison.groups, comparison.estimate, comparison.lower_limit, comparison.upper_limit, comparison.p_value,
        [part.pointer for part in comparison.evidence if part.kind == "record"],
    )  # fmt: skip


async def test_what_was_measured_is_told_where_nothing_was_compared(server: GraphServer) -> None:
    """By group, with its spread and its unit."""
    await GraphWriter(server).write([trial(1, results=(measured(1),))])
    ((outcome,),) = [each.outcomes for each in (await TrialsReader(server).tried("one", DISC.id)).trials]

    assert isinstance(outcome, Outcome)
    assert [("drug 1", "3.1", "0.5", "points")] == [
        (each.group, each.value, each.spread, each.unit) for each in outcome.measured
    ]


async def test_trials_of_what_is_below_a_condition_are_its_own(server: GraphServer) -> None:
    """A disease of the spine is meant with all that the registry has below it, and a term with what it stands for."""
    await GraphWriter(server).write([trial(1)])
    reader = TrialsReader(server)

    assert ["CLINICALTRIALS:NCT00000001"] * 3 == [
        each.id
        for name in ("spinal diseases", DISC.id, "disc herniation")
        for each in (await reader.tried("one", name)).trials
    ]


async def test_trials_with_results_come_first_then_the_newest(server: GraphServer) -> None:
    """Page by page, with how many there are."""
    await GraphWriter(server).write(
        [
            trial(1, completion_date="2001"), trial(2, completion_date="2025"), trial(3, results=(measured(3),)),
            trial(4, results=(compared(4),)),
        ]
    )  # fmt: skip
    reader = TrialsReader(server)
    pages = [await reader.tried("one", DISC.id, limit=2, skip=skip) for skip in (0, 2, 4)]

    assert [("43", 4, True), ("21", 4, False), ("", 4, False)] == [
        ("".join(each.id[-1] for each in page.trials), page.total, page.more) for page in pages
    ]


async def test_only_trials_of_a_kind_of_intervention_are_told(server: GraphServer) -> None:
    """As of drugs."""
    await GraphWriter(server).write([trial(1), trial(2, kind="PROCEDURE")])
    tried = await TrialsReader(server).tried("one", DISC.id, kinds=["DRUG"])

    assert (["CLINICALTRIALS:NCT00000001"], 1) == ([each.id for each in tried.trials], tried.total)


async def test_nothing_of_other_tenants_is_told(server: GraphServer) -> None:
    """Nor that they have the condition."""
    await GraphWriter(server).write([trial(1), trial(2, tenant="two")])
    reader = TrialsReader(server)

    assert ["CLINICALTRIALS:NCT00000002"] == [each.id for each in (await reader.tried("two", DISC.id)).trials]
    with pytest.raises(NotFound, match="tenant 'three' has no entity"):
        await reader.tried("three", DISC.id)
