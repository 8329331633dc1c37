"""The embed stage: chunks in, their dense vectors out."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from medkg_contracts.errors import MedkgError
from medkg_contracts.ir import Chunk
from medkg_contracts.stages import StageContext
from medkg_contracts.vectors import Embeddings
from medkg_models import DenseEncoder, Encoded
from medkg_models.dense_opening import open_dense
from medkg_models.passages import chunk_error, encode_chunks

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
        every = [chunk for each in chunks for chunk in each]
        encoded = await encode_chunks(self._encoder, every, truncate=self._settings.embed_truncate)
        results: list[Embeddings | Exception] = []
        first = 0
        for _, each in zip(ctxs, chunks, strict=True):
            results.append(self._result(each, encoded, first))
            first += len(each)
        return results

    def _result(self, chunks: Sequence[Chunk], encoded: Encoded, first: int) -> Embeddings | MedkgError:
        for place, chunk in enumerate(chunks):
            if error := chunk_error(chunk, encoded, first + place):
                return error
        rows = np.ascontiguousarray(encoded.vectors[first : first + len(chunks)], "<f4")
        truncated = {
            chunk.id: encoded.truncated[first + place]
            for place, chunk in enumerate(chunks)
            if first + place in encoded.truncated
        }
        return Embeddings(self._encoder.model, tuple(chunk.id for chunk in chunks), rows.tobytes(), truncated)
