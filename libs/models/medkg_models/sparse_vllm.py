"""A SPLADE model that vLLM serves: ``/pooling`` answers a weight for each term of the vocabulary."""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Final

import numpy as np
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory
from medkg_contracts.vectors import SparseModel
from numpy.typing import NDArray

from .model_server import ModelServer, ServerSettings
from .sparse import Row, row_of
from .sparse_text import SparseVocabulary, Window

#: Requests at once. vLLM makes batches of its own, and should always have the next one waiting.
CONCURRENT: Final = 8

#: What tells one tokenizer from another: cases, a hyphen, a Greek letter, figures, a sign, a rare word.
_PROBE: Final = "Dapagliflozin 10 mg in HFrEF: IL-6 and β-blockers, p<0.05"

_SETTINGS: Final = ServerSettings("MK_SPLADE_URL", "MK_SPLADE_MODEL")


class RemoteSplade:
    """Has vLLM run the model.

    Args:
        url: of the server, without ``/v1``.
        name: of the model, as the server knows it.
        timeout_s: seconds that a request may take.
    """

    def __init__(self, url: str, name: str, *, timeout_s: float) -> None:
        self._name = name
        self._server = ModelServer(url, timeout_s, _SETTINGS)
        self._places = asyncio.Semaphore(CONCURRENT)

    async def served(self) -> tuple[SparseModel, int]:
        """The model, and how many tokens it takes.

        Raises:
            ModelServerUnavailable: the server does not answer.
            ConfigurationError: it does not serve the model.
        """
        served = await self._server.served(self._name)
        if served.max_tokens is None:
            raise ConfigurationError(
                f"{self._server.url} does not say how many tokens {self._name!r} takes; is it vLLM?"
            )
        return SparseModel(name=served.name, revision=served.revision), served.max_tokens

    async def check(self, vocabulary: SparseVocabulary) -> None:
        """Make sure that the numbers that the server answers are weights of this vocabulary's terms.

        Raises:
            ModelServerUnavailable: the server does not answer.
            ConfigurationError: they are not.
        """
        (window,) = vocabulary.windows([_PROBE])
        ours = [vocabulary.terms[number] for number in window.ids]
        asked = {"model": self._name, "prompt": _PROBE, "add_special_tokens": True, "return_token_strs": True}
        answer = await self._server.ask("/tokenize", asked)
        if answer.get("tokens") != list(window.ids) or answer.get("token_strs") != ours:
            raise ConfigurationError(
                f"the model that {self._server.url} serves has another vocabulary than MK_SPLADE_TOKENIZER: "
                f"{_PROBE!r} is to it {answer.get('token_strs')}, and here {ours}",
                remedy="Set MK_SPLADE_TOKENIZER to the tokenizer.json of the model that is served.",
            )
        weights = await self._dense([window])
        if weights.shape != (1, len(vocabulary.terms)) or not (weights >= 0).all():
            raise ConfigurationError(
                f"{self._server.url} answers {weights.shape[1]} numbers for a text, and not a weight for each of the "
                f"{len(vocabulary.terms)} terms",
                remedy="Start vLLM with --runner pooling and --hf-overrides "
                '\'{"architectures":["BertSpladeSparseEmbeddingModel"]}\'.',
            )

    async def weights(self, windows: Sequence[Window]) -> list[Row]:
        """A row for each window; see `SparseForward`. A batch for which the GPU has no memory is halved.

        Raises:
            ModelServerUnavailable: the server does not answer, or cannot now.
            GpuOutOfMemory: its GPU has no memory for a single window.
            ConfigurationError: it refuses, or answers something else.
        """
        try:
            async with self._places:
                return [row_of(dense) for dense in await self._dense(windows)]
        except GpuOutOfMemory:
            if len(windows) == 1:
                raise
        half = len(windows) // 2
        return await self.weights(windows[:half]) + await self.weights(windows[half:])

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def _dense(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        asked = {"model": self._name, "input": [window.ids for window in windows], "encoding_format": "base64"}
        answer = await self._server.ask("/pooling", asked | {"embed_dtype": "float32", "endianness": "little"})
        try:
            rows = {int(each["index"]): np.frombuffer(base64.b64decode(each["data"]), "<f4") for each in answer["data"]}
            return np.stack([rows[number] for number in range(len(windows))])
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ConfigurationError(
                f"{self._server.url}/pooling answers something else than vLLM does: {error!r}"
            ) from error
