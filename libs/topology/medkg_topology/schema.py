"""JSON Schemas of the YAML files, for editors."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .models import AdmissionSettings, Policies, Topology

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: The model of each schema file.
SCHEMA_FILES: dict[str, type[BaseModel]] = {
    "topology.json": Topology,
    "policies.json": Policies,
    "admission.json": AdmissionSettings,
}


def json_schema(file: str) -> dict[str, Any]:
    """The schema with this file name, one of `SCHEMA_FILES`."""
    return {"$schema": _DIALECT, **SCHEMA_FILES[file].model_json_schema()}


def schema_text(file: str) -> str:
    """The schema file's text."""
    return json.dumps(json_schema(file), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Writes all schemas into the folder and says where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / file for file in SCHEMA_FILES)
    for path in paths:
        path.write_text(schema_text(path.name), encoding="utf-8")
    return paths
