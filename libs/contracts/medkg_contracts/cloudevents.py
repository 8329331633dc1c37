"""CloudEvents 1.0 on Kafka: binary mode on write, binary and structured on read.

Sources: CloudEvents 1.0.2 (spec.md), its Kafka protocol binding and its JSON event format. Two rules of the
binding that SDKs get wrong are kept here: the content type alone decides the mode, and reading adds no attribute.
The binding percent-encodes nothing: names and values are UTF-8 as they stand.
"""

import base64
import codecs
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from .errors import PoisonRecord

#: A record's value that is larger than this is refused unread.
MAX_VALUE_BYTES: Final = 1024 * 1024
#: So many attributes of an event are read.
MAX_ATTRIBUTES: Final = 64
#: So many characters has an attribute's value at most.
MAX_ATTRIBUTE: Final = 4096

SPEC_VERSION: Final = "1.0"
JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents"

_REQUIRED: Final = ("id", "source", "type")
_OPTIONAL: Final = ("subject", "time", "datacontenttype", "dataschema")
_CONTEXT: Final = frozenset((*_REQUIRED, *_OPTIONAL, "specversion"))
_NAME: Final = re.compile(r"[a-z0-9]{1,64}\Z")
_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)
#: What the type system's String may not hold: control characters and lone surrogates.
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_RFC3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:)([0-9]{2})((?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2}))\Z"
)
#: The range of the type system's Integer.
_INTEGERS: Final = range(-(2**31), 2**31)

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event: context attributes and data.

    Attributes:
        extensions: extension attributes by name; all are text on the wire, so all are text here.
        data: the payload's bytes, or None for an event without data.
    """

    id: str
    source: str
    type: str
    time: datetime | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None


def to_headers(event: CloudEvent) -> list[tuple[str, bytes]]:
    """The event's attributes as Kafka headers of the binary content mode; its `data` is the record's value."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
    ]
    if event.datacontenttype is not None:
        headers.append(("content-type", event.datacontenttype.encode()))
    if event.time is not None:
        headers.append(("ce_time", rfc3339(event.time).encode()))
    if event.subject is not None:
        headers.append(("ce_subject", event.subject.encode()))
    if event.dataschema is not None:
        headers.append(("ce_dataschema", event.dataschema.encode()))
    headers.extend(("ce_" + name, value.encode()) for name, value in event.extensions.items())
    return headers


def rfc3339(time: datetime) -> str:
    """The time as events write it, with ``Z`` for UTC."""
    return time.isoformat().replace("+00:00", "Z")


def from_record(headers: Sequence[Header], value: bytes | None) -> CloudEvent:
    """Read the event that a Kafka record carries.

    Raises:
        PoisonRecord: the record is no CloudEvent 1.0; the message says why.
    """
    if value is not None and len(value) > MAX_VALUE_BYTES:
        raise PoisonRecord(f"the value has {len(value):,} bytes; at most {MAX_VALUE_BYTES:,} are read")
    texts = _own_headers(headers)
    content_type = texts.get("content-type")
    if content_type is not None and content_type.lower().startswith(STRUCTURED):
        return _from_structured(content_type, value)
    return _from_binary(texts, content_type, value)


def _own_headers(headers: Sequence[Header]) -> dict[str, str]:
    """The headers that the binding maps, by name in lower case; whatever else a record has is somebody else's.

    A null value says that the attribute is not set, as null does in the JSON format. A name in other case than the
    binding writes it is understood, unless the record has it as the binding writes it, too.
    """
    exact: dict[str, bytes] = {}
    other: dict[str, bytes] = {}
    for given, raw in headers:
        name = _mapped(given)
        if raw is None or name is None:
            continue
        if (exact if name == given else other).setdefault(name, raw) != raw:
            raise PoisonRecord(f"header {given[:64]!r} is there twice, with different values")
    found = other | exact if other else exact
    if len(found) > MAX_ATTRIBUTES:
        raise PoisonRecord(f"the event has {len(found)} attributes; at most {MAX_ATTRIBUTES} are read")
    try:
        return {name: raw.decode() for name, raw in found.items()}
    except UnicodeDecodeError:
        return {name: _text(name, raw) for name, raw in found.items()}  # which says whose it is


@lru_cache(maxsize=1024)
def _mapped(given: str) -> str | None:
    """A header's name as the binding writes it; None for one that the binding does not map."""
    name = given.lower()
    return name if name.startswith("ce_") or name == "content-type" else None


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise PoisonRecord(f"header {name[:64]!r} is not UTF-8: {error.reason} at byte {error.start}") from error


def _from_binary(texts: Mapping[str, str], content_type: str | None, value: bytes | None) -> CloudEvent:
    attributes = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}
    attributes.pop("datacontenttype", None)  # the binding maps it to content-type and to nothing else
    return _event(attributes, content_type, value)


