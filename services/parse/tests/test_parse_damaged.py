"""Damaged records: a document or a named refusal, never another error."""

import copy
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import InvalidDocument
from medkg_parse.ctgov.payload import MAX_DEPTH
from medkg_parse.ctgov.study import read_study

IDENTITY = {"nctId": "NCT00353704", "briefTitle": "A study"}
PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MARK = "mark 8c1f that stands nowhere else"
STUDIES = Path(__file__).parent / "data" / "studies"


def places(value, path=()):
    """The paths of all values inside a value."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def within(value, path):
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


BODIES = {name: (STUDIES / f"{name}.json").read_text() for name in ("NCT00353704", "NCT04520009", "NCT05905653")}
PARSED = {name: json.loads(body) for name, body in BODIES.items()}
PLACES = {name: list(places(study))[1:] for name, study in PARSED.items()}
NAMES = st.sampled_from(sorted(BODIES))


def refused(payload) -> str:
    with pytest.raises(InvalidDocument) as error:
        read_study(payload)
    return str(error.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "empty body"),
        (" \n", "empty body"),
        ("{", "not JSON"),
        ('{"protocolSection": {"identificationModule": {"nctId": "NCT003', "not JSON"),
        ("null", "its root is None"),
        ("[]", "its root is a list of 0"),
        ('"text"', "its root is 'text'"),
        ("{}", "/protocolSection is missing: the root of the body has nothing"),
        ('{"error": "not found"}', "/protocolSection is missing: the root of the body has 'error'"),
        ('{"studies": [], "nextPageToken": "x"}', "a page of search results"),
        ('{"protocolSection": null}', "/protocolSection is missing"),
        ('{"protocolSection": []}', "/protocolSection is a list of 0, not an object"),
        ('{"protocolSection": {}}', "/protocolSection/identificationModule is missing"),
        ('{"protocolSection": {"identificationModule": {}}}', "/identificationModule/nctId is None"),
        ('{"protocolSection": {"identificationModule": {"nctId": 7}}}', "nctId is 7, not NCT and eight digits"),
        ('{"protocolSection": {"identificationModule": {"nctId": "NCT1"}}}', "nctId is 'NCT1'"),
        ('{"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}', "'NCT00353704' was asked for"),
        ('{"protocolSection": {"identificationModule": {"nctId": "\\ud800"}}}', "not JSON"),
        ('{"FullStudy": {"Study": [1, 2]}}', "/FullStudy/Study is a list of 2"),
        ('{"protocolSection": {}, "protocolSection": {}}', "/protocolSection is there twice"),
        ('{"protocolSection": {"x": [{"a/b": 1, "c": 2, "a/b": 1}]}}', "/protocolSection/x/0/a~1b is there twice"),
        ('{"protocolSection": NaN}', "not JSON: NaN is no number"),
        ("<!DOCTYPE html><html><body>Gateway timeout</body></html>", "an HTML page"),
        ("<html><body>Gateway timeout</body></html>", "an HTML page"),
        ("<html><br>Gateway", "not well-formed XML"),
        ("<other/>", "XML with the root <other>"),
        ("<clinical_study><id_info>", "not well-formed XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><clinical_study>&a;</clinical_study>', "declares the document type 'x'"),
    ],
)
def test_a_body_that_is_no_study_is_refused_by_what_it_is(payload_of, body, message):
    """The refusal says what is wrong and where."""
    assert message in refused(payload_of(body))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_name_that_is_there_twice_is_refused_wherever_it_is(payload_of, data):
    """A second field of the same name, in any object of a real study, is refused by its name, not chosen silently."""
    name = data.draw(NAMES)
    path = data.draw(st.sampled_from([path for path in PLACES[name] if isinstance(path[-1], str)]))
    study = copy.deepcopy(PARSED[name])
    within(study, path[:-1])["THE SECOND"] = data.draw(JSON)
    body = json.dumps(study).replace('"THE SECOND"', json.dumps(path[-1]))

    assert f"/{'/'.join(map(str, path))} is there twice" in refused(payload_of(body, name))


@pytest.mark.parametrize(
    "digits",
    [
        "123456789012345678901234567890",
        "-0",
        "0.10",
        "1e400",
        "1E5",
        "3.141592653589793238462643",
        "9" * 5000,
        "-1e-400",
    ],
)
def test_numbers_keep_their_digits(payload_of, digits):
    """A number of any size, written in any way, stands in the text as in the record: alone, listed or measured."""
    modules = f'"newModule": {{"amount": {digits}}}, "designModule": {{"odd": [{{"a": {digits}, "b": "x"}}]}}'
    measure = f'{{"classes": [{{"categories": [{{"measurements": [{{"groupId": "G", "value": {digits}}}]}}]}}]}}'
    results = f'{{"outcomeMeasuresModule": {{"outcomeMeasures": [{measure}]}}}}'
    protocol = f'{{"identificationModule": {json.dumps(IDENTITY)}, {modules}}}'
    text = read_study(payload_of(f'{{"protocolSection": {protocol}, "resultsSection": {results}}}')).text

    assert [] == [
        one for one in (f"Amount: {digits}", f"{digits} | x", f"Value | {digits}") if one not in text.splitlines()
    ]


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 100_000])
def test_nesting_is_limited(payload_of, levels):
    """A deeply nested field is refused, however deep."""
    body = '{"protocolSection": {"x": ' + "[" * levels + "]" * levels + "}}"

    assert "not JSON" in refused(payload_of(body)) or "nested deeper than" in refused(payload_of(body))


def test_nested_xml_is_limited(payload_of):
    """Deep XML is refused."""
    assert "levels" in refused(payload_of("<clinical_study>" + "<a>" * 1000 + "</a>" * 1000 + "</clinical_study>"))


def test_a_huge_body_is_refused(payload_of, monkeypatch):
    """A body beyond the limit is refused before it is read."""
    monkeypatch.setattr("medkg_parse.ctgov.payload.MAX_BODY", 100)

    assert "the limit is 100" in refused(payload_of('{"protocolSection": {}}' + " " * 10 + "x" * 100))


def test_an_obsolete_id_leads_to_the_study(studies, payload_of):
    """A study that was asked for by one of its aliases is accepted and has its present id."""
    study = json.loads(studies["NCT02300909"])
    alias = study["protocolSection"]["identificationModule"]["nctIdAliases"][0]

    assert "ctgov:NCT02300909" == read_study(payload_of(json.dumps(study), alias)).id


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_real_study_gives_a_document_or_a_refusal(payload_of, data):
    """Deleting, replacing, nesting and copying parts at random never raises anything but InvalidDocument."""
    name = data.draw(NAMES)
    study = copy.deepcopy(PARSED[name])
    for _ in range(data.draw(st.integers(1, 5))):
        path = data.draw(st.sampled_from(PLACES[name]))
        with suppress(KeyError, IndexError, TypeError):  # an earlier damage took this place away
            parent, key = within(study, path[:-1]), path[-1]
            match data.draw(st.sampled_from(["delete", "replace", "nest", "copy"])):
                case "delete":
                    del parent[key]
                case "replace":
                    parent[key] = data.draw(JSON)
                case "nest":
                    parent[key] = {data.draw(st.text(max_size=8)): [parent[key], parent[key]]}
                case _:
                    parent[key] = copy.deepcopy(within(PARSED[name], data.draw(st.sampled_from(PLACES[name]))))
    try:
        document = read_study(payload_of(json.dumps(study), name))
    except InvalidDocument:
        return
    assert all(section.text for section in document.sections)
    assert document.model_dump_json()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_new_field_anywhere_is_found_in_the_document(payload_of, data):
    """A text that is put at any place of a real study, as a field or an item, is not lost."""
    name = data.draw(NAMES)
    study = copy.deepcopy(PARSED[name])
    path = data.draw(st.sampled_from(PLACES[name]))
    target = within(study, path)
    if not isinstance(target, dict | list):
        target = within(study, path[:-1])
    value = data.draw(st.sampled_from([MARK, [MARK], {"a": MARK}, {"a": {"title": MARK}}, [{"a": [MARK]}]]))
    if isinstance(target, dict):
        target[data.draw(st.sampled_from(["newField", "title", "groups", "X"]) | st.text(max_size=5))] = value
    else:
        target.insert(data.draw(st.integers(0, len(target))), value)
    document = read_study(payload_of(json.dumps(study), name))

    assert MARK in " ".join(document.text.split())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(modules=st.dictionaries(st.sampled_from(["eligibilityModule", "designModule", "newModule"]), JSON), rest=JSON)
def test_any_json_beside_the_identity_gives_a_document(payload_of, modules, rest):
    """With its identity whole, a study of any JSON at all becomes a document."""
    study = {"protocolSection": {"identificationModule": IDENTITY, **modules}, "resultsSection": rest}
    document = read_study(payload_of(json.dumps(study)))

    assert "ctgov:NCT00353704" == document.id


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 21_000), text=st.text(max_size=30))
def test_a_body_that_is_cut_anywhere_is_refused(payload_of, cut, text):
    """A truncated body is refused, not half read."""
    body = BODIES["NCT00353704"][:cut] + text + "\\"

    assert "not JSON" in refused(payload_of(body))
