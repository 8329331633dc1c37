"""What the sections of a study look like."""

import json

import pytest
from medkg_parse.ctgov.study import read_study


@pytest.fixture
def document(studies, payload_of):
    """A study with results."""
    return read_study(payload_of(studies["NCT00353704"]))


def section(document, id_):
    return next(section for section in document.sections if section.id == id_)


def minimal(**modules):
    identification = {"nctId": "NCT00353704", "briefTitle": "A study"}
    return {"protocolSection": {"identificationModule": identification, **modules}}


def test_the_document_is_named_after_the_study(document):
    """Id and title are the study's own."""
    assert ("ctgov:NCT00353704", "Analgetic and Anxiolytic Effect of Preoperative Pregabalin") == (
        document.id,
        document.title,
    )


def test_all_modules_have_sections(document):
    """Protocol, results and derived modules become sections, in a fixed order."""
    expected = [
        *("identification", "summary", "description", "conditions", "design", "arms", "outcomes", "eligibility"),
        *("status", "sponsor", "locations", "contacts", "references", "participant_flow", "baseline"),
        *("outcome_measures-1", "outcome_measures-2", "adverse_events", "results_info"),
        *("terms-conditions", "terms-interventions", "record_info"),
    ]

    assert expected == [section.id for section in document.sections]


def test_metadata_are_what_one_filters_by(document):
    """The metadata have the study's plain facts."""
    expected = {
        "nct_id": "NCT00353704",
        "acronym": None,
        "status": "COMPLETED",
        "study_type": "INTERVENTIONAL",
        "phases": ["PHASE4"],
        "mesh": ["Intervertebral Disc Displacement", "Prolapse", "Pregabalin", "Morphine"],
        "conditions": ["Intervertebral Disk Displacement", "Disk Prolapse"],
        "interventions": ["pregabalin", "Placebo", "morphine"],
        "sponsor": "Asker & Baerum Hospital",
        "start_date": "2005-11",
        "completion_date": "2010-06",
        "last_update": "2011-07-20",
        "enrollment": 50,
        "sex": "ALL",
        "minimum_age": "18 Years",
        "maximum_age": None,
        "countries": ["Norway"],
        "has_results": True,
    }

    assert expected == document.metadata


def test_one_value_in_place_of_a_list_is_a_fact(payload_of):
    """A phase or a condition that is not in a list is in the metadata as a list of one."""
    study = minimal(designModule={"phases": "PHASE2"}, conditionsModule={"conditions": "Asthma"})
    metadata = read_study(payload_of(json.dumps(study))).metadata

    assert (["PHASE2"], ["Asthma"]) == (metadata["phases"], metadata["conditions"])


def test_criteria_keep_their_lists_and_escapes(document):
    """The criteria's paragraphs, list marks and backslashes are the source's."""
    text = section(document, "eligibility").text

    assert text.startswith("Inclusion Criteria:\n\n* Clinical diagnosis of disc prolapse\n* Age 18+\n")
    assert "\n* Age \\< 18\n* ASA \\> III\n" in text


def test_an_outcome_measure_is_a_section_of_its_own(document):
    """Each outcome measure has its own section, title and pointer."""
    measure = section(document, "outcome_measures-1")

    assert "Outcome measure: Mean VAS Pain (Visual Analogue Scale)at Rest (0-100 mm)" == measure.title
    assert "/resultsSection/outcomeMeasuresModule/outcomeMeasures/0" == measure.provenance.path


def test_measured_values_are_a_table_with_a_column_for_each_group(document):
    """Rows are classes and categories; cells are values with their spread."""
    table = section(document, "outcome_measures-1").tables[-1]

    assert ["Category", "Pregabalin (OG000)", "Placebo (OG001)"] == table.columns
    assert [["Participants analyzed", "22", "24"], ["Value", "11.7 (9.6)", "22.5 (14.4)"]] == table.rows


def test_participant_flow_is_a_table_for_each_period(document):
    """Milestones are rows, groups are columns."""
    table = section(document, "participant_flow").tables[1]

    assert "Overall Study: milestones" == table.caption
    assert [["STARTED", "25", "25"], ["COMPLETED", "22", "24"], ["NOT COMPLETED", "3", "1"]] == table.rows


def test_baseline_captions_say_what_the_values_are(document):
    """A baseline measure's caption has its parameter, dispersion and unit."""
    captions = [table.caption for table in section(document, "baseline").tables]

    assert "Age Continuous (values: MEAN, STANDARD_DEVIATION, years)" in captions


