"""Asks a model by one of the prompts: each question once, and a second time where the answer is not of the form."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from medkg_contracts.errors import InputTooLong
from medkg_contracts.ids import digest
from medkg_models.model_server import Served

from .answer import Reply
from .answers import StoredAnswers
from .chat import ChatServer, request_for
from .prompt import Message, Prompt

#: An answer that is not of the wanted form is asked for so many times in all.
TRIES: Final = 2

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Asker:
    """Asks about things that have nothing to do with each other, as many at once as the slots let through.

    Attributes:
        server: that has the model.
        served: the model.
        prompt: by which it is asked.
        max_tokens: of an answer.
        slots: shared by all that ask the server.
    """

    server: ChatServer
    served: Served
    prompt: Prompt
    max_tokens: int
    slots: asyncio.Semaphore

    async def ask(
        self,
        values: Mapping[str, str],
        answers: StoredAnswers,
        understood: Callable[[Reply], AnswerT | None],
        dropped: Counter[str],
    ) -> AnswerT | None:
        """What the model answers; None if it gives no answer of the wanted form, which `dropped` then counts.

        Args:
            values: of the prompt's placeholders.
            answers: where answers are kept.
            understood: reads a reply; None if it is not of the wanted form.
            dropped: counts what went wrong.

        Raises:
            ModelServerUnavailable: the server does not answer.
            GpuOutOfMemory: it has not enough memory.
            ConfigurationError: it refuses, or has another model than before.
        """
        messages = self.prompt.messages(values)
        for _ in range(TRIES):
            try:
                reply = await self._reply(messages, answers)
            except InputTooLong:
                dropped["passage_too_long"] += 1
                return None
            dropped["answer_cut"] += reply.is_cut
            if (answer := understood(reply)) is not None:
                return answer
            dropped["answer_invalid"] += 1
            messages = self.prompt.repeated(messages, reply.content)
        dropped["passage_without_answer"] += 1
        return None

    async def _reply(self, messages: list[Message], answers: StoredAnswers) -> Reply:
        request = request_for(self.served.name, self.prompt, messages, self.max_tokens)
        key = self._key(request)
        if (known := await answers.get(key)) is not None:
            self.server.usage.recalled += 1
            return known
        async with self.slots:
            reply = await self.server.complete(request)
        await answers.put(key, reply)
        return reply

    def _key(self, request: Mapping[str, Any]) -> str:
        """Of all that an answer depends on: the model's revision, and the whole request."""
        return digest("llm-answer", self.served.revision, orjson.dumps(request, option=orjson.OPT_SORT_KEYS).decode())
