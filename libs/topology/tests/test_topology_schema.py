"""The schemas that editors use."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from medkg_topology.schema import SCHEMA_FILES, json_schema, schema_text, write_schemas

TOPOLOGIES = Path(__file__).parents[3] / "topologies"


@pytest.mark.parametrize("file", SCHEMA_FILES)
def test_the_written_schema_is_up_to_date(file: str) -> None:
    """The file in topologies/schema is what the models say; `medkg topology schema` writes it."""
    assert schema_text(file) == (TOPOLOGIES / "schema" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", SCHEMA_FILES)
def test_the_schema_is_one(file: str) -> None:
    """It is valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(json_schema(file))


@pytest.mark.parametrize("path", sorted((TOPOLOGIES / "pipelines").glob("*.yaml")), ids=lambda path: path.name)
def test_the_topologies_fit_the_schema(path: Path) -> None:
    """An editor shows no error in a file that medkg takes."""
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema("topology.json"))


@pytest.mark.parametrize("name", ["policies", "admission"])
def test_the_files_beside_them_fit_the_schema(name: str) -> None:
    """The same for the policies and the admission settings."""
    jsonschema.validate(yaml.safe_load((TOPOLOGIES / f"{name}.yaml").read_text()), json_schema(f"{name}.json"))


@pytest.mark.parametrize("rate", ["5", "5/d", "/s"])
def test_a_rate_that_is_none_does_not_fit(rate: str) -> None:
    """An editor shows what the compiler would refuse for its form."""
    entry = {"timeout": "1s", "attempts": 1, "rate": rate}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"policies": {"p": entry}}, json_schema("policies.json"))


@pytest.mark.parametrize("file", SCHEMA_FILES)
def test_every_field_is_described(file: str) -> None:
    """A person who points at a field learns what it is for."""
    schema = json_schema(file)
    models = [schema, *schema["$defs"].values()]

    assert [] == [name for model in models for name, field in model["properties"].items() if "description" not in field]


def test_a_broken_file_does_not_fit() -> None:
    """An editor shows what the compiler would refuse for its shape."""
    text = 'version: "1.0"\nname: x\nstages: [{name: a, type: Gate, opens_on: a.v1}]\n'

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema("topology.json"))


def test_write(tmp_path: Path) -> None:
    """All schemas are written, and it is said where."""
    paths = write_schemas(tmp_path / "schema")

    assert [tmp_path / "schema" / file for file in SCHEMA_FILES] == list(paths)
    assert all(path.read_text() == schema_text(path.name) for path in paths)
