"""What a study has found: what was measured in each group, and what comparing the groups has given."""

from math import isfinite
from typing import Final

from medkg_contracts.knowledge import Scalar

from medkg_extract.record import Field

from .trial import Trial

_NUMBERS: Final = {
    "paramValue": "estimate",
    "ciPctValue": "confidence_percent",
    "ciLowerLimit": "lower_limit",
    "ciUpperLimit": "upper_limit",
    "dispersionValue": "dispersion",
}
_WORDS: Final = {
    "paramType": "estimate_type",
    "statisticalMethod": "method",
    "nonInferiorityType": "hypothesis",
    "ciNumSides": "interval_sides",
    "dispersionType": "dispersion_type",
    "groupDescription": "comparison",
}


def results(trial: Trial) -> None:
    """Outcome measures with their groups, measurements and analyses."""
    measures = trial.study / "resultsSection/outcomeMeasuresModule/outcomeMeasures"
    for number, measure in enumerate(measures):
        title, frame, unit = measure / "title", (measure / "timeFrame").text, (measure / "unitOfMeasure").text
        kind = (measure / "type").text.lower()
        outcome = trial.facts.entity(
            trial.part("measure", number), "StudyVariable", title.text, outcome_type=kind, time_frame=frame, unit=unit
        )
        trial.facts.claim(trial.voice, trial.id, "has_part", outcome, [title.evidence], role="outcome_measure")
        groups = _groups(trial, number, measure)
        _measurements(trial, outcome, groups, measure)
        _analyses(trial, outcome, groups, measure)


def _groups(trial: Trial, number: int, measure: Field) -> dict[str, tuple[str, str]]:
    """The groups' nodes and titles, by the ids that the measure gives them."""
    found: dict[str, tuple[str, str]] = {}
    for group in measure / "groups":
        key, title = (group / "id").text, group / "title"
        id_ = trial.facts.entity(
            trial.part("measure", number, key), "Cohort", title.text, description=(group / "description").text
        )
        trial.facts.claim(trial.voice, trial.id, "has_part", id_, [title.evidence], role="result_group")
        found[key] = (id_, title.text)
    return found


def _measurements(trial: Trial, outcome: str, groups: dict[str, tuple[str, str]], measure: Field) -> None:
    words = {"statistic": (measure / "paramType").text, "spread_type": (measure / "dispersionType").text}
    unit = (measure / "unitOfMeasure").text
    for class_ in measure / "classes":
        for category in class_ / "categories":
            for measurement in category / "measurements":
                if (group := groups.get((measurement / "groupId").text)) is None or not measurement / "value":
                    continue
                said: dict[str, Scalar] = {
                    name: (measurement / field).text
                    for field, name in (
                        ("value", "value"), ("spread", "spread"), ("lowerLimit", "lower_limit"),
                        ("upperLimit", "upper_limit"),
                    )
                }  # fmt: skip
                where: dict[str, Scalar] = {"class": (class_ / "title").text, "category": (category / "title").text}
                said |= {"role": "measurement", **where, **words, "unit": unit}
                evidence = [(measurement / "value").evidence]
                trial.facts.claim(trial.voice, group[0], "related_to", outcome, evidence, "observation", **said)


def _analyses(trial: Trial, outcome: str, groups: dict[str, tuple[str, str]], measure: Field) -> None:
    for number, analysis in enumerate(measure / "analyses"):
        compared = [groups[key.text] for key in analysis / "groupIds" if key.text in groups]
        fields = [analysis / field for field in ("pValue", "paramValue", "statisticalMethod")]
        evidence = [field.evidence for field in fields if field]
        if not compared or not evidence:
            continue
        said: dict[str, Scalar | list[str]] = {name: (analysis / field).text for field, name in _WORDS.items()}
        said |= {name: value for field, name in _NUMBERS.items() if (value := number_of(analysis / field)) is not None}
        p_value = (analysis / "pValue").text
        said |= {"p_value_text": p_value, "groups": [title for _, title in compared], "analysis": number}
        if (value := number_of(analysis / "pValue")) is not None:
            said["p_value"] = value
        trial.facts.claim(
            trial.voice,
            compared[0][0],
            "associated_with",
            outcome,
            evidence,
            "statistical_association",
            **said,
        )


def number_of(field: Field) -> float | None:
    """The number in a field, without a sign of comparison before it: ``<0.001`` -> 0.001; None if there is none."""
    try:
        number = float(field.text.lstrip("<>=≤≥ "))
    except ValueError:
        return None
    return number if isfinite(number) else None
