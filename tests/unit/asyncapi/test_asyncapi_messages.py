"""The messages of the AsyncAPI documents are those that the code reads and writes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker
from medkg_contracts import changelog
from medkg_contracts.changelog import (
    DocumentRemoved,
    LiveModel,
    VectorChange,
    VectorDeleted,
    VectorKey,
    VectorPut,
    VisibleVersion,
    read_change,
    write_change,
)
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.deadletter import original_headers, reason_headers
from medkg_contracts.events import data_model
from medkg_contracts.kinds import TYPE_PREFIX, Kind, kind_of
from medkg_contracts.records import Record
from medkg_contracts.schemas import render_schemas

FOLDER = Path(__file__).parents[3] / "asyncapi"
COMMON = FOLDER / "common"


@cache
def loaded(file: Path) -> Any:
    """What a file says; a thousand references lead to a few files."""
    return yaml.safe_load(file.read_text())


def resolve(value: Any, file: Path = COMMON / "messages.yaml") -> Any:
    """The value with every reference replaced by what it points to."""
    if isinstance(value, list):
        return [resolve(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" not in value:
        return {key: resolve(item, file) for key, item in value.items()}
    path, _, pointer = value["$ref"].partition("#/")
    target = (file.parent / path) if path else file
    found = loaded(target)
    for part in pointer.split("/"):
        found = found[part]
    return resolve(found, target)


def merge(target: Any, patch: Any) -> Any:
    """JSON Merge Patch, by which AsyncAPI applies traits."""
    if not isinstance(target, dict) or not isinstance(patch, dict):
        return patch
    return target | {key: merge(target.get(key), value) for key, value in patch.items()}


def message(raw: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for trait in raw["traits"]:
        whole = merge(whole, trait)
    return dict(merge(whole, raw))


MESSAGES = {name: message(raw) for name, raw in resolve(loaded(COMMON / "messages.yaml")).items()}
TYPES = {name: entry["headers"]["properties"].get("ce_type", {}).get("const") for name, entry in MESSAGES.items()}
EVENTS = {
    Kind(kind.removeprefix(TYPE_PREFIX)): MESSAGES[name]
    for name, kind in TYPES.items()
    if kind is not None and kind.startswith(TYPE_PREFIX)
}
CHANGES = {name for name, kind in TYPES.items() if kind is not None and kind.startswith(changelog.TYPE_PREFIX)}
EXAMPLES = [
    pytest.param(entry, example, id=f"{name}-{example['name']}")
    for name, entry in MESSAGES.items()
    for example in entry["examples"]
]
EVENT_EXAMPLES = [
    pytest.param(kind, example, id=f"{kind}-{example['name']}")
    for kind, entry in EVENTS.items()
    for example in entry["examples"]
]


def read(example: dict[str, Any]) -> CloudEvent:
    headers = [(name, text.encode()) for name, text in example["headers"].items()]
    return from_record(headers, json.dumps(example["payload"]).encode() if "payload" in example else None)


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    Draft7Validator.check_schema(schema)
    checker = Draft7Validator(schema, format_checker=FormatChecker())
    return [error.message for error in checker.iter_errors(value)]


def test_schemas_are_up_to_date() -> None:
    """`common/schemas.yaml` is what the contract models give now."""
    assert render_schemas() == (COMMON / "schemas.yaml").read_text()


def test_every_kind_has_a_message() -> None:
    """Each kind of event is described, and no other."""
    assert set(Kind) == set(EVENTS)


@pytest.mark.parametrize("kind", Kind)
def test_payload_is_the_models_schema(kind: Kind) -> None:
    """A message's payload schema is the JSON schema of the model that reads it."""
    model = data_model(kind)
    expected = None if model is None else model.json_schema()
    definitions = {} if expected is None else expected.pop("$defs", {})

    assert inline(expected, definitions) == EVENTS[kind].get("payload")


