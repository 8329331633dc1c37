"""Records of the API's first version, whose names are ``ConditionList.Condition``, read as today's names."""

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

#: A module whose fields all begin with a word that today's names leave out.
_FAMILIES: Mapping[str, str] = {
    "ParticipantFlowModule": "Flow",
    "BaselineCharacteristicsModule": "Baseline",
    "OutcomeMeasuresModule": "Outcome",
    "AdverseEventsModule": "Events",
    "IPDSharingStatementModule": "IPDSharing",
    "ConditionBrowseModule": "Condition",
    "InterventionBrowseModule": "Intervention",
}
#: Names that the rules below do not arrive at.
_NAMES: Mapping[str, str] = {
    "Gender": "sex",
    "OrgFullName": "fullName",
    "OrgClass": "class",
    "IPDSharing": "ipdSharing",
    "OutcomeMeasure": "outcomeMeasures",
    "DesignWhoMasked": "whoMasked",
}
_SUFFIX = re.compile(r"(Struct|Info)$")
_LAST_WORD = re.compile(r"[A-Z][a-z]*$")
_ACRONYM = re.compile(r"^[A-Z]+(?=[A-Z][a-z]|\d|$)|^[A-Z]")
_PLURALS = (("ss", "sses"), ("is", "es"), ("s", "s"), ("sh", "shes"), ("ch", "ches"), ("eaf", "eaves"), ("y", "ies"))


def modern_names(study: Mapping[str, JsonValue], path: str) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """The record in today's names, and where each ``section/module`` stands under its own names.

    Args:
        study: the object that has ``ProtocolSection``.
        path: JSON Pointer of that object.
    """
    content: dict[str, JsonValue] = {}
    origins: dict[str, str] = {"": path}
    for section, modules in study.items():
        name = camel(section)
        origins[name] = f"{path}/{section}"
        if not isinstance(modules, dict):
            _add(content, name, modules)
            continue
        renamed: dict[str, JsonValue] = {}
        for module, value in modules.items():
            prefixes = (_FAMILIES[module],) if module in _FAMILIES else ()
            placed = _add(renamed, camel(module), _renamed(value, prefixes))
            origins[f"{name}/{placed}"] = f"{path}/{section}/{module}"
        _add(content, name, renamed)
    return content, origins


def camel(name: str) -> str:
    """``NCTId`` -> ``nctId``, ``BriefTitle`` -> ``briefTitle``."""
    return _ACRONYM.sub(lambda found: found.group().lower(), name)


def plural(name: str) -> str:
    """The name of a list of these: ``category`` -> ``categories``."""
    for ending, replacement in _PLURALS:
        if name.endswith(ending):
            return name[: -len(ending)] + replacement
    return name + "s"


def _renamed(value: JsonValue, prefixes: Sequence[str]) -> JsonValue:
    if isinstance(value, list):
        return [_renamed(item, prefixes) for item in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[str, JsonValue] = {}
    for name, item in value.items():
        if name.endswith("List") and isinstance(item, dict) and len(item) == 1:
            ((of_item, items),) = item.items()
            within = (*prefixes, _SUFFIX.sub("", of_item))
            inner: JsonValue = [_renamed(one, within) for one in (items if isinstance(items, list) else [items])]
            _add(renamed, _NAMES.get(of_item) or plural(_short(of_item, prefixes)), inner)
        else:
            base = _SUFFIX.sub("", name)
            inner = _renamed(item, (*prefixes, base) if isinstance(item, dict) else prefixes)
            _add(renamed, _NAMES.get(name) or _short(name, prefixes), inner)
    return renamed


def _short(name: str, prefixes: Sequence[str]) -> str:
    """The name without the name of what it is in: ``ArmGroupLabel`` in ``ArmGroup`` -> ``label``."""
    for prefix in reversed(prefixes):
        if name == prefix and (last := _LAST_WORD.search(name)):
            return camel(last.group())
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            return camel(name[len(prefix) :])
    return camel(name)


def _add(renamed: dict[str, JsonValue], name: str, value: JsonValue) -> str:
    """Adds the value under this name, or under a longer one when another field has it; says which."""
    while name in renamed:
        name += "_"
    renamed[name] = value
    return name
