"""Records of the API's first version and of the classic site."""

import json
import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidDocument
from medkg_parse.ctgov.classic_json import camel, plural
from medkg_parse.ctgov.study import read_study

DATA = Path(__file__).parent / "data"
JSON_BODY = (DATA / "classic_full_study.json").read_text(encoding="utf-8")
XML_BODY = (DATA / "classic_study.xml").read_text(encoding="utf-8")


@pytest.fixture(params=[JSON_BODY, XML_BODY], ids=["json", "xml"])
def document(request, payload_of):
    """The document of an old record."""
    return read_study(payload_of(request.param))


def section(document, id_):
    return next(section for section in document.sections if section.id == id_)


def test_old_records_have_todays_facts(document):
    """Metadata have today's names and words, and ISO dates."""
    expected = {
        "nct_id": "NCT00353704",
        "status": "COMPLETED",
        "study_type": "INTERVENTIONAL",
        "phases": ["PHASE4"],
        "sex": "ALL",
        "maximum_age": None,
        "conditions": ["Intervertebral Disk Displacement", "Disk Prolapse"],
        "interventions": ["pregabalin"],
        "sponsor": "Asker & Baerum Hospital",
        "start_date": "2005-11",
        "completion_date": "2010-06",
        "last_update": "2011-07-20",
        "enrollment": 50,
        "minimum_age": "18 Years",
        "countries": ["Norway"],
        "has_results": True,
    }

    assert expected == {name: document.metadata[name] for name in expected}


@pytest.mark.parametrize(
    ("tag", "old", "fact", "expected"),
    [
        ("overall_status", "Active, not recruiting", "status", "ACTIVE_NOT_RECRUITING"),
        ("overall_status", "Unknown status", "status", "UNKNOWN"),
        ("overall_status", "Enrolling by invitation", "status", "ENROLLING_BY_INVITATION"),
        ("overall_status", "No longer available", "status", "NO_LONGER_AVAILABLE"),
        ("overall_status", "RECRUITING", "status", "RECRUITING"),
        ("phase", "Phase 1/Phase 2", "phases", ["PHASE1", "PHASE2"]),
        ("phase", "N/A", "phases", ["NA"]),
        ("phase", "Not Applicable", "phases", ["NA"]),
        ("phase", "Phase 0", "phases", ["EARLY_PHASE1"]),
        ("phase", "Early Phase 1", "phases", ["EARLY_PHASE1"]),
        ("study_type", "Observational [Patient Registry]", "study_type", "OBSERVATIONAL"),
        ("study_type", "Expanded Access", "study_type", "EXPANDED_ACCESS"),
        ("gender", "Both", "sex", "ALL"),
        ("gender", "Female", "sex", "FEMALE"),
    ],
)
def test_words_of_old_records_become_todays(payload_of, tag, old, fact, expected):
    """One filter finds a study in whatever form its record came; there is nothing to tell of a word that is known."""
    document = read_study(payload_of(re.sub(f"<{tag}>.*?</{tag}>", f"<{tag}>{old}</{tag}>", XML_BODY)))

    assert (expected, []) == (document.metadata[fact], document.provenance.notes)


@pytest.mark.parametrize(
    ("tag", "odd", "fact", "expected"),
    [
        ("overall_status", "Paused", "status", "Paused"),
        ("phase", "Phase 2/Phase 9", "phases", ["Phase 2/Phase 9"]),
        ("study_type", "Simulation", "study_type", "Simulation"),
        ("gender", "N/A", "sex", "N/A"),
    ],
)
def test_a_word_that_is_not_known_is_kept_and_told(payload_of, tag, odd, fact, expected):
    """A word that the vocabulary lacks stays as it is in the metadata, and the document's provenance tells of it."""
    document = read_study(payload_of(re.sub(f"<{tag}>.*?</{tag}>", f"<{tag}>{odd}</{tag}>", XML_BODY)))
    note = f"{fact}: {odd!r} is not a word of the source's vocabulary and is kept as it is"

    assert (expected, [note]) == (document.metadata[fact], document.provenance.notes)
    assert [] == [section.id for section in document.sections if section.provenance.notes]


