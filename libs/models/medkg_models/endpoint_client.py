"""Embeddings of an OpenAI-compatible server."""

import base64
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from medkg_contracts.errors import ConfigurationError
from numpy.typing import NDArray

from .model_server import ModelServer, ServerSettings

_SETTINGS: Final = ServerSettings("MK_EMBED_URL", "MK_EMBED_MODEL")


class EndpointClient(ModelServer):
    """One server that embeds.

    Args:
        url: up to and including ``/v1``.
        timeout_s: seconds that one request may take.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(url, timeout_s, _SETTINGS)

    async def embeddings(
        self, model: str, texts: Sequence[str], *, truncate: bool = False
    ) -> list[NDArray[np.float32]]:
        """A vector a text, as the server makes them. It raises what `ask` does.

        Raises:
            ConfigurationError: the answer does not have a vector for each.
        """
        body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "base64"}
        if truncate:
            body["truncate_prompt_tokens"] = -1
        answer = await self.ask("/v1/embeddings", body)
        try:
            rows = sorted(answer["data"], key=lambda each: int(each["index"]))
            vectors = [_floats(row["embedding"]) for row in rows]
        except (KeyError, TypeError, ValueError, Base64Error) as error:
            raise ConfigurationError(f"{self.url}/v1/embeddings does not answer as OpenAI does: {error!r}") from error
        if len(vectors) != len(texts):
            raise ConfigurationError(f"{self.url}/v1/embeddings gave {len(vectors)} vectors for {len(texts)} texts")
        return vectors

    async def count(self, model: str, text: str) -> int:
        """How many tokens the text has, by the server's tokenizer (vLLM's ``/tokenize``); it raises what `ask` does."""
        return int((await self.ask("/tokenize", {"model": model, "prompt": text}))["count"])


def _floats(embedding: object) -> NDArray[np.float32]:
    """A vector, as base64 or, from servers that do not know that, as numbers."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    return np.asarray(embedding, np.float32)
