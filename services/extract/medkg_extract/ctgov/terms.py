"""What the registry itself has found in MeSH for a study's conditions and interventions, with the terms above them."""

from collections.abc import Iterator
from typing import Final

from medkg_extract.record import Field

from .trial import Trial

#: By module: what the terms are, and their place in the study.
_ROLES: Final = (
    ("derivedSection/conditionBrowseModule", "condition", "DiseaseOrPhenotypicFeature"),
    ("derivedSection/interventionBrowseModule", "intervention", "ChemicalEntity"),
)


def terms(trial: Trial) -> None:
    """The study's MeSH terms, and that its interventions are tried for its conditions."""
    found: dict[str, list[Field]] = {}
    for module, role, category in _ROLES:
        found[role] = list(_terms(trial, module, role, category))
    for drug in found["intervention"]:
        for condition in found["condition"]:
            evidence = ((drug / "id").evidence, (condition / "id").evidence)
            trial.facts.claim(trial.voice, mesh(drug), "in_clinical_trials_for", mesh(condition), evidence)


def mesh(term: Field) -> str:
    """A term's CURIE."""
    return f"MESH:{(term / 'id').text}"


def _terms(trial: Trial, module: str, role: str, category: str) -> Iterator[Field]:
    for kind in ("meshes", "ancestors"):
        for term in trial.study / f"{module}/{kind}":
            if not term / "id":
                continue
            node = trial.facts.entity(mesh(term), category, (term / "term").text)
            said = role if kind == "meshes" else f"{role}_ancestor"
            trial.facts.claim(trial.voice, trial.id, "related_to", node, [(term / "id").evidence], role=said)
            if kind == "meshes":
                trial.facts.about(node)
                yield term
