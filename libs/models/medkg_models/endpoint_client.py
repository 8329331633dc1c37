"""Requests to an OpenAI-compatible server, and what its refusals mean."""

import base64
import hashlib
import re
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import numpy as np
import orjson
from medkg_contracts.errors import (
    ConfigurationError,
    GpuOutOfMemory,
    InputTooLong,
    MedkgError,
    ResourceUnavailable,
)
from numpy.typing import NDArray

_CONNECT_S: Final = 5.0
_QUOTED: Final = 300
#: Statuses that pass by themselves: request timeout, too many requests and every 5xx.
_LATER: Final = frozenset({408, 429, *range(500, 600)})
#: What servers say of an input that is too long: vLLM, and others that answer as OpenAI does.
_TOO_LONG: Final = re.compile(r"context length|max_model_len|too long|maximum (?:input|sequence) length", re.IGNORECASE)
_OUT_OF_MEMORY: Final = re.compile(r"out of memory|OutOfMemoryError", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server has.

    Attributes:
        name: as requests name it.
        revision: SHA-256 of what the server says that it is: its name, and where the server has it from.
    """

    name: str
    revision: str


class EndpointClient:
    """One server.

    Args:
        url: up to and including ``/v1``.
        timeout_s: seconds that one request may take.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S, pool=None))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def served(self, name: str | None) -> Served:
        """The model of this name, or the only one.

        Raises:
            ResourceUnavailable: no answer.
            ConfigurationError: the server has no such model, or several to choose from.
        """
        answer = await self._call("GET", f"{self._url}/models")
        models = {str(each["id"]): each for each in answer.get("data", ())}
        chosen = [name] if name in models else [] if name else list(models)
        if name is None and len(chosen) > 1:
            raise ConfigurationError(
                f"{self._url} serves {', '.join(models)}: say which", remedy="Set the model's name."
            )
        if not chosen:
            raise ConfigurationError(
                f"{self._url} does not serve {name or 'any model'}; it has {', '.join(models) or 'none'}",
                remedy="Name a model that the endpoint serves, or have it serve this one.",
            )
        model = models[chosen[0]]
        identity = orjson.dumps([model["id"], model.get("root"), model.get("parent")])
        return Served(chosen[0], hashlib.sha256(identity).hexdigest())

    async def embeddings(
        self, model: str, texts: Sequence[str], *, truncate: bool = False
    ) -> list[NDArray[np.float32]]:
        """A vector a text, as the server makes them.

        Raises:
            ResourceUnavailable: no answer, or one that says "later".
            GpuOutOfMemory: it had not enough memory for all of them at once.
            InputTooLong: one of them is longer than the model takes.
            ConfigurationError: any other refusal, or no answer that has a vector for each.
        """
        body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "base64"}
        if truncate:
            body["truncate_prompt_tokens"] = -1
        answer = await self._call("POST", f"{self._url}/embeddings", body)
        try:
            rows = sorted(answer["data"], key=lambda each: int(each["index"]))
            vectors = [_floats(row["embedding"]) for row in rows]
        except (KeyError, TypeError, ValueError, Base64Error) as error:
            raise ConfigurationError(f"{self._url}/embeddings does not answer as OpenAI does: {error!r}") from error
        if len(vectors) != len(texts):
            raise ConfigurationError(f"{self._url}/embeddings gave {len(vectors)} vectors for {len(texts)} texts")
        return vectors

    async def count(self, model: str, text: str) -> int:
        """How many tokens the text has, by the server's tokenizer (vLLM's ``/tokenize``).

        Raises:
            ResourceUnavailable: no answer.
            ConfigurationError: the server does not count.
        """
        answer = await self._call("POST", f"{self._url.removesuffix('/v1')}/tokenize", {"model": model, "prompt": text})
        return int(answer["count"])

    async def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = await self._client.request(
                method,
                url,
                content=None if body is None else orjson.dumps(body),
                headers={"content-type": "application/json"},
            )
        except httpx.TimeoutException as error:
            raise ResourceUnavailable(f"{url} did not answer within {self._timeout_s:g} s") from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ResourceUnavailable(f"{url} gave no answer: {error or type(error).__name__}") from error
        if response.status_code != httpx.codes.OK:
            raise _refusal(url, response)
        try:
            answer: dict[str, Any] = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise ConfigurationError(f"{url} answered with what is no JSON: {response.text[:_QUOTED]!r}") from error
        return answer


def _refusal(url: str, response: httpx.Response) -> MedkgError:
    status, text = response.status_code, response.text
    said = f"{url} answered {status}: {text[:_QUOTED]}"
    if _OUT_OF_MEMORY.search(text):
        return GpuOutOfMemory(said)
    if status in _LATER:
        return ResourceUnavailable(said)
    if status in (400, 413, 422) and _TOO_LONG.search(text):
        return InputTooLong(said)
    return ConfigurationError(said, remedy="See what the server says; its address and the model's name are settings.")


def _floats(embedding: object) -> NDArray[np.float32]:
    """A vector, as base64 or, from servers that do not know that, as numbers."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    return np.asarray(embedding, np.float32)