def inline(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return inline(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: inline(item, definitions) for key, item in schema.items()}


@pytest.mark.parametrize("name", MESSAGES)
def test_name_of_a_message_is_its_key(name: str) -> None:
    """A message is found under its own name."""
    assert name == MESSAGES[name]["name"]


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_an_example(name: str) -> None:
    """Each message shows at least one record."""
    assert MESSAGES[name]["examples"]


@pytest.mark.parametrize(("entry", "example"), EXAMPLES)
def test_headers_of_examples_fit_their_schema(entry: dict[str, Any], example: dict[str, Any]) -> None:
    """An example's headers are valid for the message with its traits applied."""
    assert violations(entry["headers"], example["headers"]) == []


@pytest.mark.parametrize(("entry", "example"), EXAMPLES)
def test_payloads_of_examples_fit_their_schema(entry: dict[str, Any], example: dict[str, Any]) -> None:
    """An example's payload is valid for the message, and is absent where the message has none."""
    assert violations(entry.get("payload", {"type": "null"}), example.get("payload")) == []


@pytest.mark.parametrize("kind", Kind)
def test_type_of_another_kind_does_not_fit(kind: Kind) -> None:
    """A record is valid for one message only: the type tells them apart."""
    headers = EVENTS[kind]["examples"][0]["headers"] | {"ce_type": "org.medicalkg.orchestration.other.kind"}

    assert len(violations(EVENTS[kind]["headers"], headers)) == 1


@pytest.mark.parametrize(("kind", "example"), EVENT_EXAMPLES)
def test_events_of_examples_are_read(kind: Kind, example: dict[str, Any]) -> None:
    """The codec reads an example as an event of its kind."""
    assert kind == kind_of(read(example))


@pytest.mark.parametrize(("kind", "example"), EVENT_EXAMPLES)
def test_data_of_examples_are_read(kind: Kind, example: dict[str, Any]) -> None:
    """The model reads an example's data, and would write no other."""
    model = data_model(kind)
    data = read(example).data
    written = None if model is None else model.dump_python(model.validate_json(data or b""), exclude_unset=True)

    assert example.get("payload") == (None if written is None else json.loads(json.dumps(written, default=_time)))


def _time(value: Any) -> str:
    return str(value.isoformat().replace("+00:00", "Z"))


DOCUMENT = ("public", "ctgov:NCT05814159")
VECTOR = VectorKey(*DOCUMENT, "5d0c7a1e9b3f4c22", "4a1f0e2b9c77")
#: Of each message of the changelog: the key of its record, and what is read of it.
KEYS: dict[str, tuple[bytes, type[VectorChange]]] = {
    "vectorPut": (VECTOR.encode(), VectorPut),
    "vectorDeleted": (VECTOR.encode(), VectorDeleted),
    "versionVisible": (b"public/ctgov:NCT05814159/", VisibleVersion),
    "documentRemoved": (b"public/ctgov:NCT05814159/", DocumentRemoved),
    "modelLive": (b"public//", LiveModel),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_changes_of_examples_are_those_that_are_written(name: str) -> None:
    """The code reads the example of a message of the changelog as the change that it shows, and writes it just so."""
    (example,) = MESSAGES[name]["examples"]
    key, kind = KEYS[name]
    payload = example.get("payload")
    value = payload.encode("latin-1") if isinstance(payload, str) else json.dumps(payload).encode() if payload else None
    headers = [(header, text.encode()) for header, text in example["headers"].items()]
    change = read_change(Record("vectors.changelog.v1", 0, 0, 0, key, value, headers))
    assert change is not None
    event = from_record(headers, value)
    assert event.time is not None
    written = write_change(change, event.time, event.source)

    assert kind is type(change)
    assert (key, json.loads(value) if isinstance(payload, dict) else value) == (
        written.key, json.loads(written.value or b"") if isinstance(payload, dict) else written.value,
    )  # fmt: skip
    others = {"ce_id"}
    assert {h: v for h, v in headers if h not in others} == {h: v for h, v in written.headers if h not in others}


def test_every_change_has_a_message() -> None:
    """Each change of the changelog is described, and no other."""
    assert set(KEYS) == CHANGES


@pytest.mark.parametrize("example", MESSAGES["gateSpoke"]["examples"], ids=lambda example: example["name"])
def test_gate_examples_are_events_of_no_kind_of_ours(example: dict[str, Any]) -> None:
    """An outside system speaks in a type of its own."""
    assert kind_of(read(example)) is None


def test_gate_event_is_not_of_our_types() -> None:
    """On a gate's topic a record of medkg's own types is another message."""
    headers = MESSAGES["gateSpoke"]["examples"][0]["headers"] | {"ce_type": Kind.STAGE_COMPLETED.type}

    assert len(violations(MESSAGES["gateSpoke"]["headers"], headers)) == 1


@pytest.mark.parametrize("example", MESSAGES["deadLetter"]["examples"], ids=lambda example: example["name"])
def test_dead_letter_examples_are_dead_letters(example: dict[str, Any]) -> None:
    """The code reads an example's reason and gets the original's headers back."""
    headers = [(name, text.encode()) for name, text in example["headers"].items()]
    schema = MESSAGES["deadLetter"]["headers"]

    assert schema["required"] == list(reason_headers(headers))
    assert headers[: -len(schema["required"])] == original_headers(headers)
