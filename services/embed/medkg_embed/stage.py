"""The embed stage: chunks in, their dense vectors out."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from medkg_contracts.errors import InputTooLong, MedkgError
from medkg_contracts.ir import Chunk
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import Embeddings
from medkg_models import DenseEncoder, Encoded
from medkg_models.dense_opening import open_dense

from .settings import EmbedSettings


class ChunkEmbedStage:
    """Embeds the chunks of several jobs at once, each under its document's title where the model has room for both."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("embeddings",)

    _encoder: DenseEncoder

    def __init__(self, settings: EmbedSettings) -> None:
        self._settings = settings

    async def open(self) -> None:
        """Make the model ready.

        Raises:
            ConfigurationError: there is no such model, or what is served is not what the settings say.
            ResourceUnavailable: the endpoint does not answer, or the model could not be fetched.
        """
        self._encoder = await open_dense(self._settings, self._settings.accelerator)

    async def close(self) -> None:
        """Give back what the model holds."""
        await self._encoder.close()

    async def execute_batch(
        self, ctxs: Sequence[StageContext], chunks: Sequence[list[Chunk]]
    ) -> Sequence[Embeddings | Exception]:
        """One result or error per context, in their order; one job's error never fails its batch mates."""
        encoded = await self._encode([chunk for each in chunks for chunk in each])
        results: list[Embeddings | Exception] = []
        first = 0
        for _, each in zip(ctxs, chunks, strict=True):
            results.append(self._result(each, encoded, first))
            first += len(each)
        return results

    async def _encode(self, chunks: Sequence[Chunk]) -> Encoded:
        """The chunks' vectors: titled, and those that the title makes too long without it."""
        encoded = await self._encoder.encode_each([_titled(chunk) for chunk in chunks])
        bare = [position for position, error in encoded.errors.items() if isinstance(error, InputTooLong)]
        if not bare:
            return encoded
        again = await self._encoder.encode_each(
            [chunks[position].text for position in bare], truncate=self._settings.embed_truncate
        )
        encoded.vectors[bare] = again.vectors
        for place, position in enumerate(bare):
            del encoded.errors[position]
            if place in again.errors:
                encoded.errors[position] = again.errors[place]
            if place in again.truncated:
                encoded.truncated[position] = again.truncated[place]
        return encoded

    def _result(self, chunks: Sequence[Chunk], encoded: Encoded, first: int) -> Embeddings | MedkgError:
        for place, chunk in enumerate(chunks):
            if error := encoded.errors.get(first + place):
                if isinstance(error, InputTooLong):
                    return InputTooLong(f"chunk {chunk.ordinal} ({chunk.id}): {error}")
                return error
        rows = np.ascontiguousarray(encoded.vectors[first : first + len(chunks)], "<f4")
        truncated = {
            chunk.id: encoded.truncated[first + place]
            for place, chunk in enumerate(chunks)
            if first + place in encoded.truncated
        }
        return Embeddings(self._encoder.model, tuple(chunk.id for chunk in chunks), rows.tobytes(), truncated)


def _titled(chunk: Chunk) -> str:
    """The chunk as it is embedded: what its document is about stands before it, unless it begins with that."""
    title = chunk.document_title.strip()
    return chunk.text if not title or chunk.text.startswith(title) else f"{title}\n{chunk.text}"
