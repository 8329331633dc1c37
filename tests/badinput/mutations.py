"""Strategies that damage good records: one or more wounds each, in headers, value or key."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st
from medkg_contracts.cloudevents import MAX_VALUE_BYTES, Header

from .chance import Chance, Drawn
from .odd import ODD_BYTES, ODD_JSON, ODD_NAMES
from .seeds import TOPICS, Raw, seeds

_HOLE: Final = "\x02hole\x03"
_HOLE_JSON: Final = json.dumps(_HOLE)


@st.composite
def damaged(draw: st.DrawFn, topic: str) -> Raw:
    """A record of a topic with one to three wounds."""
    chance = Drawn(draw)
    return damage(chance.pick(seeds(topic)), chance)


def damaged_anywhere() -> st.SearchStrategy[Raw]:
    """Records of any topic with one to three wounds."""
    return st.sampled_from(TOPICS).flatmap(damaged)


def damage(raw: Raw, chance: Chance) -> Raw:
    """The record with one to three wounds."""
    for _ in range(chance.number(1, 3)):
        raw = chance.pick(_WOUNDS)(raw, chance)
    return raw


Wound = Callable[[Raw, Chance], Raw]


def _position(raw: Raw, chance: Chance) -> int:
    return chance.number(0, max(0, len(raw.headers) - 1))


def _bytes(chance: Chance) -> bytes:
    return chance.pick(ODD_BYTES) if chance.number(0, 2) else chance.some_bytes(64)


def _without_header(raw: Raw, chance: Chance) -> Raw:
    at = _position(raw, chance)
    return replace(raw, headers=(*raw.headers[:at], *raw.headers[at + 1 :]))


def _other_value(raw: Raw, chance: Chance) -> Raw:
    at = _position(raw, chance)
    return replace(raw, headers=_with(raw, at, (_name(raw, at), _bytes(chance))))


def _null_value(raw: Raw, chance: Chance) -> Raw:
    at = _position(raw, chance)
    return replace(raw, headers=_with(raw, at, (_name(raw, at), None)))


def _other_name(raw: Raw, chance: Chance) -> Raw:
    at = _position(raw, chance)
    name = chance.pick(ODD_NAMES) if chance.number(0, 2) else chance.some_bytes(12).decode(errors="replace")
    return replace(raw, headers=_with(raw, at, (name, raw.headers[at][1] if raw.headers else b"")))


def _another_header(raw: Raw, chance: Chance) -> Raw:
    at = _position(raw, chance)
    name = chance.pick([_name(raw, at), *ODD_NAMES])
    return replace(raw, headers=(*raw.headers[:at], (name, _bytes(chance)), *raw.headers[at:]))


def _many_headers(raw: Raw, chance: Chance) -> Raw:
    count = chance.pick([60, 64, 65, 500])
    return replace(raw, headers=(*raw.headers, *((f"ce_more{number}", b"x") for number in range(count))))


def _no_headers(raw: Raw, _: Chance) -> Raw:
    return replace(raw, headers=())


def _reversed_headers(raw: Raw, _: Chance) -> Raw:
    return replace(raw, headers=raw.headers[::-1])


def _name(raw: Raw, at: int) -> str:
    return raw.headers[at][0] if raw.headers else "ce_id"


def _with(raw: Raw, at: int, header: Header) -> tuple[Header, ...]:
    return (*raw.headers[:at], header, *raw.headers[at + 1 :])


def _other_key(raw: Raw, chance: Chance) -> Raw:
    return replace(raw, key=_bytes(chance) if chance.number(0, 3) else None)


def _no_value(raw: Raw, _: Chance) -> Raw:
    return replace(raw, value=None)


def _any_value(raw: Raw, chance: Chance) -> Raw:
    return replace(raw, value=chance.pick(ODD_JSON).encode() if chance.number(0, 1) else chance.some_bytes(200))


def _too_large(raw: Raw, _: Chance) -> Raw:
    return replace(raw, value=b'"' + b"x" * MAX_VALUE_BYTES + b'"')


def _cut(raw: Raw, chance: Chance) -> Raw:
    value = raw.value or b""
    return replace(raw, value=value[: chance.number(0, len(value))])


def _flipped(raw: Raw, chance: Chance) -> Raw:
    value = bytearray(raw.value or b"\x00")
    value[chance.number(0, len(value) - 1)] ^= 1 << chance.number(0, 7)
    return replace(raw, value=bytes(value))


def _in_other_encoding(raw: Raw, chance: Chance) -> Raw:
    text = (raw.value or b"{}").decode(errors="replace")
    return replace(raw, value=text.encode(chance.pick(["utf-16", "utf-32", "utf-8-sig", "utf-7"])))


def _other_json(raw: Raw, chance: Chance) -> Raw:
    """The data with an odd value in the place of one of theirs, or a field more."""
    body = _json(raw)
    places = _places(body)
    if not places:
        return raw
    container, key = chance.pick(places)
    if isinstance(container, dict) and chance.number(0, 1):
        key = chance.pick([key, "more", "limit", "ids", "query", "error", "artifacts", "x" * 3000])
    container[key] = _HOLE
    return replace(raw, value=json.dumps(body).replace(_HOLE_JSON, chance.pick(ODD_JSON)).encode())


def _odd_artifact(raw: Raw, chance: Chance) -> Raw:
    """The data with a reference to an artifact, one field of which is odd."""
    body = _json(raw)
    if not isinstance(body, dict):
        return raw
    artifact: dict[str, Any] = {"name": "document", "sha256": "0" * 64, "size": 1, "value": 1}
    artifact[chance.pick(["name", "sha256", "size", "value", "uri", "more"])] = _HOLE
    body[chance.pick(["inputs", "artifacts", "request", "plan"])] = chance.pick([artifact, {"document": artifact}])
    return replace(raw, value=json.dumps(body).replace(_HOLE_JSON, chance.pick(ODD_JSON)).encode())


def _odd_claim_check(raw: Raw, chance: Chance) -> Raw:
    """The data somewhere else, or nowhere."""
    return replace(raw, headers=(*raw.headers, ("ce_dataref", _bytes(chance))), value=None)


def _without_field(raw: Raw, chance: Chance) -> Raw:
    body = _json(raw)
    places = [place for place in _places(body) if isinstance(place[0], dict)]
    if not places:
        return raw
    container, key = chance.pick(places)
    del container[key]
    return replace(raw, value=json.dumps(body).encode())


def _doubled_field(raw: Raw, chance: Chance) -> Raw:
    text = (raw.value or b"").decode(errors="replace")
    return replace(raw, value=f'{{"id": {chance.pick(ODD_JSON)}, {text[1:]}'.encode())


def _structured(raw: Raw, chance: Chance) -> Raw:
    """The event in structured mode, with an odd attribute or odd data."""
    attributes = {name.removeprefix("ce_"): (text or b"").decode(errors="replace") for name, text in raw.headers}
    attributes.pop("content-type", None)
    body: dict[str, Any] = {**attributes, "datacontenttype": "application/json", "data": _json(raw)}
    odd = chance.pick([*body, "data_base64", "more", "UPPER", ""])
    body[odd] = _HOLE
    text = json.dumps(body).replace(_HOLE_JSON, chance.pick(ODD_JSON))
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
