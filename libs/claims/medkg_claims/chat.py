"""Conversations with a model behind an OpenAI-compatible endpoint whose answers have a JSON schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from medkg_contracts.errors import ConfigurationError
from medkg_models.model_server import ModelServer, ServerSettings

from .answer import Reply
from .prompt import Message, Prompt

_SETTINGS: Final = ServerSettings("MK_EXTRACT_LLM_URL", "MK_EXTRACT_LLM_MODEL")


@dataclass(slots=True)
class Usage:
    """What has been asked.

    Attributes:
        requests: that a server has answered.
        recalled: answers that were there already.
        prompt_tokens: that the server has read, if it says so.
        answer_tokens: that it has written.
    """

    requests: int = 0
    recalled: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0


class ChatServer(ModelServer):
    """One server that converses.

    Args:
        url: up to and including ``/v1``.
        timeout_s: seconds that one request may take.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(url, timeout_s, _SETTINGS)
        self.usage = Usage()

    async def complete(self, request: dict[str, Any]) -> Reply:
        """The model's answer. It raises what `ask` does.

        Raises:
            ConfigurationError: the answer is none.
        """
        answer = await self.ask("/v1/chat/completions", request)
        try:
            choice = answer["choices"][0]
            reply = Reply(str(choice["message"]["content"] or ""), choice.get("finish_reason") == "length")
        except (KeyError, IndexError, TypeError) as error:
            raise ConfigurationError(
                f"{self.url}/v1/chat/completions does not answer as OpenAI does: {error!r}"
            ) from error
        used = answer.get("usage") or {}
        self.usage.requests += 1
        self.usage.prompt_tokens += int(used.get("prompt_tokens", 0))
        self.usage.answer_tokens += int(used.get("completion_tokens", 0))
        return reply


def request_for(model: str, prompt: Prompt, messages: Sequence[Message], max_tokens: int) -> dict[str, Any]:
    """The body of a request: the most likely answer, and one of the prompt's schema."""
    schema = {"name": prompt.name, "strict": True, "schema": prompt.schema}
    return {
        "model": model,
        "messages": list(messages),
        "temperature": 0,
        "seed": 0,
        "max_tokens": max_tokens,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
