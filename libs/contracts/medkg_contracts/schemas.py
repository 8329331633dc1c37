"""JSON Schemas of the contract models, for the AsyncAPI documents: ``python -m medkg_contracts.schemas asyncapi``."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter

from .changelog import LiveModel, VisibleVersion
from .events import data_model
from .kinds import Kind
from .model import Identifier, Name, TenantId

_SCHEMAS: Final = Path("common", "schemas.yaml")

#: What the changelog of vectors says in JSON.
_CHANGES: Final[Sequence[TypeAdapter[Any]]] = (TypeAdapter(VisibleVersion), TypeAdapter(LiveModel))

#: Names that stand in headers, keys and topics.
_NAMES: Final[Mapping[str, Any]] = {"JobId": Identifier, "TenantId": TenantId, "NodeName": Name}


def schemas() -> dict[str, Any]:
    """JSON Schemas of all events' data and of the names in headers, by model; they refer to each other."""
    models = [*(model for kind in Kind if (model := data_model(kind)) is not None), *_CHANGES]
    _, definitions = TypeAdapter.json_schemas(
        [(kind, "validation", model) for kind, model in enumerate(models)], ref_template="#/{model}"
    )
    found: dict[str, Any] = definitions.get("$defs", {})
    found |= {name: TypeAdapter(kind).json_schema() for name, kind in _NAMES.items()}
    return dict(sorted(found.items()))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def render_schemas() -> str:
    """The text of ``common/schemas.yaml``."""
    text = yaml.dump(schemas(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return f"# Written by `python -m medkg_contracts.schemas` from the contract models; do not edit.\n{text}"


def main() -> None:
    """Write ``common/schemas.yaml``."""
    parser = argparse.ArgumentParser(prog="python -m medkg_contracts.schemas", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the folder with the AsyncAPI documents")
    (parser.parse_args().folder / _SCHEMAS).write_text(render_schemas())


if __name__ == "__main__":
    main()
