"""The models that medkg knows, as the chunker needs them. Importing this loads their engine."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from medkg_models import (
    CATALOGUE,
    DenseEncoder,
    DenseModel,
    Matrix,
    ModelTokenizer,
    PackagedModel,
    named,
)
from medkg_models.dense import all_or_error
from medkg_models.dense_opening import DenseSettings, open_dense
from medkg_servicekit import accelerator
from medkg_servicekit.accelerator import is_here

from .settings import ChunkSettings

#: What the tokenizer makes of a text takes a hundred times the memory of the text, so that it is given so many
#: characters at a time.
_AT_ONCE: Final = 250_000


class ModelTokens:
    """A model's tokens; see `medkg_chunk.tokens.Measure`."""

    def __init__(self, model: PackagedModel) -> None:
        self._tokenizer = ModelTokenizer.of(model)
        self.name = f"{model.name}@{model.tokenizer.sha256[:12]}"
        self.limit = self._tokenizer.max_tokens
        self.added = self._tokenizer.max_tokens - self._tokenizer.room

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each of the texts has."""
        counts = [0] * len(texts)
        waiting: list[tuple[int, str]] = []
        room = _AT_ONCE
        for number, text in enumerate(texts):
            for _, part in _parts(text):
                if len(part) > room:
                    self._add(waiting, counts)
                    room = _AT_ONCE
                waiting.append((number, part))
                room -= len(part)
        self._add(waiting, counts)
        return counts

    def _add(self, waiting: list[tuple[int, str]], counts: list[int]) -> None:
        found = self._tokenizer.counts([part for _, part in waiting])
        for (number, _), count in zip(waiting, found, strict=True):
            counts[number] += count
        waiting.clear()

    def starts(self, text: str) -> Sequence[int]:
        """Where tokens start; several may share a character."""
        return [
            position + start
            for position, part in _parts(text)
            for start in sorted({start for start, _ in self._tokenizer.offsets(part)})
        ]


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text in parts that can be tokenized at once, cut between words where there are any, and where they stand."""
    start = 0
    while len(text) - start > _AT_ONCE:
        before, *last = text[start : start + _AT_ONCE].rsplit(maxsplit=1)[:2] or [""]
        end = start + (len(before) if last else _AT_ONCE)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


class Sentences:
    """Makes a model's embeddings of sentences; of one that is longer than the model takes, the beginning counts."""

    def __init__(self, encoder: DenseEncoder) -> None:
        self._encoder = encoder
        self.ref = encoder.model.ref

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """A row for each text."""
        return all_or_error(await self._encoder.encode_each(texts, truncate=True))


class InstalledModels:
    """The models of the catalogue, or an endpoint's; see `medkg_chunk.models.Models`."""

    def __init__(self, settings: ChunkSettings) -> None:
        self._settings = settings
        self._measures: dict[str, ModelTokens] = {}
        self._encoders: dict[str, DenseEncoder] = {}
        self.tokenizers: Collection[str] = tuple(CATALOGUE)
        dense = [name for name, model in CATALOGUE.items() if isinstance(model, DenseModel)]
        self.encoders: Collection[str] | None = dense if settings.accelerator == "cpu" else None

    def measure(self, name: str) -> ModelTokens:
        """The tokens of a model, whose tokenizer is fetched where it is missing."""
        if name not in self._measures:
            self._measures[name] = ModelTokens(named(name, PackagedModel))
        return self._measures[name]

    async def encoder(self, name: str) -> Sentences:
        """What makes a model's embeddings, ready.

        Raises:
            GpuUnavailable: MK_ACCELERATOR is ``cuda``, the endpoint is on this machine, and there is no GPU.
        """
        if name not in self._encoders:
            if is_here(self._settings.embed_url):
                accelerator.require(self._settings)
            self._encoders[name] = await self._opened(name)
        return Sentences(self._encoders[name])

    async def close(self) -> None:
        """Give back what the encoders hold."""
        while self._encoders:
            await self._encoders.popitem()[1].close()

    async def _opened(self, name: str) -> DenseEncoder:
        # The server and how it is asked are those of the embed stage; what precedes chunks is not for sentences.
        settings = DenseSettings()
        asked = {
            "embed_url": self._settings.embed_url,
            "embed_model": name or settings.embed_model,
            "embed_passage_instruction": "",
        }
        return await open_dense(settings.model_copy(update=asked), self._settings.accelerator)
