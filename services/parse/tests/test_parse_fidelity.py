"""Nothing that a study says is lost; run with MEDKG_STUDIES=<folder> for a wider set."""

import json

from medkg_parse.ctgov.study import read_study
from pydantic import JsonValue

OPEN = ("identificationModule/nctId", "hasResults")


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
