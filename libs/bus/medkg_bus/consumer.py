"""Reads topics as a member of a group: batches to a handler, and commits of what it has handled.

What holds: a partition's commit never passes a record that the handler has not dealt with, in whichever order records
end (`Offsets`). So a crash, or a handover that did not wait for the last, leads to records being read again, and never
to one being missed; those behind it that were done are done twice, which epochs and idempotent effects make harmless.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from time import monotonic
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream.kafka import KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber
from medkg_contracts.errors import KafkaUnavailable
from medkg_contracts.records import Record

from .clients import group_broker, group_settings
from .commits import Commits
from .handover import Handover
from .instance import client_id
from .offsets import Offsets
from .progress import Progress
from .shutdown import HandedBack, ShutdownSignal

logger = logging.getLogger(__name__)

#: While this many records of begun work wait, no new work is taken; else so much of it at once.
BUSY: Final = 500
NEW_WORK_RECORDS: Final = 250

#: How long begun work waits at most for a look at new work, in seconds.
BESIDE_S: Final = 1.0

#: A consumer that has not polled for so long, in seconds, is no member of its group any more.
POLL_INTERVAL_S: Final = 30.0

#: A poll of this partition, which nobody has, brings no record and leaves all that are fetched where they are.
_NOBODYS: Final = TopicPartition("", -1)

#: How often a batch that waits for another try looks whether the service ends, in seconds.
RETRY_LOOK_S: Final = 0.2

#: How long a poll waits for records before it reports that there were none.
POLL_MS: Final = 500

Handler = Callable[[Sequence[Record]], Awaitable[None]]
#: When polls go on beside a batch, there are fewer records in work than this share of a batch's most.
BESIDE_SHARE: Final = 0.5

Polled = dict[TopicPartition, list[ConsumerRecord[Any, Any]]]


class BatchConsumer:
    """Feeds a handler with batches of records, and commits each batch soon after the handler has returned.

    The handler must deal with every record: what it returns from is done. While it raises KafkaUnavailable or another
    retryable error the same batch is given to it again, so nothing is skipped.

    However long a batch takes, the consumer stays in its group, unless the batch is stuck: then its partitions go to
    others. It takes nothing else meanwhile; with `hold_s` it does after so many seconds, once few records are left in
    work, so that what takes long does not hold up what follows. When the group shares its partitions anew, or the
    service ends, what the handler has begun is finished and committed, and the rest is handed back; of batches beside
    which polls went on, what cannot end in time is cancelled.

    Args:
        bootstrap: Kafka's address.
        topics: what is read.
        group: the consumer group.
        handler: deals with a batch.
        max_records: of one batch.
        longest_batch_s: a batch that takes longer, deliberate waits apart, is stuck.
        first: topics whose records come before all others'.
        new_work: topics whose records come after the others'.
        shutdown: of the handler; it is told when the service is about to end.
        poll_interval_s: a consumer that neither polls nor works for so long leaves its group.
        hold_s: how long a batch holds up the polls; None until it is done. With it the handler has to bear being called
            for a batch while it is at work on another.
    """

    def __init__(  # noqa: PLR0913 - a consumer has so many settings
        self,
        bootstrap: str,
        topics: Sequence[str],
        group: str,
        handler: Handler,
        *,
        max_records: int,
        longest_batch_s: float,
        first: Collection[str] = (),
        new_work: Collection[str] = (),
        shutdown: ShutdownSignal | None = None,
        poll_interval_s: float = POLL_INTERVAL_S,
        hold_s: float | None = None,
    ) -> None:
        self._shutdown = shutdown or ShutdownSignal()
        self.progress = Progress(longest_batch_s, self._shutdown)
        self._poll_interval_s = poll_interval_s
        self._first = frozenset(first)
        self._new_work_topics = frozenset(new_work)
        self._handler = handler
        self._offsets = Offsets()
        self._hold_s = hold_s
        self._few = max_records * BESIDE_SHARE
        self._beside: set[asyncio.Future[None]] = set()
        self._moved = asyncio.Event()
        self._failed = False
        self._commits = Commits(self._offsets, lambda: self.consumer)
        self._draining = False
        self._handover = Handover(
            self.progress, self._shutdown, commit=self._commits.now, abandon=self._abandon, forget=self._offsets.forget
        )
        #: Ends the application; it is called when the handler fails in a way that it must not.
        self.give_up: Callable[[], None] = lambda: None
        self._broker = group_broker(bootstrap, client_id(group), longest_batch_s)
        self._subscriber: BatchSubscriber = self._broker.subscriber(
            *topics, batch=True, max_records=max_records, batch_timeout_ms=1, parser=self._parse, decoder=_raw,
            listener=self._handover, **group_settings(group, poll_interval_s),
        )  # fmt: skip
        self._subscriber(self._consume)

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The client, once the broker has started."""
        return self._subscriber.consumer

    async def start(self) -> None:
        """Join the group and begin to read.

        Raises:
            KafkaUnavailable: Kafka does not answer.
        """
        try:
            await self._broker.start()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka: {error!r}") from error
        self._watch_polls()

    async def stop(self) -> None:
        """Finish the batch that is in work, commit, and leave the group."""
        await self.drain()
        await self._broker.stop()

    def _watch_polls(self) -> None:
        """Let polls wait as long as they may, and be seen; and go on while a batch is worked on.

        FastStream sleeps after an empty poll for as long as it polled, which costs either latency or idle processor
        time; this way it costs neither.
        """
        consumer = self.consumer
        getmany = consumer.getmany

        async def take(*partitions: TopicPartition, timeout_ms: int, max_records: int) -> Polled:
            batches: Polled = await getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
            if batches:
                self._handover.taken()
            return batches

        async def poll(*, timeout_ms: int, max_records: int) -> Polled:
            batches = await self._in_order(take, max_records)
            if not batches:
                batches = await take(timeout_ms=max(timeout_ms, POLL_MS), max_records=max_records)
            self.progress.polled()
            self.progress.assigned = bool(consumer.assignment())
            return batches

        consumer.getmany = poll
        self._keeping = asyncio.ensure_future(self._keep_membership(getmany))

    async def _keep_membership(self, getmany: Callable[..., Awaitable[Polled]]) -> None:
        """Poll while a batch is worked on, without taking a record: whoever does not poll is out of the group."""
        while True:
            await asyncio.sleep(self._poll_interval_s / 4)
            if not self.progress.stuck_for:
                try:
                    await getmany(_NOBODYS, timeout_ms=0)
                except ConsumerStoppedError:
                    return
                except KafkaError as error:
                    logger.warning("cannot poll for now: %r", error)

    async def _in_order(self, getmany: Callable[..., Awaitable[Polled]], max_records: int) -> Polled:
        """What is there already: what goes first alone, new work last, since a job is better finished than begun."""
        if not self._first and not self._new_work_topics:
            return {}
        assigned = self.consumer.assignment()
        ahead = [partition for partition in assigned if partition.topic in self._first]
        if ahead and (batches := await getmany(*ahead, timeout_ms=0, max_records=max_records)):
            return batches
        begun = [partition for partition in assigned if partition.topic not in self._first | self._new_work_topics]
        batches = await getmany(*begun, timeout_ms=0, max_records=max_records) if begun else {}
        # Once partitions are given back a poll waits for new ones, which only come when what is taken is handled.
        if 0 < sum(map(len, batches.values())) < BUSY and not self._handover.under_way:
            batches |= await self._new_work(getmany, [each for each in assigned if each.topic in self._new_work_topics])
        return batches

    @staticmethod
    async def _new_work(getmany: Callable[..., Awaitable[Polled]], partitions: Sequence[TopicPartition]) -> Polled:
        """New work beside what is taken already, which must be neither kept waiting nor lost for an error of this."""
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(BESIDE_S):
                return await getmany(*partitions, timeout_ms=0, max_records=NEW_WORK_RECORDS)
        except (KafkaError, TimeoutError) as error:
            logger.warning("no new work is taken for now: %r", error)
            return {}

    def follow(self, topics: Sequence[str]) -> None:
        """Read these topics from now on."""
        if set(topics) != set(self.consumer.subscription()):
            self.consumer.subscribe(topics=list(topics), listener=self._handover)

    @staticmethod
    async def _parse(raw: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
        """Wrap the batch unread: FastStream's own parser raises on headers that are null or not UTF-8."""
        return KafkaMessage(raw_message=raw, body=b"", headers={}, consumer=FAKE_CONSUMER)

    async def _consume(self, batch: Any) -> None:  # noqa: ANN401 - FastStream would try to validate a type
        records = [_record(raw) for raw in batch]
        self._handover.began()
        if self._handover.broken_off:
            self._handover.handled()
            return
        self._offsets.taken(records)
        self.progress.polling(again=False)
        try:
            if self._hold_s is None:
                await self._work_off(records)
            else:
                await self._work_off_beside(records, self._hold_s)
        finally:
            self.progress.polling(again=True)
        if self._failed:
            raise SystemExit(1)  # FastStream reads no further then
        if self._draining:
            await self._commits.now()

    async def _work_off_beside(self, records: Sequence[Record], hold_s: float) -> None:
        """Work the batch off, or so much of it that polls may go on beside the rest."""
        work = asyncio.ensure_future(self._work_off(records))
        self._beside.add(work)
        work.add_done_callback(self._beside.discard)
        await asyncio.wait({work}, timeout=hold_s)
        while not work.done() and self._offsets.in_work >= self._few:
            self._moved.clear()
            await self._moved.wait()

    async def _work_off(self, records: Sequence[Record]) -> None:
        name = object()
        self.progress.batch(name, began=True)
        left: Sequence[Record] = ()
        try:
            await self._until_handled(records)
        except HandedBack as leaving:
            left = records if leaving.left is None else leaving.left
            self._handover.break_off()
            logger.info("%d of %d records are left to whoever reads them next", len(left), len(records))
        except Exception:
            logger.critical(
                "the handler failed in a way it must not; stopping so that nothing is skipped", exc_info=True
            )
            left = records
            self._failed = True
            self.give_up()
        except asyncio.CancelledError:
            left = records
            raise
        finally:
            self.progress.batch(name, began=False)
            self._handover.handled()
            self.finished(_without(records, left) if left else records)

    async def _abandon(self) -> None:
        """End what goes on beside the polls: whoever reads those records next does them."""
        beside = list(self._beside)
        for work in beside:
            work.cancel()
        if beside:
            logger.info("%d batches take too long to be waited for; others do what is left of them", len(beside))
            await asyncio.gather(*beside, return_exceptions=True)

    def finished(self, records: Sequence[Record]) -> None:
        """These records are dealt with, whatever becomes of the others of their batch."""
        self._offsets.finished(records)
        self._moved.set()
        self._commits.soon()

    async def _until_handled(self, records: Sequence[Record]) -> None:
        wait = 0.2
        while True:
            try:
                await self._handler(records)
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                logger.warning("cannot go on, trying again in %.1f s: %s", wait, error)
                await self._before_another_try(wait)
                wait = min(wait * 2, 10.0)
            else:
                return

    async def _before_another_try(self, seconds: float) -> None:
        """Wait, unless it is for others to try again.

        Raises:
            HandedBack: it is.
        """
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self._shutdown.stay()
            await asyncio.sleep(min(left, RETRY_LOOK_S))

    async def drain(self) -> None:
        """Finish what is begun, commit; from now on each batch is committed at once, since each may be the last.

        What is not begun, and work that would have to wait long, is left to others.
        """
        self._draining = True
        self._handover.end()
        if self._beside:
            await self._handover.settled()
        await self._commits.end()


async def _raw(message: KafkaMessage) -> Any:  # noqa: ANN401 - the batch as FastStream hands it over
    return message.raw_message


def _record(raw: ConsumerRecord[Any, Any]) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)


def _without(records: Sequence[Record], left: Sequence[Record]) -> list[Record]:
    places = {record.place for record in left}
    return [record for record in records if record.place not in places]