def test_old_records_have_todays_sections(document):
    """Modules of old records become the same sections as today's."""
    expected = {"identification", "summary", "conditions", "design", "arms", "outcomes", "eligibility", "status"}
    expected |= {"sponsor", "locations", "participant_flow"}

    assert set() == expected - {section.id for section in document.sections}


def test_lists_of_the_first_version_are_tables(payload_of):
    """``ArmGroupList.ArmGroup`` is read like today's ``armGroups``."""
    table = section(read_study(payload_of(JSON_BODY)), "arms").tables[0]

    assert (["Label", "Type", "Intervention names"], [["Pregabalin", "Active Comparator", "Drug: pregabalin"]]) == (
        table.columns,
        table.rows,
    )


def test_results_of_the_first_version_are_tables(payload_of):
    """Measured values of the first version are read like today's."""
    table = section(read_study(payload_of(JSON_BODY)), "outcome_measures-1").tables[-1]

    assert (["Category", "Pregabalin (OG000)"], [["Value", "11.7 (9.6)"]]) == (table.columns, table.rows)


def test_pointers_of_the_first_version_have_its_own_names(payload_of):
    """A section's path leads to the module in the payload as it came."""
    path = section(read_study(payload_of(JSON_BODY)), "eligibility").provenance.path

    assert "/FullStudiesResponse/FullStudies/0/Study/ProtocolSection/EligibilityModule" == path


def test_no_leaf_of_the_first_version_is_lost(payload_of, leaves_of):
    """Each text of the study stands in the document."""
    text = " ".join(read_study(payload_of(JSON_BODY)).text.split())
    study = json.loads(JSON_BODY)["FullStudiesResponse"]["FullStudies"][0]["Study"]

    assert [] == [path for path, leaf in leaves_of(study) if leaf not in text]


def test_no_text_of_the_xml_is_lost(payload_of):
    """Each text and attribute of the XML stands in the document."""
    text = " ".join(read_study(payload_of(XML_BODY)).text.split())
    body = XML_BODY[XML_BODY.index("-->") + 3 :]
    texts = re.findall(r'(?<=>)[^<>]*[^<>\s][^<>]*(?=<)|(?<==")[^"]*(?=")', body)
    plain = [" ".join(part.split()).replace("&amp;", "&").replace("&gt;", ">") for part in texts]

    assert [] == [part for part in plain if part not in text]


def test_criteria_of_the_xml_keep_their_lists(payload_of):
    """Text blocks keep paragraphs and lists; only the file's own indentation goes."""
    text = section(read_study(payload_of(XML_BODY)), "eligibility").text

    assert text.startswith("Inclusion Criteria:\n\n  -  Age 18+\n\nExclusion Criteria:\n\n  -  ASA > III")


@pytest.mark.parametrize("aliases", [1, 2])
def test_xml_is_read_by_an_obsolete_id(payload_of, aliases):
    """A study in the classic site's XML that was asked for by one of its obsolete ids has its present id."""
    obsolete = "".join(f"<nct_alias>NCT0000000{number}</nct_alias>" for number in range(aliases))
    body = XML_BODY.replace("</id_info>", f"{obsolete}</id_info>")

    assert "ctgov:NCT00353704" == read_study(payload_of(body, "NCT00000000")).id


