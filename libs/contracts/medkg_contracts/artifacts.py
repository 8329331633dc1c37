"""References to artifacts: what travels instead of documents."""

from typing import Annotated
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, Field, JsonValue, model_validator

from .model import Contract, Name, Sha256

#: A serialised result up to this many bytes stands in the reference itself; a larger one is a claim check.
INLINE_LIMIT = 512


def _uri(text: str) -> str:
    """The text, if it can be taken apart as a URI at all; whose it is, the store finds out."""
    urlsplit(text)
    return text


def _writable(value: JsonValue) -> JsonValue:
    """The value, if it can be written as it was read: JSON has integers that no 64 bits hold."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be written as JSON again: {error}") from error
    return value


class ArtifactRef(Contract):
    """A stage's named output: either a claim check (``uri``) or a small value that stands inline.

    Attributes:
        name: the artifact's name in the topology, such as ``document``.
        media_type: of the stored bytes.
        sha256: digest of the stored bytes; it names the artifact.
        size: of the stored bytes.
        uri: ``artifact://<tenant>/<sha256>``; None when the value stands inline.
        value: the value itself when its JSON has at most `INLINE_LIMIT` bytes.
    """

    name: Name
    media_type: str = "application/json"
    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**63)]
    uri: Annotated[str, AfterValidator(_uri)] | None = None
    value: Annotated[JsonValue, AfterValidator(_writable)] = None

    @model_validator(mode="after")
    def _stored_or_small(self) -> "ArtifactRef":
        if self.uri is None and self.size > INLINE_LIMIT:
            raise ValueError(f"an artifact of {self.size} bytes needs a uri: only {INLINE_LIMIT} bytes stand inline")
        return self