def test_adverse_events_have_counts_by_group(studies, payload_of):
    """An event's cell says how many of how many were affected."""
    document = read_study(payload_of(studies["NCT02552212"], "NCT02552212"))
    tables = {table.caption: table for table in section(document, "adverse_events").tables}
    event = tables["Serious adverse events"]

    assert ["Organ system", "Term"] == event.columns[:2]
    assert all(" of " in cell for cell in event.rows[0][4:])


def test_analyses_are_a_table(studies, payload_of):
    """An outcome's statistical analyses are kept as a table."""
    document = read_study(payload_of(studies["NCT02552212"], "NCT02552212"))
    captions = {table.caption for part in document.sections for table in part.tables}

    assert "Statistical analyses" in captions


def test_cells_with_lines_are_written_a_field_a_line(payload_of):
    """A cell that has a list keeps its line ends in the text."""
    arm = {"label": "A", "description": "First:\n\n* one\n* two"}
    study = minimal(armsInterventionsModule={"armGroups": [arm]})
    arms = section(read_study(payload_of(json.dumps(study))), "arms")

    assert "Arms\nLabel: A\nDescription: First:\n\n* one\n* two" == arms.text


def test_an_unknown_module_becomes_a_section(payload_of):
    """A module that the parser does not know is rendered under its own name."""
    study = minimal(biomarkerModule={"panelName": "BRCA", "genes": [{"symbol": "TP53", "allele": 2}]})
    other = section(read_study(payload_of(json.dumps(study))), "other-biomarker")

    assert "Panel name: BRCA\n\nGenes\nSymbol | Allele\nTP53 | 2" == other.text


def test_modules_of_one_name_have_ids_of_their_own(payload_of):
    """Two unknown modules whose names read alike are told apart by number."""
    study = minimal(newModule={"a": "1"}, new_module={"a": "2"}, NewModule={"a": "3"})
    ids = [section.id for section in read_study(payload_of(json.dumps(study))).sections]

    assert ["identification", "other-new", "other-new_module", "other-new~2"] == ids


def test_an_unknown_field_stays_in_its_module(payload_of):
    """A field that the parser does not know is written behind those that it knows."""
    study = minimal(eligibilityModule={"weightLimit": "100 kg", "eligibilityCriteria": "Adults"})

    assert "Adults\n\nWeight limit: 100 kg" == section(read_study(payload_of(json.dumps(study))), "eligibility").text


def test_a_field_of_the_wrong_type_does_not_lose_the_others(payload_of):
    """A list in place of text is rendered generically beside the fields that are right."""
    study = minimal(eligibilityModule={"eligibilityCriteria": ["Adults", "Healthy, or not"], "sex": "ALL"})
    text = section(read_study(payload_of(json.dumps(study))), "eligibility").text

    assert "Sex: ALL\n\nEligibility criteria:\n* Adults\n* Healthy, or not" == text


def test_a_module_of_the_wrong_type_is_kept(payload_of):
    """A module that is text, not an object, is among the further fields."""
    study = minimal(eligibilityModule="Adults only")

    assert "Eligibility: Adults only" == section(read_study(payload_of(json.dumps(study))), "other-protocol").text


def test_many_different_fields_do_not_make_endless_columns(payload_of):
    """A list whose objects all have other fields keeps its fields in a bounded number of columns."""
    study = minimal(designModule={"odd": [{f"field{number}": number} for number in range(500)]})
    table = section(read_study(payload_of(json.dumps(study))), "design").tables[0]

    assert 41 == len(table.columns)
    assert "field 499: 499" == table.rows[499][40]


def test_a_control_character_is_shown_as_replaced(payload_of):
    """A control character becomes U+FFFD, for the validator to warn of; it is not dropped silently."""
    study = minimal(descriptionModule={"briefSummary": "one\x00two\r\nthree"})

    assert "one\ufffdtwo\nthree" == section(read_study(payload_of(json.dumps(study))), "summary").text


def test_too_many_groups_are_written_a_value_a_line(payload_of):
    """A measure with a hundred groups is a long table, not a wide one."""
    groups = [{"id": f"OG{number:03}", "title": f"Group {number}"} for number in range(100)]
    values = [{"groupId": group["id"], "value": "7"} for group in groups]
    measure = {"title": "Pain", "groups": groups, "classes": [{"categories": [{"measurements": values}]}]}
    study = minimal() | {"resultsSection": {"outcomeMeasuresModule": {"outcomeMeasures": [measure]}}}
    table = section(read_study(payload_of(json.dumps(study))), "outcome_measures-1").tables[-1]

    assert ["Category", "Group", "Value"] == table.columns
    assert 100 == len(table.rows)
