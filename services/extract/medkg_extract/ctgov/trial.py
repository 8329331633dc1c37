"""The trial itself: a node, and what its facts are gathered with."""

import re
from dataclasses import dataclass
from typing import Final

from medkg_contracts.ir import Document
from medkg_contracts.knowledge import Attributes, Entity

from medkg_extract.gathering import Gathering, Voice
from medkg_extract.record import Field

PREFIX: Final = "CLINICALTRIALS"


@dataclass(frozen=True, slots=True)
class Trial:
    """A study, and where its facts go.

    Attributes:
        study: the record.
        id: of the trial's node.
        facts: what is known so far.
        voice: the registry's.
    """

    study: Field
    id: str
    facts: Gathering
    voice: Voice

    def part(self, *names: str | int) -> str:
        """The id of a part of the trial, such as its first arm: a fragment, since "/" is not for CURIEs."""
        return f"{self.id}#{'.'.join(map(str, names))}"


def trial_entity(document: Document, study: Field) -> Entity:
    """The trial as a node."""
    protocol = study / "protocolSection"
    attributes: Attributes = {
        "acronym": (protocol / "identificationModule/acronym").text,
        "official_title": (protocol / "identificationModule/officialTitle").text,
        "status": (protocol / "statusModule/overallStatus").text,
        "start_date": (protocol / "statusModule/startDateStruct/date").text,
        "completion_date": (protocol / "statusModule/completionDateStruct/date").text,
        "study_type": (protocol / "designModule/studyType").text,
        "phases": [phase.text for phase in protocol / "designModule/phases"],
    }
    if enrolled := (protocol / "designModule/enrollmentInfo/count").text:
        attributes["enrollment"] = int(enrolled)
    return Entity(
        id=f"{PREFIX}:{document.provenance.source_id}",
        category="biolink:ClinicalTrial",
        name=document.title,
        attributes={name: value for name, value in attributes.items() if value not in ("", [])},
    )


def same_name(one: str, other: str) -> bool:
    """Whether two names are one, but for case and what is no letter or digit."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
