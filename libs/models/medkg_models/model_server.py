"""An OpenAI-compatible server of models, such as vLLM: requests to it, and what its refusals mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
from medkg_contracts.errors import (
    ConfigurationError,
    GpuOutOfMemory,
    InputTooLong,
    MedkgError,
    ModelServerUnavailable,
)
from medkg_contracts.ids import digest

_CONNECT_S: Final = 5.0
_QUOTED: Final = 500
#: Statuses that pass by themselves: request timeout, too many requests and every 5xx.
_LATER: Final = frozenset({408, 429, *range(500, 600)})
#: What servers say of an input that is too long: vLLM, and others that answer as OpenAI does.
_TOO_LONG: Final = re.compile(r"context length|max_model_len|too long|maximum (?:input|sequence) length", re.IGNORECASE)
#: What they say when memory did not suffice: PyTorch's allocators for CUDA and for processors, and CUDA's libraries.
_OUT_OF_MEMORY: Final = re.compile(
    r"out of memory|OutOfMemoryError|can't allocate memory|bad_alloc|MemoryError|_ALLOC_FAILED", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the settings call what they say of a server, for messages.

    Attributes:
        url: its address.
        model: the model's name.
    """

    url: str
    model: str


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server has.

    Attributes:
        name: as requests name it.
        revision: SHA-256 of what the server says that it is: its name, and where the server has it from. How many
            tokens it takes is no part of it, since it changes no vector.
        max_tokens: the longest input; None where the server does not say.
    """

    name: str
    revision: str
    max_tokens: int | None


class ModelServer:
    """One server.

    After a failure another server may be there, with another model under the same name: then it is asked again what it
    serves, before it computes anything.

    Args:
        url: without ``/v1``.
        timeout_s: seconds that one request may take.
        settings: what its settings are called.
    """

    def __init__(self, url: str, timeout_s: float, settings: ServerSettings) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._timeout_s = timeout_s
        self._settings = settings
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S, pool=None))
        self._served: Served | None = None
        self._in_doubt = False

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def served(self, name: str | None) -> Served:
        """The model of this name, or the only one.

        Raises:
            ModelServerUnavailable: no answer.
            ConfigurationError: the server has no such model, several to choose from, or another than before.
        """
        answer = await self._call("GET", "/v1/models")
        cards = {str(each.get("id")): each for each in answer.get("data", ())}
        chosen = [name] if name in cards else [] if name else list(cards)
        if len(chosen) != 1:
            what = f"several models: {', '.join(cards)}" if chosen else f"not {name or 'any'}, but {_listed(cards)}"
            raise ConfigurationError(
                f"{self.url} serves {what}", remedy=f"Set {self._settings.model} to one that the server serves."
            )
        card = cards[chosen[0]]
        tokens = card.get("max_model_len")
        revision = digest(chosen[0], str(card.get("root")), str(card.get("parent")))
        served = Served(chosen[0], revision, tokens if isinstance(tokens, int) else None)
        if self._served is not None and self._served.revision != revision:
            raise ConfigurationError(
                f"{self.url} serves another {served.name} than when this service began ({revision[:12]}, not "
                f"{self._served.revision[:12]})",
                remedy="Serve the model as before, or start this service again; where it makes vectors, the index then "
                "says whether it takes the new model's.",
            )
        self._served, self._in_doubt = served, False
        return served

    async def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the server answers to a POST.

        Raises:
            ModelServerUnavailable: no answer, or one that says "later".
            GpuOutOfMemory: it had not enough memory.
            InputTooLong: an input is longer than the model takes.
            ConfigurationError: any other refusal, or another model than before.
        """
        if self._in_doubt and self._served is not None:
            await self.served(self._served.name)
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        where = f"{self.url}{path}"
        try:
            response = await self._client.request(
                method,
                where,
                content=None if body is None else orjson.dumps(body),
                headers={"content-type": "application/json"},
            )
        except httpx.TimeoutException as error:
            raise self._unavailable(f"{where} did not answer within {self._timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(f"{where} does not answer: {error or type(error).__name__}") from error
        if not response.is_success:
            raise self._refusal(where, response)
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise ConfigurationError(
                f"{where} answers no JSON object, but {response.text[:_QUOTED]!r}", remedy=self._check_server
            )
        return answer

    def _refusal(self, where: str, response: httpx.Response) -> MedkgError:
        status, text = response.status_code, response.text
        said = f"{where} answers {status}: {text[:_QUOTED]}"
        if _OUT_OF_MEMORY.search(text):
            return GpuOutOfMemory(said)
        if status in _LATER:
            return self._unavailable(said)
        if status in (400, 413, 422) and _TOO_LONG.search(text):
            return InputTooLong(said)
        return ConfigurationError(said, remedy=self._check_server)

    def _unavailable(self, said: str) -> ModelServerUnavailable:
        self._in_doubt = True
        return ModelServerUnavailable(said, remedy=self._check_server)

    @property
    def _check_server(self) -> str:
        return (
            f"Check that the server of the model runs at {self._settings.url} and serves {self._settings.model}; "
            "its log says more."
        )


def _listed(cards: Mapping[str, object]) -> str:
    return ", ".join(sorted(cards)) or "none"
