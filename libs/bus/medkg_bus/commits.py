"""Commits of what a consumer has handled: beside its work, and never past what is in work."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from .offsets import Offsets

logger = logging.getLogger(__name__)

#: How long a handled record may stay uncommitted, in seconds.
COMMIT_EVERY_S: Final = 0.25


class Commits:
    """Commits one consumer's offsets.

    Args:
        offsets: knows what is in work.
        consumer: gives the client, once there is one.
    """

    def __init__(self, offsets: Offsets, consumer: Callable[[], AIOKafkaConsumer]) -> None:
        self._offsets = offsets
        self._consumer = consumer
        self._one_at_a_time = asyncio.Lock()
        self._later: asyncio.Future[None] | None = None
        self._ends = False

    def soon(self) -> None:
        """Commit beside the work and not in its way: a round trip for each batch would cost more than it saves."""
        if not self._ends and (self._later is None or self._later.done()):
            self._later = asyncio.ensure_future(self._until_nothing_is_left())

    async def now(self) -> None:
        """Commit what is handled. A commit that fails is covered by a later one, or its records are read again."""
        async with self._one_at_a_time:  # who commits next waits until this is there
            await self._commit()

    async def end(self) -> None:
        """Commit what is handled; from now on only `now` commits."""
        self._ends = True
        if self._later is not None:
            await self._later
        await self.now()

    async def _commit(self) -> None:
        offsets = self._offsets.to_commit(self._consumer().assignment())
        if not offsets:
            return
        try:
            await self._consumer().commit(offsets)
        except (CommitFailedError, IllegalStateError):
            logger.info("the partitions went to another consumer meanwhile; what is read twice changes nothing")
        except KafkaError as error:
            logger.warning("offsets not committed, a later commit covers them: %r", error)
            return
        self._offsets.committed(offsets)

    async def _until_nothing_is_left(self) -> None:
        # What is handled while a commit is under way starts none of its own.
        while self._offsets.to_commit(self._consumer().assignment()) and not self._ends:
            await asyncio.sleep(COMMIT_EVERY_S)
            await self.now()
