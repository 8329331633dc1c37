"""How a consumer gives partitions back: with nothing half done, so that whoever has them next repeats nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Final

from aiokafka import ConsumerRebalanceListener, TopicPartition

from .progress import Progress
from .shutdown import ShutdownSignal

#: Work that is begun is waited for no longer than this, in seconds; what it is done for is then done twice.
HAND_BACK_S: Final = 45.0

_LOOK_S: Final = 0.5


class Handover(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Stands between a consumer's group, which takes partitions away, and the batches that are worked on.

    Args:
        progress: of the consumer; it is not late while it waits for others of its group.
        shutdown: of the handler: it is told that nothing more is to be begun.
        commit: commits what is handled.
        abandon: ends the batches that go on beside the polls, whatever they do.
        forget: what was in work is no more.

    Attributes:
        under_way: partitions have been given back, and no new ones have come.
        broken_off: some of a batch was left. Nothing that follows may be committed, since that would commit what was
            left as well.
    """

    def __init__(
        self,
        progress: Progress,
        shutdown: ShutdownSignal,
        *,
        commit: Callable[[], Awaitable[None]],
        abandon: Callable[[], Awaitable[None]],
        forget: Callable[[], None],
    ) -> None:
        self._progress = progress
        self._shutdown = shutdown
        self._commit = commit
        self._abandon = abandon
        self._forget = forget
        self._polled = False
        self._batches = 0
        self._ends = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.under_way = False
        self.broken_off = False

    def taken(self) -> None:
        """Records have been polled."""
        self._polled = True
        self._idle.clear()

    def began(self) -> None:
        """What has been polled is worked on."""
        self._polled = False
        self._batches += 1

    def handled(self) -> None:
        """A batch has been handled, or left."""
        self._batches -= 1
        if not self._batches and not self._polled:
            self._idle.set()

    async def settled(self) -> None:
        """Wait until what is begun is finished; what takes too long, or is stuck, is abandoned."""
        deadline = monotonic() + HAND_BACK_S
        while not self._idle.is_set() and not self._progress.stuck_for and monotonic() < deadline:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _LOOK_S)
        await self._abandon()

    def break_off(self) -> None:
        """Some of the batch is left; unless the partitions have been shared anew already, it is not read here again."""
        self.broken_off = self._shutdown.leaving

    def end(self) -> None:
        """The consumer is about to end: it begins nothing more, whatever it is assigned."""
        self._ends = True
        self._shutdown.leave()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - it is all of them
        """Finish what is begun, leave the rest, commit."""
        self.under_way = self._progress.regrouping = True
        self._shutdown.leave()
        await self.settled()
        await self._commit()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        """Go on, from the offsets that were committed."""
        self.under_way = self._progress.regrouping = False
        self._progress.polled()
        self._forget()
        if not self._ends:
            self._shutdown.go_on()
            self.broken_off = False
