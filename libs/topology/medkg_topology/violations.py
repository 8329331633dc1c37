"""A broken shape (unknown field, wrong type, missing value) in words: what pydantic found, for authors."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails

from .duration import format_duration, parse_duration
from .models import (
    AdmissionSettings,
    BreakerEntry,
    GateEntry,
    Policies,
    PolicyEntry,
    RolloutEntry,
    StageEntry,
    TenantEntry,
    Topology,
)
from .problems import Problem, listed, suggestion
from .source import Place, Source

_NOUNS: dict[type[BaseModel], str] = {
    Topology: "a topology",
    StageEntry: "a stage",
    GateEntry: "a gate",
    Policies: "the policies file",
    PolicyEntry: "a policy",
    BreakerEntry: "a breaker",
    RolloutEntry: "a rollout",
    AdmissionSettings: "the admission file",
    TenantEntry: "a tenant",
}
_TAGS: dict[str | int, type[BaseModel]] = {"stage": StageEntry, "gate": GateEntry}
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping of fields",
    "model_type": "a mapping of fields",
    "model_attributes_type": "a mapping of fields",
}
_FORMS = {
    "is not a duration": "Write a number and s, m, h or d, such as 15m.",
    "is not a rate": "Write a number, a slash and s, m or h, such as 5/s.",
}
_TOPIC_FIELDS = ("opens_on", "request")
_NOT_A_NAME = (
    "is no valid name: names become parts of topics",
    "Use lower-case letters, digits, '-' and '_', a letter first, at most 63 in all.",
)
_NOT_A_TENANT = (
    "is no valid tenant: its id becomes part of index names",
    "Use lower-case letters, digits and '-', at most 63 in all.",
)
_NOT_A_TOPIC = (
    "is no topic name with a version",
    "Use lower-case letters, digits, '.', '_' and '-', and a version at the end, such as approvals.v1.",
)
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


def shape_problems(error: ValidationError, source: Source, root: type[BaseModel]) -> Iterator[Problem]:
    """The problems of a file whose data do not fit the model ``root``."""
    for detail in error.errors(include_url=False):
        owner, place = _owner(root, detail["loc"])
        message, remedy = _words(detail, owner, place)
        yield source.problem(place, message, remedy)


def _owner(root: type[BaseModel], loc: Place) -> tuple[type[BaseModel], Place]:
    """The model whose field broke, and the place in the file, without pydantic's own marks."""
    if loc[:1] == ("stages",) and len(loc) > 2:
        return _TAGS[loc[2]], loc[:2] + loc[3:]
    # pydantic marks a key that broke a rule with a part of its own.
    place = tuple(part for part in loc if part != "[key]")
    match loc:
        case ("policies", _, "breaker", _):
            return BreakerEntry, place
        case ("policies", _, *_):
            return PolicyEntry, place
        case ("rollout", _):
            return RolloutEntry, place
        case ("tenants", _, *_):
            return TenantEntry, place
    return root, place


def _words(detail: ErrorDetails, owner: type[BaseModel], place: Place) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    name = next((str(part) for part in reversed(place) if not isinstance(part, int)), "")
    example = _example(owner, place)
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_found(value)}", _retype(kind, name, value, example)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        worded = _worded(owner, name)
        found = value if isinstance(value, str) else worded(value)
        return f"must be {words} {worded(context[key])}, not {found}", example
    fields = owner.model_fields
    pattern = _NOT_A_TOPIC if name in _TOPIC_FIELDS else _NOT_A_TENANT if owner is TenantEntry else _NOT_A_NAME
    form = str(context.get("error"))
    by_kind = {
        "missing": (f"{_NOUNS[owner]} needs the field '{name}'", example),
        "extra_forbidden": (
            f"{_NOUNS[owner]} has no field '{name}'{suggestion(name, fields)}",
            f"Its fields are {listed(fields)}.",
        ),
        "literal_error": (f"must be {context.get('expected')}, not {_found(value)}", "Choose one of these."),
        "string_pattern_mismatch": (f"{value!r} {pattern[0]}", pattern[1]),
        "value_error": (f"{value!r} {form}", _FORMS.get(form, example)),
        "too_short": ("there are none", example),
    }
    return by_kind.get(kind, (detail["msg"], example))


def _worded(owner: type[BaseModel], name: str) -> Callable[[float], str]:
    """How the numbers of a field are written."""
    field = owner.model_fields.get(name)
    rules = field.metadata if field else ()
    is_duration = any(isinstance(rule, BeforeValidator) and rule.func is parse_duration for rule in rules)
    return format_duration if is_duration else "{:.10g}".format


def _found(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value!r}"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return f"the number {value}"


def _retype(kind: str, name: str, value: Any, example: str) -> str:  # noqa: ANN401 - whatever the file holds
    if kind == "string_type" and isinstance(value, int | float):
        return f'Put it in quotes: "{_flow(value)}".'
    if kind == "list_type" and isinstance(value, str):
        return f"Write it as a list: `{name}: [{value}]`."
    return example


def _example(owner: type[BaseModel], place: Place) -> str:
    name = next((part for part in reversed(place) if isinstance(part, str) and part in owner.model_fields), "")
    field = owner.model_fields.get(name)
    if field is None or not field.examples:
        return f"Write it as the schema of {_NOUNS[owner]} says."
    return f"Write, for example, `{name}: {_flow(field.examples[0], quote=owner is Topology and name == 'version')}`."


def _flow(value: Any, *, quote: bool = False) -> str:  # noqa: ANN401 - an example or what the file holds
    """The value in YAML's one-line form."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return f'"{value}"' if quote else str(value)
