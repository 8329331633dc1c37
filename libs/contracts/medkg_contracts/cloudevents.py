"""CloudEvents 1.0 on Kafka: binary mode on write, binary and structured on read.

Sources: CloudEvents 1.0.2 (spec.md), its Kafka protocol binding and its JSON event format. Two rules of the
binding that SDKs get wrong are kept here: the content type alone decides the mode, and reading adds no attribute.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from .errors import PoisonRecord

#: A record's value that is larger than this is refused unread.
MAX_VALUE_BYTES: Final = 1024 * 1024
MAX_HEADERS: Final = 64

SPEC_VERSION: Final = "1.0"
JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents"

_REQUIRED: Final = ("id", "source", "type")
_OPTIONAL: Final = ("subject", "time", "datacontenttype", "dataschema")
_CONTEXT: Final = frozenset((*_REQUIRED, *_OPTIONAL, "specversion"))
_NAME: Final = re.compile(r"[a-z0-9]+\Z")

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
        headers.append(("ce_time", event.time.isoformat().replace("+00:00", "Z").encode()))
    if event.subject is not None:
        headers.append(("ce_subject", event.subject.encode()))
    if event.dataschema is not None:
        headers.append(("ce_dataschema", event.dataschema.encode()))
    headers.extend(("ce_" + name, value.encode()) for name, value in event.extensions.items())
    return headers


def from_record(headers: Sequence[Header], value: bytes | None) -> CloudEvent:
    """Read the event that a Kafka record carries.

    Raises:
        PoisonRecord: the record is no CloudEvent 1.0; the message says why.
    """
    if value is not None and len(value) > MAX_VALUE_BYTES:
        raise PoisonRecord(f"the value has {len(value):,} bytes; at most {MAX_VALUE_BYTES:,} are read")
    if len(headers) > MAX_HEADERS:
        raise PoisonRecord(f"the record has {len(headers)} headers; at most {MAX_HEADERS} are read")
    texts = _decode_headers(headers)
    content_type = texts.get("content-type")
    if content_type is not None and content_type.lower().startswith(STRUCTURED):
        return _from_structured(content_type, value)
    return _from_binary(texts, content_type, value)


def _decode_headers(headers: Sequence[Header]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, raw in headers:
        if raw is None:
            raise PoisonRecord(f"header {name!r} is null")
        try:
            texts[name.lower()] = raw.decode()
        except UnicodeDecodeError as error:
            raise PoisonRecord(f"header {name!r} is not UTF-8: {error.reason} at byte {error.start}") from error
    return texts


def _from_binary(texts: Mapping[str, str], content_type: str | None, value: bytes | None) -> CloudEvent:
    attributes = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}
    attributes.pop("datacontenttype", None)  # the binding maps it to content-type and to nothing else
    return _event(attributes, content_type, value)


def _from_structured(content_type: str, value: bytes | None) -> CloudEvent:
    media_type = content_type.split(";", 1)[0].strip().lower()
    if media_type != "application/cloudevents+json":
        raise PoisonRecord(f"content type {content_type!r} is not read; use application/cloudevents+json")
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise PoisonRecord(f"the structured event is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise PoisonRecord("the structured event is not a JSON object")
    content = body.pop("datacontenttype", None)
    data = _structured_data(body, content)
    attributes = {name: _attribute_text(name, value) for name, value in body.items() if value is not None}
    return _event(attributes, content, data)


def _structured_data(body: dict[str, object], content: object) -> bytes | None:
    if content is not None and not isinstance(content, str):
        raise PoisonRecord("attribute 'datacontenttype' is not text")
    encoded = body.pop("data_base64", None)
    if encoded is not None:
        if "data" in body:
            raise PoisonRecord("the structured event has both data and data_base64")
        try:
            return base64.b64decode(str(encoded), validate=True)
        except ValueError as error:
            raise PoisonRecord(f"data_base64 is not base64: {error}") from error
    if "data" not in body:
        return None
    data = body.pop("data")
    if isinstance(data, str) and content is not None and not _is_json(content):
        return data.encode()
    return orjson.dumps(data)


def _is_json(media_type: str) -> bool:
    subtype = media_type.split(";", 1)[0].strip().lower().rpartition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def _attribute_text(name: str, value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
    raise PoisonRecord(f"attribute {name!r} is neither text, integer nor boolean")


def _event(attributes: Mapping[str, str], content_type: str | None, data: bytes | None) -> CloudEvent:
    version = attributes.get("specversion")
    if version != SPEC_VERSION:
        raise PoisonRecord(f"specversion is {version!r}, not {SPEC_VERSION!r}")
    for name in _REQUIRED:
        if not attributes.get(name):
            raise PoisonRecord(f"required attribute {name!r} is missing or empty")
    for name in attributes:
        if not _NAME.match(name):
            raise PoisonRecord(f"attribute name {name!r} has characters other than a-z and 0-9")
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


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise PoisonRecord(f"time {text!r} is not an RFC 3339 timestamp") from error
    if time.tzinfo is None:
        raise PoisonRecord(f"time {text!r} has no offset from UTC")
    return time
