"""Writes model.json, what tests need to know of the Biolink model, from the model's own package.

uv run --no-project --with biolink-model==4.4.3 python tests/biolink/generate.py
"""

import json
from collections.abc import Mapping
from importlib.metadata import files
from pathlib import Path
from typing import Any

import yaml

Elements = Mapping[str, Mapping[str, Any]]


def _file(name: str) -> str:
    return next(file.read_text() for file in files("biolink-model") or () if file.name == name)


def _ancestors(name: str, elements: Elements) -> set[str]:
    """The element itself, and all that it is one of, mixins included."""
    element = elements[name]
    above = [*([element["is_a"]] if "is_a" in element else []), *element.get("mixins", ())]
    return {name}.union(*(_ancestors(each, elements) for each in above))


def _class_name(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.split())


def _classes(classes: Elements) -> dict[str, Any]:
    return {
        _class_name(name): {
            "ancestors": sorted(_class_name(each) for each in _ancestors(name, classes)),
            "usable": not (its.get("abstract") or its.get("mixin") or its.get("deprecated")),
        }
        for name, its in classes.items()
        if "named thing" in _ancestors(name, classes)
    }


def _predicates(slots: Elements) -> dict[str, Any]:
    return {
        name.replace(" ", "_"): {
            "domain": _class_name(its.get("domain", "named thing")),
            "range": _class_name(its.get("range", "named thing")),
            "usable": not its.get("deprecated"),
        }
        for name, its in slots.items()
        if "related to" in _ancestors(name, slots)
    }


def _qualifiers(model: Mapping[str, Any]) -> dict[str, Any]:
    """Qualifiers, each with the values that it may have; null where it may have any."""
    slots, enums = model["slots"], model["enums"]
    return {
        name.replace(" ", "_"): sorted(enums.get(its.get("range"), {}).get("permissible_values", ())) or None
        for name, its in slots.items()
        if "qualifier" in _ancestors(name, slots) and not its.get("deprecated")
    }


def _main() -> None:
    model = yaml.safe_load(_file("biolink_model.yaml"))
    slots, enums = model["slots"], model["enums"]
    listed = {
        "model": "Biolink model, https://github.com/biolink/biolink-model",
        "version": model["version"],
        "licence": model["license"],
        "made_by": "tests/biolink/generate.py",
        "classes": _classes(model["classes"]),
        "predicates": _predicates(slots),
        "edge_properties": sorted(
            name.replace(" ", "_")
            for name, its in slots.items()
            if ("association slot" in _ancestors(name, slots) or name in model["classes"]["association"]["slots"])
            and not its.get("deprecated")
        ),
        "qualifiers": _qualifiers(model),
        "knowledge_levels": sorted(enums["KnowledgeLevelEnum"]["permissible_values"]),
        "agent_types": sorted(enums["AgentTypeEnum"]["permissible_values"]),
        "prefixes": sorted(json.loads(_file("biolink-model-prefix-map.json"))),
    }
    text = json.dumps(listed, indent=0, sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("model.json").write_text(text + "\n")


if __name__ == "__main__":
    _main()
