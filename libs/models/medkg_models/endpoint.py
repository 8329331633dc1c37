"""A dense model behind an OpenAI-compatible endpoint, such as vLLM's."""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory, InputTooLong, MedkgError
from medkg_contracts.vectors import EmbeddingModel
from numpy.typing import NDArray

from .batching import token_batches
from .dense import Encoded, Matrix, all_or_error
from .endpoint_client import EndpointClient
from .identity import with_passage_instruction
from .model_server import Served

#: A token has about so many bytes of UTF-8. The server counts for itself; this only shares texts out among requests.
_BYTES_OF_A_TOKEN: Final = 4
#: So many requests at once: one is computed while others come and go.
_REQUESTS: Final = 4


class EndpointEncoder:
    """Has texts encoded by a server: several requests at once, none with more tokens than the budget.

    Args:
        url: up to and including ``/v1``.
        name: of the model; None is the only one that the server has.
        dimension: that the vectors are to have; None takes what the server makes.
        passage_instruction: precedes every passage.
        query_instruction: precedes every query.
        timeout_s: seconds that one request may take.
        budget: at most about so many tokens in a request.

    Attributes:
        model: whose vectors they are; known once it is open.
    """

    model: EmbeddingModel

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        dimension: int | None = None,
        passage_instruction: str = "",
        query_instruction: str = "",
        timeout_s: float = 30.0,
        budget: int = 8192,
    ) -> None:
        self._client = EndpointClient(url, timeout_s)
        self._name = name
        self._dimension = dimension
        self._passage_instruction = passage_instruction
        self._query_instruction = query_instruction
        self._budget = budget
        self._slots = asyncio.Semaphore(_REQUESTS)
        self._served: Served | None = None

    async def open(self) -> None:
        """Ask the server what it serves, and for one vector.

        Raises:
            ModelServerUnavailable: it does not answer.
            ConfigurationError: it does not have the model, or makes vectors of another dimension.
        """
        served = self._served = await self._client.served(self._name)
        (vector,) = await self._client.embeddings(served.name, ["ready"])
        dimension = self._dimension or len(vector)
        self._of_dimension([vector], dimension)
        plain = EmbeddingModel(name=served.name, revision=served.revision, dimension=dimension)
        self.model = with_passage_instruction(plain, self._passage_instruction)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def encode_each(self, texts: Sequence[str], *, truncate: bool = False) -> Encoded:
        """The vectors of passages; see `DenseEncoder`."""
        return await self._encode([self._passage_instruction + text for text in texts], truncate=truncate)

    async def encode(self, texts: Sequence[str]) -> Matrix:
        """The vectors of passages, all of them; see `DenseEncoder`."""
        return all_or_error(await self.encode_each(texts))

    async def encode_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a query; see `DenseEncoder`."""
        vector: NDArray[np.float32] = all_or_error(await self._encode([self._query_instruction + text], truncate=True))[
            0
        ]
        return vector

    async def _encode(self, texts: Sequence[str], *, truncate: bool) -> Encoded:
        encoded = Encoded(np.zeros((len(texts), self.model.dimension), np.float32))
        batches = token_batches([1 + len(text.encode()) // _BYTES_OF_A_TOKEN for text in texts], self._budget)
        await asyncio.gather(*(self._fill(encoded, batch, texts, truncate=truncate) for batch in batches))
        return encoded

    async def _fill(self, encoded: Encoded, batch: Sequence[int], texts: Sequence[str], *, truncate: bool) -> None:
        """Vectors or errors for these texts; a batch that is too much for the server is halved."""
        try:
            async with self._slots:
                rows = await self._client.embeddings(self._serving.name, [texts[each] for each in batch])
            self._of_dimension(rows, self.model.dimension)
            encoded.vectors[batch] = _normalised(rows)
        except (GpuOutOfMemory, InputTooLong) as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                for half in (batch[:middle], batch[middle:]):
                    await self._fill(encoded, half, texts, truncate=truncate)
            elif truncate and isinstance(error, InputTooLong):
                await self._fill_cut(encoded, batch[0], texts[batch[0]])
            else:
                encoded.errors[batch[0]] = error
        except MedkgError as error:
            encoded.errors.update(dict.fromkeys(batch, error))

    async def _fill_cut(self, encoded: Encoded, position: int, text: str) -> None:
        """The vector of as much of the text as the model takes, and how many tokens it had."""
        try:
            async with self._slots:
                tokens = await self._client.count(self._serving.name, text)
                rows = await self._client.embeddings(self._serving.name, [text], truncate=True)
            encoded.vectors[position] = _normalised(rows)[0]
            encoded.truncated[position] = tokens
        except MedkgError as error:
            encoded.errors[position] = error

    @property
    def _serving(self) -> Served:
        if self._served is None:
            raise ConfigurationError("the encoder has not been opened")
        return self._served

    def _of_dimension(self, rows: Sequence[NDArray[np.float32]], dimension: int) -> None:
        wrong = {len(row) for row in rows} - {dimension}
        if wrong:
            raise ConfigurationError(
                f"the endpoint makes vectors of {min(wrong)} numbers, not of {dimension}",
                remedy="Set the dimension of the model that the endpoint serves, or have it serve the other model.",
            )


def _normalised(rows: Sequence[NDArray[np.float32]]) -> Matrix:
    matrix = np.stack(rows)
    made: Matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return made
