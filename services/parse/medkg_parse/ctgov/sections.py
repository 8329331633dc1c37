"""Which module becomes which section: the reading of a ClinicalTrials.gov record on one screen."""

from dataclasses import dataclass

from medkg_contracts.ir import SectionType

from medkg_parse.layout import Pair, Part, Text, layout, lines, rows

from .results import adverse_events, baseline, outcome_measure, participant_flow

_CONTACT = ("name", "role", "affiliation", "phone", "phoneExt", "email")
_SITE = ("facility", "status", "city", "state", "zip", "country", "contacts", "geoPoint")
_OUTCOME = ("measure", "timeFrame", "description")
_MESH = ("id", "term")
_LEAF = ("id", "name", "asFound", "relevance")
_BRANCH = ("abbrev", "name")
_NOTHING = layout()


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """One section of a document, or one for each item of a list.

    Attributes:
        id: the section's id; items of a list get ``-1``, ``-2`` ... behind it.
        module: where its fields are, ``section/module`` in the names of the API's second version.
        write: writes the fields that the section is made for.
        rest: whether it also writes the module's fields that no section was made for.
        each: the name of a list whose objects become a section each.
    """

    id: str
    type: SectionType
    title: str
    module: str
    write: Part = _NOTHING
    rest: bool = True
    each: str | None = None


def _terms(kind: str) -> Part:
    return layout(
        rows("meshes", f"{kind} terms (MeSH)", *_MESH),
        rows("ancestors", "Broader terms", *_MESH),
        rows("browseLeaves", "Browse terms", *_LEAF),
        rows("browseBranches", "Browse branches", *_BRANCH),
    )


_IDENTIFICATION = layout(
    lines("nctId", "briefTitle", "officialTitle", "acronym"),
    Pair("orgStudyIdInfo", "id"),
    rows("secondaryIdInfos", "Secondary ids", "id", "type", "domain", "link"),
    Pair("organization", "fullName"),
)
_STATUS = layout(
    lines("overallStatus", "lastKnownStatus", "whyStopped"),
    *(Pair(f"{date}DateStruct", "date") for date in ("start", "primaryCompletion", "completion")),
    *(Pair(f"{date}DateStruct", "date") for date in ("studyFirstPost", "resultsFirstPost", "dispFirstPost")),
    Pair("lastUpdatePostDateStruct", "date"),
)
_SPONSOR = layout(
    Pair("leadSponsor", "name"),
    Pair("responsibleParty", "type"),
    rows("collaborators", "Collaborators", "name", "class"),
)
_DESIGN = layout(lines("studyType", "phases"), Pair("enrollmentInfo", "count"), lines("designInfo"))
_ARMS = layout(
    rows("armGroups", "Arms", "label", "type", "description", "interventionNames"),
    rows("interventions", "Interventions", "name", "type", "description", "otherNames", "armGroupLabels"),
)
_OUTCOMES = layout(
    rows("primaryOutcomes", "Primary outcomes", *_OUTCOME),
    rows("secondaryOutcomes", "Secondary outcomes", *_OUTCOME),
    rows("otherOutcomes", "Other outcomes", *_OUTCOME),
)
_ELIGIBILITY = layout(
    Text("eligibilityCriteria"),
    lines("sex", "genderBased", "genderDescription", "minimumAge", "maximumAge", "stdAges", "healthyVolunteers"),
    lines("samplingMethod", "studyPopulation"),
)
_LOCATIONS = layout(
    rows("locations", "Locations", *_SITE),
    rows("locations_nested", "Further locations", *_SITE),
)
_CONTACTS = layout(
    rows("centralContacts", "Central contacts", *_CONTACT),
    rows("overallOfficials", "Officials", *_CONTACT),
)
_REFERENCES = layout(
    rows("references", "References", "type", "pmid", "citation"),
    rows("seeAlsoLinks", "Links", "label", "url"),
    rows("availIpds", "Available data", "id", "type", "url", "comment"),
)
_DOCUMENTS = layout(rows("largeDocs", "Documents", "label", "typeAbbrev", "date", "filename"))

_P, _R, _D = "protocolSection", "resultsSection", "derivedSection"

#: In the order of the document. A module that is not here becomes a section of the type ``other``.
SECTIONS: tuple[SectionSpec, ...] = (
    SectionSpec("identification", "identification", "Identification", f"{_P}/identificationModule", _IDENTIFICATION),
    SectionSpec(
        "summary", "summary", "Brief summary", f"{_P}/descriptionModule", layout(Text("briefSummary")), rest=False
    ),
    SectionSpec(
        "description", "description", "Detailed description", f"{_P}/descriptionModule",
        layout(Text("detailedDescription")),
    ),
    SectionSpec("conditions", "conditions", "Conditions", f"{_P}/conditionsModule", lines("conditions", "keywords")),
    SectionSpec("design", "design", "Study design", f"{_P}/designModule", _DESIGN),
    SectionSpec("arms", "arms", "Arms and interventions", f"{_P}/armsInterventionsModule", _ARMS),
    SectionSpec("outcomes", "outcomes", "Outcomes", f"{_P}/outcomesModule", _OUTCOMES),
    SectionSpec("eligibility", "eligibility", "Eligibility criteria", f"{_P}/eligibilityModule", _ELIGIBILITY),
    SectionSpec("status", "status", "Status and dates", f"{_P}/statusModule", _STATUS),
    SectionSpec("sponsor", "sponsor", "Sponsor and collaborators", f"{_P}/sponsorCollaboratorsModule", _SPONSOR),
    SectionSpec("oversight", "oversight", "Oversight", f"{_P}/oversightModule"),
    SectionSpec(
        "locations", "locations", "Locations", f"{_P}/contactsLocationsModule", _LOCATIONS, rest=False
    ),
    SectionSpec("contacts", "contacts", "Contacts and officials", f"{_P}/contactsLocationsModule", _CONTACTS),
    SectionSpec("references", "references", "References", f"{_P}/referencesModule", _REFERENCES),
    SectionSpec("data_sharing", "data_sharing", "Data sharing", f"{_P}/ipdSharingStatementModule"),
    SectionSpec(
        "participant_flow", "participant_flow", "Participant flow", f"{_R}/participantFlowModule", participant_flow
    ),
    SectionSpec(
        "baseline", "baseline", "Baseline characteristics", f"{_R}/baselineCharacteristicsModule", baseline
    ),
    SectionSpec(
        "outcome_measures", "outcome_measures", "Outcome measure", f"{_R}/outcomeMeasuresModule",
        outcome_measure, each="outcomeMeasures",
    ),
    SectionSpec("adverse_events", "adverse_events", "Adverse events", f"{_R}/adverseEventsModule", adverse_events),
    SectionSpec("results_info", "results_info", "Notes on the results", f"{_R}/moreInfoModule"),
    SectionSpec("documents", "documents", "Study documents", "documentSection/largeDocumentModule", _DOCUMENTS),
    SectionSpec(
        "terms-conditions", "terms", "Condition terms", f"{_D}/conditionBrowseModule", _terms("Condition")
    ),
    SectionSpec(
        "terms-interventions", "terms", "Intervention terms", f"{_D}/interventionBrowseModule",
        _terms("Intervention"),
    ),
    SectionSpec("record_info", "other", "Record information", f"{_D}/miscInfoModule"),
)  # fmt: skip
