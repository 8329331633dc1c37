"""A field of a source's JSON record, and where it stands, so that what is read of it can be proved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from medkg_contracts.knowledge import RecordEvidence
from medkg_contracts.model import Sha256
from pydantic import JsonValue

_LONGEST_VALUE = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the record.

    Attributes:
        value: None where the record has no such field.
        pointer: RFC 6901 JSON Pointer.
        payload: digest of the record's bytes.
    """

    value: JsonValue
    pointer: str
    payload: Sha256

    def __truediv__(self, path: str) -> Self:
        """The field at this path below: names with "/" between them."""
        value, pointer = self.value, self.pointer
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
            pointer = f"{pointer}/{_escaped(name)}"
        return type(self)(value, pointer, self.payload)

    def __iter__(self) -> Iterator[Self]:
        """The elements, if it is a list; nothing otherwise."""
        for number, value in enumerate(self.value if isinstance(self.value, list) else ()):
            yield type(self)(value, f"{self.pointer}/{number}", self.payload)

    def __bool__(self) -> bool:
        """Whether the record has it, and something in it."""
        return self.value not in (None, "", [], {})

    @property
    def text(self) -> str:
        """Its value as text; "" for what is no scalar."""
        if self.value is None or isinstance(self.value, dict | list):
            return ""
        return str(self.value).strip()

    @property
    def evidence(self) -> RecordEvidence:
        """Where it stands, and what stands there."""
        return RecordEvidence(payload=self.payload, pointer=self.pointer, value=self.text[:_LONGEST_VALUE])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