def _from_structured(content_type: str, value: bytes | None) -> CloudEvent:
    media_type = content_type.split(";", 1)[0].strip().lower()
    if media_type != "application/cloudevents+json":
        raise PoisonRecord(f"content type {content_type[:200]!r} is not read; use application/cloudevents+json")
    if _charset(content_type) not in {"utf-8", "utf8", "us-ascii"}:
        raise PoisonRecord(f"content type {content_type[:200]!r} is not read; a structured event is UTF-8")
    body = _json_object(value or b"")
    content = body.pop("datacontenttype", None)
    if content is not None and not isinstance(content, str):
        raise PoisonRecord("attribute 'datacontenttype' is not text")
    if content is None and "data" in body:
        content = JSON  # the JSON format's own rule: data without a content type are JSON
    data = _structured_data(body, content)
    if len(body) > MAX_ATTRIBUTES:
        raise PoisonRecord(f"the structured event has {len(body)} attributes; at most {MAX_ATTRIBUTES} are read")
    attributes = {name: _attribute_text(name, value) for name, value in body.items() if value is not None}
    return _event(attributes, content, data)


def _json_object(value: bytes) -> dict[str, Any]:
    """The JSON object; the standard library's parser, since orjson rounds integers of more than 64 bits."""
    outermost: list[tuple[str, object]] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        outermost[:] = pairs  # the outermost object is closed last
        return dict(pairs)

    try:
        body = json.loads(
            value.decode("utf-8-sig"), object_pairs_hook=members, parse_float=_finite, parse_constant=_finite
        )
    except (ValueError, RecursionError) as error:
        raise PoisonRecord(f"the structured event is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise PoisonRecord("the structured event is not a JSON object")
    if len(outermost) != len(body):
        raise PoisonRecord("the structured event has an attribute twice")
    return body


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:64]} is not a number that JSON data can hold")
    return number


def _structured_data(body: dict[str, Any], content_type: str | None) -> bytes | None:
    encoded = body.pop("data_base64", None)
    if encoded is not None:
        if "data" in body:
            raise PoisonRecord("the structured event has both data and data_base64")
        if not isinstance(encoded, str):
            raise PoisonRecord("data_base64 is not text")
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise PoisonRecord(f"data_base64 is not base64: {error}") from error
    if "data" not in body:
        return None
    data = body.pop("data")
    try:
        if content_type is None or is_json(content_type):
            return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        if isinstance(data, str):
            return data.encode(_charset(content_type))
    except (ValueError, LookupError, RecursionError) as error:
        raise PoisonRecord(f"the data cannot be written as {content_type!r}: {error}") from error
    raise PoisonRecord(f"the data are not text, which {content_type!r} in a structured event has to be")


def is_json(media_type: str) -> bool:
    """Whether the JSON event format counts this content type as JSON: ``*/json`` or ``*/*+json``."""
    subtype = media_type.split(";", 1)[0].strip().lower().rpartition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def without_bom(text: bytes) -> bytes:
    """JSON without a byte order mark before it, which RFC 8259 lets a reader ignore."""
    return text.removeprefix(codecs.BOM_UTF8)


def _charset(content_type: str) -> str:
    given = _CHARSET.search(content_type)
    return "utf-8" if given is None else given[1].lower()


def _attribute_text(name: str, value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value in _INTEGERS:
            return str(value)
    raise PoisonRecord(f"attribute {name[:64]!r} is neither text, a 32-bit integer nor boolean")


def _event(attributes: Mapping[str, str], content_type: str | None, data: bytes | None) -> CloudEvent:
    version = attributes.get("specversion")
    if version != SPEC_VERSION:
        raise PoisonRecord(f"specversion is {None if version is None else version[:64]!r}, not {SPEC_VERSION!r}")
    for name in _REQUIRED:
        if not attributes.get(name):
            raise PoisonRecord(f"required attribute {name!r} is missing or empty")
    for name, text in attributes.items():
        if not (text and text.isprintable() and len(text) <= MAX_ATTRIBUTE and _is_name(name)):  # seldom so
            _check(name, text)
    if content_type is not None:
        _check("datacontenttype", content_type)
    return CloudEvent(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=_time(attributes.get("time")),
        subject=attributes.get("subject"),
        datacontenttype=content_type,
        dataschema=attributes.get("dataschema"),
        extensions={name: text for name, text in attributes.items() if name not in _CONTEXT},
        data=data,
    )


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return _NAME.match(name) is not None and name != "data"


def _check(name: str, text: str) -> None:
    if not _is_name(name):
        raise PoisonRecord(f"attribute name {name[:64]!r} is not 1 to 64 characters of a-z and 0-9, or is 'data'")
    if len(text) > MAX_ATTRIBUTE:
        raise PoisonRecord(f"attribute {name!r} has {len(text):,} characters; at most {MAX_ATTRIBUTE:,} are read")
    if not text and name in _OPTIONAL:
        raise PoisonRecord(f"attribute {name!r} is empty")
    forbidden = _FORBIDDEN.search(text)
    if forbidden is not None:
        raise PoisonRecord(f"attribute {name!r} has the character U+{ord(forbidden[0]):04X}, which none may have")


def _time(text: str | None) -> datetime | None:
    """The time; digits after the microsecond are dropped, and a leap second is the next minute's first."""
    if text is None:
        return None
    parts = _RFC3339.match(text.upper())
    if parts is None:
        raise PoisonRecord(f"time {text[:64]!r} is not an RFC 3339 timestamp with an offset from UTC")
    minute, second, rest = parts.groups()
    leap = second == "60"
    try:
        time = datetime.fromisoformat(f"{minute}{'59' if leap else second}{rest}")
        return time + timedelta(seconds=1) if leap else time
    except (ValueError, OverflowError) as error:
        raise PoisonRecord(f"time {text[:64]!r} is not an RFC 3339 timestamp: {error}") from error
