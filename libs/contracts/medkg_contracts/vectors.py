"""What a text's meaning is in numbers: dense embeddings, and sparse weights of a vocabulary's terms."""

import struct
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import orjson
from pydantic import Field, ValidationError

from .model import Contract, Sha256, first_violation

#: The tensor's name in the file, and the key of what is told of it.
_TENSOR = "embeddings"
_ABOUT = "medkg"
_FLOAT_BYTES = 4
#: The file's head: the length of the JSON that follows.
_LENGTH = struct.Struct("<Q")
#: safetensors' own bound of that length.
_LONGEST_HEAD = 100_000_000


class EmbeddingModel(Contract):
    """Whose vectors they are: only those of one and the same model can be compared.

    Attributes:
        name: such as ``bge-small-en-v1.5``.
        revision: SHA-256 of the model's files (weights and tokenizer), or of what the server says that it serves.
        dimension: numbers of a vector.
        normalised: every vector's Euclidean length is 1, so that the inner product is the cosine.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Sha256
    dimension: Annotated[int, Field(ge=1, le=16_384)]
    normalised: bool = True

    @property
    def ref(self) -> str:
        """``name@revision12``: how logs, messages and settings name it."""
        return f"{self.name}@{self.key}"

    @property
    def key(self) -> str:
        """The first 12 digits of the revision: how keys of the changelog and manifests name it."""
        return self.revision[:12]


class _About(Contract):
    model: EmbeddingModel
    chunk_ids: tuple[str, ...]
    truncated: dict[str, Annotated[int, Field(ge=1)]] = {}


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The dense vectors of a document's chunks.

    As an artifact a file in the safetensors format (https://huggingface.co/docs/safetensors, "Format"): the length of
    a JSON head as 8 bytes, the head, the numbers. Its own library copies on reading and takes pointers on writing.

    Attributes:
        model: that made them.
        chunk_ids: the chunks, in the order of the rows.
        rows: ``len(chunk_ids)`` rows of ``model.dimension`` little-endian 32-bit floats, one behind the other;
            ``numpy.frombuffer(rows, "<f4").reshape(-1, dimension)`` is the matrix, without a copy.
        truncated: chunks that were longer than the model takes and were cut by an explicit setting: their ids, and how
            many tokens they had.
    """

    media_type: ClassVar[str] = "application/vnd.safetensors"

    model: EmbeddingModel
    chunk_ids: tuple[str, ...]
    rows: bytes | memoryview
    truncated: dict[str, int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As a file.

        Raises:
            ValueError: the rows are not as many as the chunks, or of another length than the model's.
        """
        about = _About(model=self.model, chunk_ids=self.chunk_ids, truncated=self.truncated)
        size = len(self.chunk_ids) * self.model.dimension * _FLOAT_BYTES
        if len(self.rows) != size:
            raise ValueError(f"{len(self.rows)} bytes of rows, not {size}")
        head = orjson.dumps({"__metadata__": {_ABOUT: about.model_dump_json()}, _TENSOR: self._tensor(size)})
        head += b" " * (-len(head) % _LENGTH.size)  # so that the numbers begin where a processor likes them to
        return b"".join((_LENGTH.pack(len(head)), head, self.rows))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a file; the rows are a view of its bytes.

        Raises:
            ValueError: it is none, or not one of embeddings; the message says why.
        """
        head, data = _taken_apart(body)
        try:
            about = _About.model_validate_json(head["__metadata__"][_ABOUT])
        except ValidationError as error:
            raise ValueError(first_violation(error)) from error
        except (KeyError, TypeError) as error:
            raise ValueError(f"a safetensors file, but the metadata have no {_ABOUT!r}") from error
        embeddings = cls(about.model, about.chunk_ids, data, dict(about.truncated))
        if head.get(_TENSOR) != embeddings._tensor(len(data)):
            shape = [len(about.chunk_ids), about.model.dimension]
            raise ValueError(f"the file has no tensor {_TENSOR!r} of F32 with the shape {shape} that fills it")
        return embeddings

    def _tensor(self, size: int) -> dict[str, Any]:
        shape = [len(self.chunk_ids), self.model.dimension]
        return {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}


def _taken_apart(body: bytes) -> tuple[dict[str, Any], memoryview]:
    """A safetensors file's head, and its numbers."""
    if len(body) < _LENGTH.size:
        raise ValueError("no safetensors file: it is too short")
    (length,) = _LENGTH.unpack_from(body)
    if length > min(len(body) - _LENGTH.size, _LONGEST_HEAD):
        raise ValueError(f"no safetensors file: its head would have {length} bytes")
    try:
        head = orjson.loads(body[_LENGTH.size : _LENGTH.size + length])
    except orjson.JSONDecodeError as error:
        raise ValueError(f"no safetensors file: {error}") from error
    if not isinstance(head, dict):
        raise ValueError(  # noqa: TRY004 - of the bytes
            "no safetensors file: its head is no JSON object"
        )
    return head, memoryview(body)[_LENGTH.size + length :]


class SparseModel(Contract):
    """Whose term weights they are.

    Attributes:
        name: such as ``splade-tiny``.
        revision: SHA-256 of the model's files, or of what the server says that it serves.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    revision: Sha256

    @property
    def ref(self) -> str:
        """``name@revision12``: how logs, messages and settings name it."""
        return f"{self.name}@{self.revision[:12]}"


class SparseVector(Contract):
    """What a chunk is about: terms of the model's vocabulary, and how much each weighs; the heaviest first."""

    chunk_id: str
    weights: dict[str, Annotated[float, Field(gt=0)]]


class SparseVectors(Contract):
    """The sparse vectors of a document's chunks, in the chunks' order."""

    model: SparseModel
    vectors: list[SparseVector]
