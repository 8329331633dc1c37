"""What a study is about and how it is made: conditions, arms, interventions and outcomes as they were registered."""

from typing import Final

from medkg_extract.gathering import local_id

from .terms import mesh
from .trial import Trial, same_name

#: By the registry's types. All others are treatments: Biolink has devices and procedures, but lets none of them be in
#: clinical trials for anything.
_CATEGORIES: Final = {
    "DRUG": "Drug",
    "BIOLOGICAL": "Drug",
    "GENETIC": "Drug",
    "DIETARY_SUPPLEMENT": "ChemicalEntity",
}
_OUTCOMES: Final = {"primaryOutcomes": "primary", "secondaryOutcomes": "secondary", "otherOutcomes": "other"}


def design(trial: Trial) -> None:
    """Conditions, arms, interventions, outcomes; which arm gets what, and what is tried for which condition."""
    conditions = _conditions(trial)
    arms = _arms(trial)
    _interventions(trial, conditions, arms)
    _outcomes(trial)


def _conditions(trial: Trial) -> dict[str, str]:
    """The ids of the registered conditions, by the pointers to their names."""
    module = trial.study / "protocolSection/conditionsModule"
    found: dict[str, str] = {}
    for condition in module / "conditions":
        if not condition:
            continue
        id_ = local_id("condition", condition.text)
        trial.facts.entity(id_, "DiseaseOrPhenotypicFeature", condition.text)
        trial.facts.claim(trial.voice, trial.id, "related_to", id_, [condition.evidence], role="condition")
        trial.facts.about(id_)
        found[condition.pointer] = id_
        _same_as_term(trial, "conditionBrowseModule", id_, condition.text)
    return found


def _arms(trial: Trial) -> dict[str, str]:
    """The arms' ids, by their labels."""
    found: dict[str, str] = {}
    for number, arm in enumerate(trial.study / "protocolSection/armsInterventionsModule/armGroups"):
        label = (arm / "label").text
        kind, description = (arm / "type").text, (arm / "description").text
        id_ = trial.facts.entity(trial.part("arm", number), "Cohort", label, arm_type=kind, description=description)
        trial.facts.claim(trial.voice, trial.id, "has_part", id_, [(arm / "label").evidence], role="arm")
        found.setdefault(label, id_)
    return found


def _interventions(trial: Trial, conditions: dict[str, str], arms: dict[str, str]) -> None:
    voice, facts = trial.voice, trial.facts
    registered = list(trial.study / "protocolSection/conditionsModule/conditions")
    for intervention in trial.study / "protocolSection/armsInterventionsModule/interventions":
        name = intervention / "name"
        kind = (intervention / "type").text
        category = _CATEGORIES.get(kind, "Treatment")
        others = [other.text for other in intervention / "otherNames"]
        id_ = facts.entity(local_id("intervention", kind, name.text), category, name.text, synonyms=others, kind=kind)
        facts.claim(voice, trial.id, "related_to", id_, [name.evidence], role="intervention")
        facts.about(id_)
        for spelling in (name.text, *others):
            _same_as_term(trial, "interventionBrowseModule", id_, spelling)
        for label in intervention / "armGroupLabels":
            if (arm := arms.get(label.text)) is not None:
                facts.claim(voice, arm, "related_to", id_, [label.evidence, name.evidence], role="intervention")
        for condition in registered:
            if (target := conditions.get(condition.pointer)) is not None:
                facts.claim(voice, id_, "in_clinical_trials_for", target, [name.evidence, condition.evidence])


def _outcomes(trial: Trial) -> None:
    for field, kind in _OUTCOMES.items():
        for number, outcome in enumerate(trial.study / f"protocolSection/outcomesModule/{field}"):
            measure = outcome / "measure"
            frame = (outcome / "timeFrame").text
            id_ = trial.facts.entity(
                trial.part("outcome", kind, number), "StudyVariable", measure.text, outcome_type=kind, time_frame=frame
            )
            trial.facts.claim(trial.voice, trial.id, "has_part", id_, [measure.evidence], role=f"{kind}_outcome")


def _same_as_term(trial: Trial, module: str, id_: str, name: str) -> None:
    """Tie what is registered to the registry's own MeSH term of the same name."""
    for term in trial.study / f"derivedSection/{module}/meshes":
        if term / "id" and same_name((term / "term").text, name):
            trial.facts.claim(trial.voice, id_, "close_match", mesh(term), [(term / "term").evidence])
