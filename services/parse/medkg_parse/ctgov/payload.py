"""Recognises what a payload is and reads it, within limits, into a record with the API's present names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from medkg_contracts.errors import InvalidDocument
from medkg_contracts.ir import RawPayload
from pydantic import JsonValue

from medkg_parse.generic import clean
from medkg_parse.json_tree import parse_json

from .classic_json import modern_names
from .classic_xml import read_xml

#: The longest body, in characters; the largest records of ClinicalTrials.gov have some 20 million.
MAX_BODY = 64_000_000
#: The deepest nesting; the API's own deepest field has 13 levels.
MAX_DEPTH = 48
#: How much of a wrong value a message quotes.
MAX_QUOTE = 60

_WRAPPERS = ("FullStudiesResponse", "FullStudies", "FullStudy", "Study")


@dataclass(frozen=True, slots=True)
class Record:
    """A study's record: ``{section: {module: fields}}`` in the names of the API's second version.

    Attributes:
        origins: where a ``section/module`` stands in the payload, when not under these very names.
        exact: the payload has these names, so that pointers go into modules.
    """

    content: Mapping[str, JsonValue]
    origins: Mapping[str, str] = field(default_factory=dict)
    exact: bool = True

    def pointer(self, module: str, *path: str | int) -> str:
        """The JSON Pointer (XPath in XML) of a module, or of a part of it where the names allow that."""
        if not self.exact:
            return self.origins.get(module, "")
        tokens = [*(module.split("/") if module else ()), *map(str, path)]
        return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def read_record(payload: RawPayload) -> Record:
    """The payload's record.

    Raises:
        InvalidDocument: the body is not a study's record; the message says what it is and where it breaks.
    """
    body = payload.body.removeprefix("\ufeff").strip()
    if not body:
        raise InvalidDocument(f"the payload {payload.uri} has an empty body")
    if len(body) > MAX_BODY:
        raise InvalidDocument(f"the payload {payload.uri} has {len(body)} characters; the limit is {MAX_BODY}")
    if body.startswith("<"):
        content, origins = read_xml(body, MAX_DEPTH)
        return Record(content, origins, exact=False)
    return _json_record(parse_json(body, MAX_DEPTH))


def quote(value: JsonValue) -> str:
    """A value as a message shows it."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = repr(clean(value) if isinstance(value, str) else value)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "..."


def _json_record(value: JsonValue, path: str = "") -> Record:
    if not isinstance(value, dict):
        raise InvalidDocument(f"the body is not a study's record: {path or 'its root'} is {quote(value)}")
    if "protocolSection" in value:
        return Record(value)
    if "ProtocolSection" in value:
        content, origins = modern_names(value, path)
        return Record(content, origins, exact=False)
    if isinstance(value.get("studies"), list):
        raise InvalidDocument("the body is a page of search results, not one study: it has /studies")
    for name in _WRAPPERS:
        if name in value:
            inner, where = value[name], f"{path}/{name}"
            if isinstance(inner, list) and len(inner) == 1:
                inner, where = inner[0], f"{where}/0"
            return _json_record(inner, where)
    names = ", ".join(quote(name) for name in list(value)[:5]) or "nothing"
    raise InvalidDocument(f"/protocolSection is missing: {path or 'the root'} of the body has {names}")
