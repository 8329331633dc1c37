"""Any JSON value as readable text: what typed sections are made of, and what unknown fields fall back to."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pydantic import JsonValue

Object: TypeAlias = Mapping[str, JsonValue]
Scalar: TypeAlias = str | int | float | bool

#: The longest label made of a field's name.
MAX_LABEL = 120

_ACRONYMS = {
    word.lower(): word
    for word in ("BMI", "CI", "DMC", "FDA", "ICF", "ID", "IPD", "NCT", "PI", "PMID", "QC", "SAP", "URL")
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\sA-Za-z\d_]+")
_WRAPPERS = re.compile(r"(?<=[a-z])(Struct|Info|Module|Section)$")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


def clean(text: str) -> str:
    r"""The text with ``\n`` as its only line end, and U+FFFD for control characters, which have no text form."""
    return _CONTROL.sub("\ufffd", _LINE_END.sub("\n", text)).strip()


def scalar_text(value: Scalar) -> str:
    """A scalar as people write it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def label(name: str) -> str:
    """A field's name as a label: ``isFdaRegulatedDrug`` -> ``Is FDA regulated drug``."""
    words = [word.lower() for word in _WORD.findall(_WRAPPERS.sub("", clean(name)[:MAX_LABEL]))]
    text = " ".join(_ACRONYMS.get(word, word) for word in words) or "Field"
    return text[0].upper() + text[1:]


def is_object(value: JsonValue) -> bool:
    """Whether the value is a JSON object."""
    return isinstance(value, dict)


def is_scalar(value: JsonValue) -> bool:
    """Whether the value is text, a number, a truth value or null."""
    return not isinstance(value, dict | list)


def inline(value: JsonValue) -> str:
    """The value within a sentence or a cell: ``name: Ann, role: CONTACT; name: Ben``."""
    if value is None:
        return ""
    if isinstance(value, dict):
        pairs = ((label(name).lower(), inline(item)) for name, item in value.items())
        return ", ".join(f"{name}: {text}" for name, text in pairs if text)
    if isinstance(value, list):
        separator = ", " if all(map(is_scalar, value)) else "; "
        return separator.join(filter(None, map(inline, value)))
    return scalar_text(value)


def with_details(text: str, details: Object) -> str:
    """The text followed by what else is known of it, in parentheses."""
    extra = inline(dict(details))
    return f"{text} ({extra})" if text and extra else text or extra


def objects_in(value: JsonValue) -> Sequence[dict[str, JsonValue]] | None:
    """The value when it is a list of objects only, or None."""
    if isinstance(value, list) and all(map(is_object, value)):
        return [item for item in value if isinstance(item, dict)]
    return None
