"""Strategies that damage good records: one or more wounds each, in headers, value or key."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st
from medkg_contracts.cloudevents import MAX_VALUE_BYTES, Header

from .odd import ODD_BYTES, ODD_JSON, ODD_NAMES
from .seeds import TOPICS, Raw, seeds

_HOLE: Final = "\x02hole\x03"
_HOLE_JSON: Final = json.dumps(_HOLE)


@st.composite
def damaged(draw: st.DrawFn, topic: str) -> Raw:
    """A record of a topic with one to three wounds."""
    raw = draw(st.sampled_from(seeds(topic)))
    for wound in draw(st.lists(st.sampled_from(_WOUNDS), min_size=1, max_size=3)):
        raw = wound(raw, draw)
    return raw


def damaged_anywhere() -> st.SearchStrategy[Raw]:
    """Records of any topic with one to three wounds."""
    return st.sampled_from(TOPICS).flatmap(damaged)


Wound = Callable[[Raw, st.DrawFn], Raw]


def _position(raw: Raw, draw: st.DrawFn) -> int:
    return int(draw(st.integers(0, max(0, len(raw.headers) - 1))))


def _bytes(draw: st.DrawFn) -> bytes:
    found: bytes = draw(st.sampled_from(ODD_BYTES) | st.binary(max_size=64))
    return found


def _without_header(raw: Raw, draw: st.DrawFn) -> Raw:
    at = _position(raw, draw)
    return replace(raw, headers=(*raw.headers[:at], *raw.headers[at + 1 :]))


def _other_value(raw: Raw, draw: st.DrawFn) -> Raw:
    at = _position(raw, draw)
    return replace(raw, headers=_with(raw, at, (_name(raw, at), _bytes(draw))))


def _null_value(raw: Raw, draw: st.DrawFn) -> Raw:
    at = _position(raw, draw)
    return replace(raw, headers=_with(raw, at, (_name(raw, at), None)))


def _other_name(raw: Raw, draw: st.DrawFn) -> Raw:
    at = _position(raw, draw)
    name = draw(st.sampled_from(ODD_NAMES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
    return replace(raw, headers=_with(raw, at, (name, raw.headers[at][1] if raw.headers else b"")))


def _another_header(raw: Raw, draw: st.DrawFn) -> Raw:
    at = _position(raw, draw)
    name = draw(st.sampled_from([_name(raw, at), *ODD_NAMES]))
    return replace(raw, headers=(*raw.headers[:at], (name, _bytes(draw)), *raw.headers[at:]))


def _many_headers(raw: Raw, draw: st.DrawFn) -> Raw:
    count = draw(st.sampled_from([60, 64, 65, 500]))
    return replace(raw, headers=(*raw.headers, *((f"ce_more{number}", b"x") for number in range(count))))


def _no_headers(raw: Raw, _: st.DrawFn) -> Raw:
    return replace(raw, headers=())


def _reversed_headers(raw: Raw, _: st.DrawFn) -> Raw:
    return replace(raw, headers=raw.headers[::-1])


def _name(raw: Raw, at: int) -> str:
    return raw.headers[at][0] if raw.headers else "ce_id"


def _with(raw: Raw, at: int, header: Header) -> tuple[Header, ...]:
    return (*raw.headers[:at], header, *raw.headers[at + 1 :])


def _other_key(raw: Raw, draw: st.DrawFn) -> Raw:
    return replace(raw, key=draw(st.none() | st.sampled_from(ODD_BYTES) | st.binary(max_size=64)))


def _no_value(raw: Raw, _: st.DrawFn) -> Raw:
    return replace(raw, value=None)


def _any_value(raw: Raw, draw: st.DrawFn) -> Raw:
    return replace(raw, value=draw(st.binary(max_size=200) | st.sampled_from(ODD_JSON).map(str.encode)))


def _too_large(raw: Raw, _: st.DrawFn) -> Raw:
    return replace(raw, value=b'"' + b"x" * MAX_VALUE_BYTES + b'"')


def _cut(raw: Raw, draw: st.DrawFn) -> Raw:
    value = raw.value or b""
    return replace(raw, value=value[: draw(st.integers(0, len(value)))])


def _flipped(raw: Raw, draw: st.DrawFn) -> Raw:
    value = bytearray(raw.value or b"\x00")
    value[draw(st.integers(0, len(value) - 1))] ^= 1 << draw(st.integers(0, 7))
    return replace(raw, value=bytes(value))


def _in_other_encoding(raw: Raw, draw: st.DrawFn) -> Raw:
    text = (raw.value or b"{}").decode(errors="replace")
    return replace(raw, value=text.encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "utf-7"]))))


def _other_json(raw: Raw, draw: st.DrawFn) -> Raw:
    """The data with an odd value in the place of one of theirs, or a field more."""
    body = _json(raw)
    places = _places(body)
    if not places:
        return raw
    container, key = draw(st.sampled_from(places))
    if isinstance(container, dict) and draw(st.booleans()):
        key = draw(st.sampled_from([key, "more", "limit", "ids", "query", "error", "artifacts", "x" * 3000]))
    container[key] = _HOLE
    return replace(raw, value=json.dumps(body).replace(_HOLE_JSON, draw(st.sampled_from(ODD_JSON))).encode())


def _odd_artifact(raw: Raw, draw: st.DrawFn) -> Raw:
    """The data with a reference to an artifact, one field of which is odd."""
    body = _json(raw)
    if not isinstance(body, dict):
        return raw
    artifact: dict[str, Any] = {"name": "document", "sha256": "0" * 64, "size": 1, "value": 1}
    artifact[draw(st.sampled_from(["name", "sha256", "size", "value", "uri", "more"]))] = _HOLE
    body[draw(st.sampled_from(["inputs", "artifacts", "request", "plan"]))] = draw(
        st.sampled_from([artifact, {"document": artifact}])
    )
    return replace(raw, value=json.dumps(body).replace(_HOLE_JSON, draw(st.sampled_from(ODD_JSON))).encode())


def _odd_claim_check(raw: Raw, draw: st.DrawFn) -> Raw:
    """The data somewhere else, or nowhere."""
    return replace(raw, headers=(*raw.headers, ("ce_dataref", _bytes(draw))), value=None)


def _without_field(raw: Raw, draw: st.DrawFn) -> Raw:
    body = _json(raw)
    places = [place for place in _places(body) if isinstance(place[0], dict)]
    if not places:
        return raw
    container, key = draw(st.sampled_from(places))
    del container[key]
    return replace(raw, value=json.dumps(body).encode())


def _doubled_field(raw: Raw, draw: st.DrawFn) -> Raw:
    text = (raw.value or b"").decode(errors="replace")
    return replace(raw, value=f'{{"id": {draw(st.sampled_from(ODD_JSON))}, {text[1:]}'.encode())


def _structured(raw: Raw, draw: st.DrawFn) -> Raw:
    """The event in structured mode, with an odd attribute or odd data."""
    attributes = {name.removeprefix("ce_"): (text or b"").decode(errors="replace") for name, text in raw.headers}
    attributes.pop("content-type", None)
    body: dict[str, Any] = {**attributes, "datacontenttype": "application/json", "data": _json(raw)}
    odd = draw(st.sampled_from([*body, "data_base64", "more", "UPPER", ""]))
    body[odd] = _HOLE
    text = json.dumps(body).replace(_HOLE_JSON, draw(st.sampled_from(ODD_JSON)))
    return replace(raw, headers=(("content-type", b"application/cloudevents+json"),), value=text.encode())


def _json(raw: Raw) -> Any:
    try:
        return json.loads(raw.value or b"")
    except (ValueError, RecursionError):
        return None


def _places(body: Any) -> list[tuple[Any, Any]]:
    """Where values stand: each container with a key or an index of it."""
    waiting, found = [body], []
    while waiting:
        container = waiting.pop()
        keys = (
            container if isinstance(container, dict) else range(len(container)) if isinstance(container, list) else ()
        )
        for key in list(keys)[:50]:
            found.append((container, key))
            waiting.append(container[key])
    return found


_WOUNDS: Final[tuple[Wound, ...]] = (
    _without_header,
    _other_value,
    _null_value,
    _other_name,
    _another_header,
    _many_headers,
    _no_headers,
    _reversed_headers,
    _other_key,
    _no_value,
    _any_value,
    _too_large,
    _cut,
    _flipped,
    _in_other_encoding,
    _other_json,
    _other_json,
    _odd_artifact,
    _odd_claim_check,
    _without_field,
    _doubled_field,
    _structured,
)
