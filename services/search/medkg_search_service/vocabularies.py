"""The vocabularies of the service, opened once, and asked beside the event loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from medkg_search.expansion import Expanded
from medkg_search.filters import AS_GIVEN, Meanings
from medkg_vocabulary import Vocabulary
from medkg_vocabulary.prefixes import normalised

from .opened import Opened
from .terms import Terms, is_id

AnswerT = TypeVar("AnswerT")


class Vocabularies:
    """What searches ask of vocabularies; who needs nothing of them waits for none.

    Each method raises:
        InvalidRequest: the search names what they do not have.
        ConfigurationError: one of them cannot be opened.

    Args:
        open_them: opens them, which may take seconds.
    """

    def __init__(self, open_them: Callable[[], Sequence[Vocabulary]]) -> None:
        async def opened() -> Terms:
            return Terms(await asyncio.to_thread(open_them))

        self._opened = Opened(opened)
        self._turn = asyncio.Lock()  # each has one connection to its file

    async def open(self) -> None:
        """Open them before a search has to wait for it."""
        await self._opened.get()

    async def close(self) -> None:
        """Close their files."""
        await self._opened.close()

    async def expanded(self, text: str, by: Sequence[str]) -> list[Expanded]:
        """What else is looked for where the text has names of these vocabularies."""
        return await self._ask(lambda terms: terms.expanded(text, by)) if by else []

    async def meanings(self, entities: Sequence[str], by: Sequence[str]) -> Meanings:
        """The ids that are meant by entities of a filter, with what is below them in these vocabularies."""
        if not entities:
            return AS_GIVEN
        if not by and all(map(is_id, entities)):
            return {entity: [normalised(entity)] for entity in entities}
        return await self._ask(lambda terms: terms.meanings(entities, by))

    async def labels(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The names of those that one of them has."""
        return await self._ask(lambda terms: terms.labels(ids))

    async def _ask(self, question: Callable[[Terms], AnswerT]) -> AnswerT:
        terms = await self._opened.get()
        async with self._turn:
            return await asyncio.to_thread(question, terms)
