"""Records in the classic site's XML (``<clinical_study>``), read as today's names."""

from collections import Counter
from collections.abc import Mapping
from textwrap import dedent

from medkg_contracts.errors import InvalidDocument
from pydantic import JsonValue

from medkg_parse.xml_tree import Element, parse_xml

ROOT = "clinical_study"

_SECTIONS: Mapping[str, str] = {"clinical_results": "resultsSection"}
#: Children of the results that are modules today.
_RESULTS: Mapping[str, str] = {
    "participant_flow": "participantFlowModule",
    "baseline": "baselineCharacteristicsModule",
    "outcome_list": "outcomeMeasuresModule",
    "reported_events": "adverseEventsModule",
}
#: Children of the root whose own children are a module's fields.
_MODULES: Mapping[str, str] = {
    "id_info": "protocolSection/identificationModule",
    "eligibility": "protocolSection/eligibilityModule",
    "sponsors": "protocolSection/sponsorCollaboratorsModule",
    "oversight_info": "protocolSection/oversightModule",
    "condition_browse": "derivedSection/conditionBrowseModule",
    "intervention_browse": "derivedSection/interventionBrowseModule",
}
#: Children of the root that are a module's fields; ``[]`` ones repeat, ``{date}`` ones have a type beside it.
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "protocolSection/identificationModule": {
        "brief_title": "briefTitle", "official_title": "officialTitle", "acronym": "acronym",
    },
    "protocolSection/descriptionModule": {
        "brief_summary": "briefSummary", "detailed_description": "detailedDescription",
    },
    "protocolSection/conditionsModule": {"condition": "conditions[]", "keyword": "keywords[]"},
    "protocolSection/designModule": {
        "study_type": "studyType", "phase": "phases[]", "enrollment": "enrollmentInfo{count}",
        "study_design": "studyDesign", "study_design_info": "designInfo", "number_of_arms": "numberOfArms",
    },
    "protocolSection/armsInterventionsModule": {
        "arm_group": "armGroups[]", "intervention": "interventions[]",
    },
    "protocolSection/outcomesModule": {
        "primary_outcome": "primaryOutcomes[]", "secondary_outcome": "secondaryOutcomes[]",
        "other_outcome": "otherOutcomes[]",
    },
    "protocolSection/statusModule": {
        "overall_status": "overallStatus", "last_known_status": "lastKnownStatus",
        "why_stopped": "whyStopped", "start_date": "startDateStruct{date}",
        "completion_date": "completionDateStruct{date}",
        "primary_completion_date": "primaryCompletionDateStruct{date}",
        "last_update_posted": "lastUpdatePostDateStruct{date}", "lastchanged_date": "lastChangedDate",
        "firstreceived_date": "firstReceivedDate", "verification_date": "verificationDate",
    },
    "protocolSection/sponsorCollaboratorsModule": {
        "responsible_party": "responsibleParty", "source": "source",
    },
    "protocolSection/contactsLocationsModule": {
        "location": "locations[]", "location_countries": "locationCountries",
        "overall_contact": "centralContacts[]", "overall_contact_backup": "centralContacts[]",
        "overall_official": "overallOfficials[]",
    },
    "protocolSection/referencesModule": {
        "reference": "references[]", "results_reference": "resultsReferences[]", "link": "seeAlsoLinks[]",
    },
}  # fmt: skip
_PLACES: Mapping[str, tuple[str, str]] = {
    tag: (module, field) for module, fields in _FIELDS.items() for tag, field in fields.items()
}
#: Elements of which their parent has at most one: with two of them nobody could tell which counts.
_ONCE: Mapping[str, frozenset[str]] = {
    ROOT: frozenset([*_SECTIONS, *_MODULES, *(tag for tag, (_, field) in _PLACES.items() if not field.endswith("[]"))]),
    "clinical_results": frozenset(_RESULTS),
    "id_info": frozenset({"nct_id", "org_study_id"}),
    "sponsors": frozenset({"lead_sponsor"}),
    "eligibility": frozenset({
        "criteria", "gender", "gender_based", "gender_description", "minimum_age", "maximum_age", "healthy_volunteers",
        "sampling_method", "study_pop",
    }),
}  # fmt: skip
#: Fields inside elements whose names today are other words.
_NAMES: Mapping[str, str] = {
    "criteria": "eligibilityCriteria", "gender": "sex", "agency": "name", "agency_class": "class",
    "collaborator": "collaborators", "last_name": "name", "intervention_name": "name",
    "arm_group_type": "type", "intervention_type": "type", "nct_alias": "nctIdAliases",
}  # fmt: skip


