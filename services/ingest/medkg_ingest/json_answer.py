"""A source's answer as a JSON object: what is whole and wrong is told from what did not come whole."""

import json
from json import JSONDecodeError
from typing import Any, Final

from medkg_contracts.errors import InvalidDocument, SourceUnavailable

from .fetching import Answer

#: What a body begins with that is something else than text in UTF-8.
_FOREIGN: Final = {
    b"\x1f\x8b": "it is compressed, and nothing says so",
    b"\xff\xfe": "it is UTF-16",
    b"\xfe\xff": "it is UTF-16",
}


def read_object(answer: Answer) -> dict[str, Any]:
    """The JSON object that the answer is; its numbers have no more digits than a float.

    What the reader of a payload accepts is accepted here, a byte order mark too: whether it is a good record is for
    the reader to say.

    Raises:
        SourceUnavailable: the body has no end, or is a page of somebody who answers in the source's place.
        InvalidDocument: the body came whole and is no JSON object.
    """
    text = _text(answer)
    try:
        record = json.loads(text, parse_int=float)
    except JSONDecodeError as error:
        if not text or text.startswith("<") or _is_cut_off(text, error):
            raise SourceUnavailable(f"{_what(answer)} that is not JSON: {error}") from error
        raise InvalidDocument(f"{_what(answer)} that is not JSON: {error}") from error
    except RecursionError as error:
        raise InvalidDocument(f"{_what(answer)} that is nested too deep to be read") from error
    if not isinstance(record, dict):
        raise InvalidDocument(f"{_what(answer)} that is JSON, but not an object")
    return record


def _text(answer: Answer) -> str:
    try:
        text = answer.body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        if error.end == len(answer.body) and error.reason == "unexpected end of data":
            raise SourceUnavailable(f"{_what(answer)} that ends within a character") from error
        reason = _FOREIGN.get(answer.body[:2], f"{error.reason} at byte {error.start}")
        raise InvalidDocument(f"{_what(answer)} that is not UTF-8: {reason}") from error
    if "\0" in text:
        raise InvalidDocument(f"{_what(answer)} that is not UTF-8: it has zero bytes, as UTF-16 has")
    return text


def _is_cut_off(text: str, error: JSONDecodeError) -> bool:
    """Whether the rest of an object may be missing: reading breaks off where the text does, or within a string."""
    if error.msg == "Extra data":
        return False
    return not text.endswith("}") or error.pos >= len(text) or error.msg.startswith("Unterminated string")


def _what(answer: Answer) -> str:
    return f"{answer.uri} answered with a body of {len(answer.body):,} bytes"
