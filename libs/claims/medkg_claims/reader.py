"""Reads claims out of a document's chunks by a model that a server has."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from medkg_contracts.errors import ConfigurationError
from medkg_contracts.ir import Chunk
from medkg_contracts.knowledge import TextEvidence

from .answer import Direction, direction_in, said_in
from .answers import StoredAnswers
from .asking import Asker
from .chat import ChatServer, Usage
from .places import quote_span
from .prompt import CLAIMS, DIRECTION, prompt
from .reading import Reading, evidence_at, read
from .selection import chosen
from .settings import LlmSettings

#: What the model's digest is called, and so what a claim says that read it.
MODEL: Final = "llm"
#: Between passages that are given together.
_BREAK: Final = "\n\n"

ResultT = TypeVar("ResultT")


def prompt_digests() -> dict[str, str]:
    """Of the prompt by which claims are read, and of the schema of its answers, by name."""
    asked = prompt(CLAIMS)
    return {f"llm-prompt-{asked.name}": asked.digest, f"llm-schema-{asked.name}": asked.schema_digest}


class ClaimReader:
    """Reads with the model that the settings name.

    Args:
        url: the OpenAI-compatible endpoint, up to and including ``/v1``.
        settings: how it is asked.

    Attributes:
        model: as the server calls it; known once it is open.
        digests: of the model, the prompt and the schema that take part, by name; known once it is open.
    """

    model: str
    digests: dict[str, str]

    def __init__(self, url: str, settings: LlmSettings) -> None:
        self._settings = settings
        self._server = ChatServer(url, settings.extract_llm_timeout_s)
        self._askers: dict[str, Asker] = {}

    async def open(self) -> None:
        """Ask the server what it serves.

        Raises:
            ModelServerUnavailable: it does not answer.
            ConfigurationError: it does not have the model.
        """
        served = await self._server.served(self._settings.extract_llm_model)
        self.model = served.name
        slots = asyncio.Semaphore(self._settings.extract_llm_concurrency)
        most = self._settings.extract_llm_max_tokens
        self._askers = {name: Asker(self._server, served, prompt(name), most, slots) for name in (CLAIMS, DIRECTION)}
        self.digests = {MODEL: served.revision, **prompt_digests()}

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    @property
    def usage(self) -> Usage:
        """What has been asked so far."""
        return self._server.usage

    async def read(self, chunks: Sequence[Chunk], answers: StoredAnswers) -> Reading:
        """What a document's chunks claim, those first that report results, and no more of them than are to be read.

        Raises:
            ModelServerUnavailable: the server does not answer; what it has answered is kept for the next try.
            GpuOutOfMemory: it has not enough memory.
            ConfigurationError: it refuses, or has another model than before.
            ArtifactStoreUnavailable: answers cannot be kept.
        """
        wanted, left_out = chosen(chunks, self._settings.extract_llm_chunks)
        asker = self._asker(CLAIMS)
        whole = Reading.of(await _together([self._read(asker, chunk, answers) for chunk in wanted]))
        whole.dropped["chunk_over_bound"] += left_out
        return whole

    async def direction(
        self, comparison: tuple[str, str, str], chunks: Sequence[Chunk], answers: StoredAnswers
    ) -> tuple[Direction | None, TextEvidence | None]:
        """What a document's chunks report on an intervention, its comparator and an outcome.

        Returns:
            The direction, None if the model gives none; and its quote, None if it stands in none of the chunks.

        Raises:
            MedkgError: as `read`.
        """
        intervention, comparator, outcome = comparison
        values = {
            "title": chunks[0].document_title if chunks else "",
            "intervention": intervention,
            "comparator": comparator,
            "outcome": outcome,
            "text": _BREAK.join(chunk.text for chunk in chunks),
        }
        said = await self._asker(DIRECTION).ask(values, answers, direction_in, Counter())
        if said is None:
            return None, None
        places = ((chunk, quote_span(said.quote, chunk.text)) for chunk in chunks)
        evidence = (evidence_at(chunk, span) for chunk, span in places if span is not None)
        return said.direction, next(evidence, None)

    @staticmethod
    async def _read(asker: Asker, chunk: Chunk, answers: StoredAnswers) -> Reading:
        values = {"title": chunk.document_title, "section": chunk.section_title, "text": chunk.text}
        dropped: Counter[str] = Counter()
        said = await asker.ask(values, answers, said_in, dropped)
        reading = Reading() if said is None else read(chunk, said)
        reading.dropped += dropped
        return reading

    def _asker(self, name: str) -> Asker:
        if name not in self._askers:
            raise ConfigurationError("the reader has not been opened")
        return self._askers[name]


async def _together(parts: Sequence[Coroutine[Any, Any, ResultT]]) -> list[ResultT]:
    """All results, in order; the first error ends what is still asked, since the next try asks it again."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
