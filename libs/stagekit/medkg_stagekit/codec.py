"""How artifacts become bytes and are read again: JSON by default, or as their own type says."""

import inspect
from types import NoneType
from typing import Any, ClassVar, Final, Protocol, Self, TypeGuard, get_args

from medkg_contracts.model import first_violation
from pydantic import TypeAdapter, ValidationError

#: The media type of an artifact that says nothing else.
JSON: Final = "application/json"


class BinaryArtifact(Protocol):
    """An artifact that is no JSON.

    Attributes:
        media_type: of its bytes.
    """

    media_type: ClassVar[str]

    def encode(self) -> bytes:
        """Its bytes; the same for the same value."""
        ...

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read it. Raises ValueError for bytes that are none."""
        ...


class Codec:
    """Reads and writes one artifact.

    Args:
        annotation: its type in the stage's signature: a `BinaryArtifact`, or anything that pydantic can read; with
            ``| None`` for an input that the stage can do without.

    Attributes:
        optional: the artifact may be missing; its value is None then.
        media_type: of the bytes.
    """

    def __init__(self, annotation: Any) -> None:  # noqa: ANN401 - annotations are of any kind
        kinds = [part for part in get_args(annotation) if part is not NoneType]
        self.optional = NoneType in get_args(annotation)
        kind = kinds[0] if self.optional and len(kinds) == 1 else annotation
        self._binary = kind if _is_binary(kind) else None
        self._json: TypeAdapter[Any] = TypeAdapter(kind if self._binary is None else Any)
        self.media_type = JSON if self._binary is None else self._binary.media_type

    def read(self, body: bytes) -> Any:  # noqa: ANN401 - of the artifact's type
        """The value.

        Raises:
            ValueError: the bytes are none of its kind; the message says why.
        """
        if self._binary is not None:
            return self._binary.decode(body)
        try:
            return self._json.validate_json(body)
        except ValidationError as error:
            raise ValueError(first_violation(error)) from error

    def write(self, value: Any) -> bytes:  # noqa: ANN401 - of the artifact's type
        """The bytes.

        Raises:
            TypeError: the value is of another type.
            ValueError: it is not what its type promises.
        """
        if self._binary is not None:
            if not isinstance(value, self._binary):
                raise TypeError(f"{type(value).__name__} is no {self._binary.__name__}")
            return value.encode()
        return self._json.dump_json(self._json.validate_python(value))


def _is_binary(kind: Any) -> TypeGuard[type[BinaryArtifact]]:  # noqa: ANN401 - annotations are of any kind
    return inspect.isclass(kind) and all(hasattr(kind, name) for name in ("media_type", "encode", "decode"))
