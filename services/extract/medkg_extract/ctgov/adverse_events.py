"""What happened to people in a study: adverse events by group, with how many had them of how many.

An event of a group of people is a phenotype of theirs: Biolink's ``has_adverse_event`` is a drug's, and which drug it
was the registry does not say.
"""

from medkg_contracts.knowledge import Scalar

from medkg_extract.gathering import local_id
from medkg_extract.record import Field

from .trial import Trial

#: Biolink's names, where it has one.
_COUNTS = {"numAffected": "has_count", "numAtRisk": "has_total", "numEvents": "events"}


def adverse_events(trial: Trial) -> None:
    """Serious and other adverse events of each group; those that nobody of a group had are denied."""
    module = trial.study / "resultsSection/adverseEventsModule"
    groups = {(group / "id").text: _group(trial, group) for group in module / "eventGroups"}
    frame = (module / "timeFrame").text
    for field, serious in (("seriousEvents", True), ("otherEvents", False)):
        for event in module / field:
            term = event / "term"
            organs, vocabulary = (event / "organSystem").text, (event / "sourceVocabulary").text
            node = trial.facts.entity(
                local_id("event", term.text), "PhenotypicFeature", term.text, organ_system=organs, vocabulary=vocabulary
            )
            for count in event / "stats":
                if (group := groups.get((count / "groupId").text)) is None:
                    continue
                evidence = [term.evidence, *((count / name).evidence for name in _COUNTS if count / name)]
                said = _counts(count) | {"role": "adverse_event", "serious": serious, "time_frame": frame}
                claim = trial.facts.claim(trial.voice, group, "has_phenotype", node, evidence, "observation", **said)
                if said.get("has_count") == 0:
                    trial.facts.deny(claim)


def _group(trial: Trial, group: Field) -> str:
    title = group / "title"
    id_ = trial.facts.entity(
        trial.part("event-group", (group / "id").text), "Cohort", title.text, description=(group / "description").text
    )
    trial.facts.claim(trial.voice, trial.id, "has_part", id_, [title.evidence], role="event_group")
    return id_


def _counts(count: Field) -> dict[str, Scalar]:
    return {name: int(text) for field, name in _COUNTS.items() if (text := (count / field).text).isdecimal()}
