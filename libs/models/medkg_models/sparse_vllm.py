"""A SPLADE model that vLLM serves: ``/pooling`` answers a weight for each term of the vocabulary."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import httpx
import numpy as np
from medkg_contracts.errors import ConfigurationError, GpuOutOfMemory, ResourceUnavailable
from medkg_contracts.ids import digest
from medkg_contracts.vectors import SparseModel
from numpy.typing import NDArray

from .sparse_text import SparseVocabulary, Window

#: Requests at once. vLLM makes batches of its own, and should always have the next one waiting.
CONCURRENT: Final = 8

#: What tells one tokenizer from another: cases, a hyphen, a Greek letter, figures, a sign, a rare word.
_PROBE: Final = "Dapagliflozin 10 mg in HFrEF: IL-6 and β-blockers, p<0.05"

#: vLLM is busy, or something before it is; the same request may succeed later.
_PASSING: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class RemoteSplade:
    """Has vLLM run the model.

    Args:
        url: of the server, without ``/v1``.
        name: of the model, as the server knows it.
        timeout_s: seconds that a request may take.
    """

    def __init__(self, url: str, name: str, *, timeout_s: float) -> None:
        self._url = url
        self._name = name
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout_s)
        self._places = asyncio.Semaphore(CONCURRENT)
        self._model: SparseModel | None = None
        self._is_in_doubt = False

    async def served(self) -> tuple[SparseModel, int]:
        """The model, and how many tokens it takes; the revision is a digest of what the server says of it.

        Raises:
            ResourceUnavailable: the server does not answer.
            ConfigurationError: it does not serve the model, or no more.
        """
        answer = await self._asked("GET", "/v1/models")
        found = {str(each.get("id")): each for each in answer.get("data", ())}
        if self._name not in found:
            raise ConfigurationError(
                f"{self._url} does not serve the model {self._name!r}, but {', '.join(sorted(found)) or 'none'}",
                remedy="Set MK_SPLADE_MODEL to one that the server at MK_SPLADE_URL serves.",
            )
        card = found[self._name]
        tokens = card.get("max_model_len")
        if not isinstance(tokens, int):
            raise ConfigurationError(f"{self._url} does not say how many tokens {self._name!r} takes; is it vLLM?")
        model = SparseModel(name=self._name, revision=digest(self._name, str(card.get("root")), tokens))
        if self._model not in (None, model):
            raise ConfigurationError(
                f"{self._url} serves another model as {self._name!r} than when this began",
                remedy="Serve the model as before, or start this service again and run all documents again.",
            )
        self._model, self._is_in_doubt = model, False
        return model, tokens

    async def check(self, vocabulary: SparseVocabulary) -> None:
        """Make sure that the numbers that the server answers are weights of this vocabulary's terms.

        Raises:
            ResourceUnavailable: the server does not answer.
            ConfigurationError: they are not.
        """
        (window,) = vocabulary.windows([_PROBE])
        ours = [vocabulary.terms[number] for number in window.ids]
        asked = {"model": self._name, "prompt": _PROBE, "add_special_tokens": True, "return_token_strs": True}
        answer = await self._asked("POST", "/tokenize", asked)
        if answer.get("tokens") != list(window.ids) or answer.get("token_strs") != ours:
            raise ConfigurationError(
                f"the model that {self._url} serves has another vocabulary than MK_SPLADE_TOKENIZER: "
                f"{_PROBE!r} is to it {answer.get('token_strs')}, and here {ours}",
                remedy="Set MK_SPLADE_TOKENIZER to the tokenizer.json of the model that is served.",
            )
        weights = await self.weights([window])
        if weights.shape != (1, len(vocabulary.terms)) or not (weights >= 0).all():
            raise ConfigurationError(
                f"{self._url} answers {weights.shape[1]} numbers for a text, and not a weight for each of the "
                f"{len(vocabulary.terms)} terms",
                remedy="Start vLLM with --runner pooling and --hf-overrides "
                '\'{"architectures":["BertSpladeSparseEmbeddingModel"]}\'.',
            )

    async def weights(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """A row for each window; see `SparseForward`. A batch for which the GPU has no memory is halved.

        Raises:
            ResourceUnavailable: the server does not answer, or cannot now.
            GpuOutOfMemory: its GPU has no memory for a single window.
            ConfigurationError: it refuses, or answers something else.
        """
        try:
            async with self._places:
                return await self._pooled(windows)
        except GpuOutOfMemory:
            if len(windows) == 1:
                raise
        half = len(windows) // 2
        return np.concatenate([await self.weights(windows[:half]), await self.weights(windows[half:])])

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _pooled(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        if self._is_in_doubt:
            await self.served()
        asked = {"model": self._name, "input": [window.ids for window in windows], "encoding_format": "base64"}
        answer = await self._asked("POST", "/pooling", asked | {"embed_dtype": "float32", "endianness": "little"})
        try:
            rows = {int(each["index"]): np.frombuffer(base64.b64decode(each["data"]), "<f4") for each in answer["data"]}
            return np.stack([rows[number] for number in range(len(windows))])
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ConfigurationError(f"{self._url}/pooling answers something else than vLLM does: {error!r}") from error

    async def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        where = f"{self._url}{path}"
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            self._is_in_doubt = True  # a server that comes back may have another model
            raise ResourceUnavailable(f"{where} does not answer: {error!r}", remedy=_CHECK_SERVER) from error
        if answer.is_success:
            return _json(where, answer)
        said = answer.text[:500]
        if "out of memory" in said.lower():
            raise GpuOutOfMemory(f"{where}: {said}")
        if answer.is_server_error or answer.status_code in _PASSING:
            self._is_in_doubt = True
            raise ResourceUnavailable(f"{where} answers {answer.status_code}: {said}", remedy=_CHECK_SERVER)
        raise ConfigurationError(f"{where} answers {answer.status_code}: {said}", remedy=_CHECK_SERVER)


_CHECK_SERVER: Final = "Check that vLLM serves the SPLADE model at MK_SPLADE_URL; its log says more."


def _json(where: str, answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{where} answers no JSON object; is it vLLM?", remedy=_CHECK_SERVER)
    return found
