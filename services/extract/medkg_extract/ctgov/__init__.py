"""What a study record of ClinicalTrials.gov (API v2) says, field by field; no model is asked."""

from medkg_contracts.ir import Document
from medkg_contracts.knowledge import Entity

from medkg_extract.gathering import Gathering, Voice
from medkg_extract.record import Field

from .adverse_events import adverse_events
from .design import design
from .results import results
from .surroundings import surroundings
from .terms import terms
from .trial import Trial, trial_entity

#: https://github.com/biolink/information-resource-registry
SOURCE = "infores:clinicaltrials-gov"


def facts(document: Document, study: Field) -> Gathering:
    """All facts of a study."""
    entity: Entity = trial_entity(document, study)
    gathering = Gathering(document.id, entity)
    trial = Trial(study, entity.id, gathering, Voice(SOURCE, "manual_agent", (entity.id,)))
    for part in (terms, design, surroundings, results, adverse_events):
        part(trial)
    return gathering
