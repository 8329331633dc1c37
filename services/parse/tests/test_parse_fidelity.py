"""Nothing that a study says is lost; run with MEDKG_STUDIES=<folder> for a wider set."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_parse.ctgov.study import read_study
from pydantic import JsonValue

OPEN = ("identificationModule/nctId", "IdentificationModule/NCTId", "hasResults")
DATA = Path(__file__).parent / "data"


def normalised(document) -> str:
    facts = json.dumps(document.metadata, ensure_ascii=False)
    return " ".join(document.text.split()) + "\n" + facts


def marked(value: JsonValue, path: str = "") -> JsonValue:
    """The value with another unique text or number in each of its leaves; texts have several lines."""
    if isinstance(value, dict):
        return {name: marked(item, f"{path}/{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [marked(item, f"{path}/{number}") for number, item in enumerate(value)]
    if value is None or isinstance(value, bool) or path.endswith(OPEN) or "nctIdAliases" in path:
        return value
    mark = sum(ord(letter) * 31**place for place, letter in enumerate(path)) % 10**15
    return f"text {mark}\n\n* point {mark} of it" if isinstance(value, str) else mark


def test_every_leaf_of_every_real_study_is_in_its_document(studies, payload_of, leaves_of):
    """Each text and number of a record stands in its document's text or metadata."""
    lost = []
    for nct_id, body in studies.items():
        text = normalised(read_study(payload_of(body, nct_id)))
        lost += [(nct_id, path) for path, leaf in leaves_of(json.loads(body)) if leaf not in text]

    assert [] == lost


def test_every_leaf_is_found_by_a_mark_that_stands_nowhere_else(studies, payload_of, leaves_of):
    """With a unique mark in each leaf, every mark is found: no leaf passes by another one's text."""
    lost = []
    for nct_id, body in studies.items():
        study = marked(json.loads(body))
        text = normalised(read_study(payload_of(json.dumps(study), nct_id)))
        lost += [(nct_id, path) for path, leaf in leaves_of(study) if leaf not in text]

    assert [] == lost


def within(value: dict | list):
    """The names or numbers of what is in the value."""
    return value if isinstance(value, dict) else range(len(value))


def places(value: JsonValue, path: tuple[str | int, ...] = ()):
    """The paths of all values but those that have the study's id inside."""
    if value != "NCT00353704" and "NCT00353704" not in json.dumps(value):
        yield path
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, name))


def test_a_class_without_rows_keeps_its_title(payload_of):
    """A class's title is in the text where the class has no categories, in the baseline and in outcome measures."""
    classes = [{"title": "Row without values"}, {"title": "Empty row", "categories": [], "denoms": []}]
    measures = [{"title": "Region", "classes": classes}]
    study = {
        "protocolSection": {"identificationModule": {"nctId": "NCT00353704", "briefTitle": "A study"}},
        "resultsSection": {
            "baselineCharacteristicsModule": {"measures": measures},
            "outcomeMeasuresModule": {"outcomeMeasures": measures},
        },
    }
    tables = [
        (table.columns, table.rows)
        for section in read_study(payload_of(json.dumps(study))).sections
        for table in section.tables
    ]

    assert [(["Class"], [["Row without values"], ["Empty row"]])] * 2 == tables


MARKED = {
    "results": marked(json.loads((DATA / "studies" / "NCT00353704.json").read_text())),
    "first version": marked(
        json.loads((DATA / "classic_full_study.json").read_text())["FullStudiesResponse"]["FullStudies"][0]["Study"]
    ),
}
PLACES = {name: list(places(study))[1:] for name, study in MARKED.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(MARKED)))
def test_nothing_is_lost_when_what_is_around_it_is_empty(payload_of, leaves_of, data, name):
    """However many parts of a record are emptied or taken out, each text and number that is left is in its document."""
    study = copy.deepcopy(MARKED[name])
    for path in data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=30)):
        parent: JsonValue = study
        for key in path[:-1]:
            parent = parent[key] if isinstance(parent, dict | list) and key in within(parent) else None
        if isinstance(parent, dict | list) and path[-1] in within(parent):
            parent[path[-1]] = data.draw(st.sampled_from([None, "", [], {}, [{}], [None]]))
    text = normalised(read_study(payload_of(json.dumps(study))))

    assert [] == [path for path, leaf in leaves_of(study) if leaf not in text]


@pytest.mark.parametrize("place", ["groups", "classes"])
def test_a_long_title_is_not_repeated_for_each_row(payload_of, place):
    """A title of 20,000 characters makes a measure with a hundred rows longer by one such title, not by a hundred."""
    group = {"id": "G0", "title": "g" * (20_000 if place == "groups" else 2)}
    categories = [{"title": f"c{n}\nx", "measurements": [{"groupId": "G0", "value": str(n)}]} for n in range(100)]
    classes = [{"title": "c" * (20_000 if place == "classes" else 2), "categories": categories}]
    measure = {"title": "Pain\nscore", "groups": [group], "classes": classes}
    study = {
        "protocolSection": {"identificationModule": {"nctId": "NCT00353704", "briefTitle": "A study"}},
        "resultsSection": {"outcomeMeasuresModule": {"outcomeMeasures": [measure]}},
    }
    text = read_study(payload_of(json.dumps(study))).text

    assert (True, True) == (group["title"] in text and classes[0]["title"] in text, len(text) < 70_000)


def test_the_same_payload_gives_the_same_bytes(studies, payload_of):
    """Reading a payload twice gives byte-identical documents."""
    for nct_id, body in studies.items():
        first, second = (read_study(payload_of(body, nct_id)).model_dump_json() for _ in range(2))

        assert first == second


def test_tables_stand_where_their_spans_say(studies, payload_of):
    """The text at a table's span has all of the table's cells."""
    missing = []
    for nct_id, body in studies.items():
        for section in read_study(payload_of(body, nct_id)).sections:
            for table in section.tables:
                text = section.text[table.span.start : table.span.end]
                missing += [(nct_id, section.id, cell) for row in table.rows for cell in row if cell not in text]

    assert [] == missing


def test_section_ids_are_unique(studies, payload_of):
    """No two sections of a document have one id."""
    for nct_id, body in studies.items():
        ids = [section.id for section in read_study(payload_of(body, nct_id)).sections]

        assert len(ids) == len(set(ids))


def test_pointers_lead_to_what_the_sections_are_made_of(studies, payload_of):
    """Each section's path is a JSON Pointer that exists in the payload."""
    for nct_id, body in studies.items():
        study = json.loads(body)
        for section in read_study(payload_of(body, nct_id)).sections:
            at = study
            for token in section.provenance.path.split("/")[1:]:
                at = at[int(token)] if isinstance(at, list) else at[token]

            assert at