def read_xml(body: str, max_depth: int) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """The record in the names of today's API, and the XPath that each ``section/module`` comes from.

    Raises:
        InvalidDocument: it is not this XML, is broken, declares a document type, or has twice what a study has once.
    """
    root = parse_xml(body, max_depth)
    if root.tag != ROOT:
        what = "an HTML page" if root.tag.lower() == "html" else f"XML with the root <{root.tag[:60]}>"
        raise InvalidDocument(f"the body is {what}, not a study's record")
    record = _XmlRecord(root)
    for child in root.children:
        record.add(child)
    return record.content(), record.origins


class _XmlRecord:
    """A record that is put together from the children of the root."""

    def __init__(self, root: Element) -> None:
        _refuse_repeated(root)
        self.sections: dict[str, dict[str, JsonValue]] = {"protocolSection": {}}
        self.loose = _own(root)
        self.origins: dict[str, str] = {"": f"/{ROOT}"}

    def content(self) -> dict[str, JsonValue]:
        """The sections, and beside them what belongs to none; that has another name where it would hide a section."""
        loose = {f"{name}_" if name in self.sections else name: value for name, value in self.loose.items()}
        return {**self.sections, **loose}

    def add(self, child: Element) -> None:
        """Puts a child where it belongs today, or beside the sections."""
        if child.tag in _SECTIONS:
            self._add_section(child, _SECTIONS[child.tag])
        elif child.tag in _MODULES:
            _refuse_repeated(child)
            fields = self._module(_MODULES[child.tag], child)
            value = _value(child)
            for name, item in value.items() if isinstance(value, dict) else [("text", value)]:
                _append(fields, name, item)
        elif child.tag in _PLACES:
            module, field = _PLACES[child.tag]
            _add_field(self._module(module, child), field, child)
        else:
            _append(self.loose, child.tag, _value(child))
            self.origins[child.tag] = f"/{ROOT}/{child.tag}"

    def _add_section(self, child: Element, section: str) -> None:
        _refuse_repeated(child)
        self.origins[section] = f"/{ROOT}/{child.tag}"
        self.sections.setdefault(section, {}).update(_own(child))
        for module in child.children:
            name = _RESULTS.get(module.tag, module.tag)
            _append(self.sections.setdefault(section, {}), name, _value(module))
            self.origins[f"{section}/{name}"] = f"/{ROOT}/{child.tag}/{module.tag}"

    def _module(self, module: str, child: Element) -> dict[str, JsonValue]:
        """The fields of a module, which this child becomes a part of."""
        section, name = module.split("/")
        path = f"/{ROOT}/{child.tag}"
        self.origins[module] = path if self.origins.get(module, path) == path else f"/{ROOT}"
        fields = self.sections.setdefault(section, {}).setdefault(name, {})
        return fields if isinstance(fields, dict) else {}


def _add_field(fields: dict[str, JsonValue], field: str, element: Element) -> None:
    if field.endswith("[]"):
        listed = fields.setdefault(field.removesuffix("[]"), [])
        if isinstance(listed, list):
            listed.append(_value(element))
    elif field.endswith("}"):
        name, main = field.removesuffix("}").split("{")
        plain = not element.children and main not in element.attributes
        _append(fields, name, {main: _text(element), **element.attributes} if plain else _value(element))
    else:
        _append(fields, field, _value(element))


def _value(element: Element) -> JsonValue:
    """An element as a value: its text, or its attributes and children by name."""
    text = _text(element)
    if not element.children and not element.attributes:
        return text
    fields = _own(element)
    if not fields and len(element.children) == 1 and element.children[0].tag == "textblock":
        return _value(element.children[0])
    for child in element.children:
        _append(fields, _NAMES.get(child.tag) or _camel(child.tag), _value(child))
    return fields


def _own(element: Element) -> dict[str, JsonValue]:
    """What an element says beside its children: its attributes and its text."""
    fields: dict[str, JsonValue] = dict(element.attributes)
    if text := _text(element):
        _append(fields, "text", text)
    return fields


def _refuse_repeated(element: Element) -> None:
    """Refuses an element that has two of what it can have one of."""
    for tag, number in Counter(child.tag for child in element.children).items():
        if number > 1 and tag in _ONCE.get(element.tag, ()):
            raise InvalidDocument(f"<{element.tag}> has {number} of <{tag}>, and which of them counts nobody can tell")


def _text(element: Element) -> str:
    return dedent("".join(element.text).replace("\t", "    ")).strip()


def _camel(tag: str) -> str:
    head, *tail = tag.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _append(fields: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    """Adds a value; a name's second value makes a list of them."""
    before = fields.get(name)
    if name not in fields:
        fields[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        fields[name] = [before, value]