@pytest.mark.parametrize(
    ("at", "twice"),
    [
        ("<source>", "<brief_title>Another</brief_title>"),
        ("<source>", "<overall_status>Recruiting</overall_status>"),
        ("<source>", "<eligibility/>"),
        ("<source>", "<clinical_results/>"),
        ("<org_study_id>", "<nct_id>NCT00000001</nct_id>"),
        ("<gender>", "<gender>Female</gender>"),
        ("<participant_flow>", "<participant_flow/>"),
    ],
)
def test_xml_that_has_twice_what_a_study_has_once_is_refused(payload_of, at, twice):
    """A second title, status or section is refused by its name, not chosen or merged silently."""
    tag = re.match(r"<\w+", twice)[0]
    with pytest.raises(InvalidDocument, match=f"has 2 of {tag}>"):
        read_study(payload_of(XML_BODY.replace(at, twice + at, 1)))


@pytest.mark.parametrize(
    ("at", "lost"),
    [
        ("</clinical_study>", "MARK"),
        ("<participant_flow>", "MARK"),
        ("</participant_flow>", "MARK"),
        ("</clinical_study>", "<protocolSection>MARK</protocolSection>"),
        ("</clinical_study>", "<resultsSection><a>MARK</a></resultsSection>"),
        ("</id_info>", "MARK"),
        ("</clinical_study>", '<detailed_description at="MARK"><textblock>a</textblock></detailed_description>'),
        ("</clinical_study>", '<keyword at="MARK"/>'),
        ("<participant_flow>", "<unknown>MARK</unknown>"),
    ],
)
def test_text_in_any_place_of_the_xml_is_kept(payload_of, at, lost):
    """Text beside elements, attributes, and elements with the names of today's sections are in the document."""
    document = read_study(payload_of(XML_BODY.replace(at, lost + at, 1)))

    assert ("ctgov:NCT00353704", True) == (document.id, "MARK" in document.text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_text_of_the_xml_is_lost_when_what_is_around_it_is_empty(payload_of, data):
    """However many elements are emptied of their text or their children, each text that is left is in the document."""
    root = ElementTree.fromstring(XML_BODY)  # noqa: S314 - the file beside this test
    for number, element in enumerate(root.iter()):
        if element.tag != "nct_id":
            element.text = f"{element.text or ''} mark{number}." if data.draw(st.booleans()) else None
            element.attrib = {name: f"{name}{number}." for name in element.attrib}
    emptied = st.sampled_from([element for element in root.iter() if element.find(".//nct_id") is None])
    for element in data.draw(st.lists(emptied, max_size=10)):
        if element.tag != "nct_id":
            element[:] = []
    text = " ".join(read_study(payload_of(ElementTree.tostring(root, "unicode"))).text.split())
    left = [one for element in root.iter() for one in [element.text or "", *element.attrib.values()]]

    assert [] == [one for one in (" ".join(part.split()) for part in left) if one not in text]


def test_a_study_without_wrapper_is_read(payload_of):
    """The first version's study object alone is enough."""
    study = json.loads(JSON_BODY)["FullStudiesResponse"]["FullStudies"][0]["Study"]

    assert "ctgov:NCT00353704" == read_study(payload_of(json.dumps(study))).id


@pytest.mark.parametrize(
    ("old", "new"), [("NCTId", "nctId"), ("BriefTitle", "briefTitle"), ("IPDSharing", "ipdSharing"), ("URL", "url")]
)
def test_names_become_todays(old, new):
    """Acronyms at the front are written small as a whole."""
    assert new == camel(old)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("class", "classes"),
        ("category", "categories"),
        ("analysis", "analyses"),
        ("mesh", "meshes"),
        ("leaf", "leaves"),
    ],
)
def test_lists_have_plural_names(one, many):
    """The names of lists are those of today's API."""
    assert many == plural(one)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.sampled_from([JSON_BODY, XML_BODY]),
    at=st.integers(0, 5000),
    length=st.integers(0, 200),
    text=st.text(max_size=9),
)
def test_damaged_old_records_are_read_or_refused(payload_of, body, at, length, text):
    """Cutting a piece out of an old record never raises anything but InvalidDocument."""
    with suppress(InvalidDocument):
        read_study(payload_of(body[:at] + text + body[at + length :]))
