"""Prompts: versioned files of this package, each with the JSON schema of its answers beside it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Final, TypeAlias

import orjson
from pydantic import JsonValue

#: A message of a conversation: role and content.
Message: TypeAlias = dict[str, str]

#: What reads the results that a passage reports; another text of it is another file.
CLAIMS: Final = "claims-1"
#: What reads the direction of a given comparison.
DIRECTION: Final = "direction-1"

_PART: Final = re.compile(r"^# (system|user|again)\n", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """How a model is asked.

    Attributes:
        name: of the file, its version included.
        system: what it is to do.
        user: a template of what it is to do it with.
        again: what is said to an answer that is not of the wanted form.
        schema: of an answer.
        digest: SHA-256 of the prompt's file.
        schema_digest: SHA-256 of the schema's file.
    """

    name: str
    system: str
    user: Template
    again: str
    schema: dict[str, JsonValue]
    digest: str
    schema_digest: str

    def messages(self, values: Mapping[str, str]) -> list[Message]:
        """The conversation's beginning, with these values at the user's placeholders."""
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user.substitute(values)},
        ]

    def repeated(self, messages: list[Message], answer: str) -> list[Message]:
        """The conversation after an answer that is not of the wanted form."""
        return [*messages, {"role": "assistant", "content": answer}, {"role": "user", "content": self.again}]


@lru_cache
def prompt(name: str) -> Prompt:
    """The prompt of this package with this name."""
    folder = files(__package__) / "prompts"
    text = (folder / f"{name}.md").read_bytes()
    schema = (folder / f"{name}.schema.json").read_bytes()
    parts = _PART.split(text.decode())[1:]
    said = {name: content.strip() for name, content in zip(parts[::2], parts[1::2], strict=True)}
    return Prompt(
        name=name,
        system=said["system"],
        user=Template(said["user"]),
        again=said["again"],
        schema=orjson.loads(schema),
        digest=hashlib.sha256(text).hexdigest(),
        schema_digest=hashlib.sha256(schema).hexdigest(),
    )
