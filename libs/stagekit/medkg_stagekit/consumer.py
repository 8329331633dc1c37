"""A stage service's Kafka shell: records in, stage run, events out.

The order for each job: ``stage.started`` -> the work, its artifacts stored -> ``stage.completed`` (or ``stage.failed``,
or ``stage.deferred`` when the next try is far away) acknowledged on
``orchestration.events.v1`` -> the same event acknowledged on the stage's done topic -> the offset committed. A crash
anywhere leads to the work being done again, with the same artifacts, the same event ids and one effect.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.producer import EventProducer
from medkg_bus.shutdown import HandedBack, ShutdownSignal
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import MedkgError
from medkg_contracts.records import Record
from medkg_servicekit.refusal import refuse

from . import lifecycle_events, metrics
from .binding import Binding
from .control import Orders
from .deaths import DeathCounts, in_turn, in_work
from .execution import Executor
from .guard import Guard
from .pool import WorkerPool
from .reporter import Reporter
from .work import Outcome, Work, read_work

logger = logging.getLogger(__name__)


class StageConsumer:
    """Handles batches of a stage's queue."""

    def __init__(  # noqa: PLR0913 - a consumer has so many neighbours
        self,
        binding: Binding,
        store: ArtifactStore,
        producer: EventProducer,
        *,
        guard: Guard | None = None,
        orders: Orders | None = None,
        shutdown: ShutdownSignal | None = None,
        pool: WorkerPool | None = None,
        deaths: DeathCounts | None = None,
    ) -> None:
        self.name = binding.name
        self._deaths = deaths
        self._store = store
        self._producer = producer
        self._reporter = Reporter(binding.name, producer)
        self._executor = Executor(
            binding,
            store,
            self._reporter,
            publish_items=self._reporter.publish_items,
            guard=guard,
            orders=orders,
            shutdown=shutdown,
            pool=pool,
        )
        #: Is told of records that are dealt with while others of their batch are not, where somebody wants to know.
        self.finished: Callable[[Sequence[Record]], None] | None = None

    async def handle(self, records: Sequence[Record]) -> None:
        """Do all that the records ask for; what cannot be read goes to the DLQ.

        Raises:
            KafkaUnavailable: results could not be published; the batch has to be handled again.
            ArtifactStoreUnavailable: a claim check could not be read; likewise.
            HandedBack: the service ends or gives its partitions back, and some of the batch is not done.
        """
        self._reporter.begin()
        left: list[Record] = []
        works = [work for record in records if (work := await self._read(record)) is not None]
        if works:
            async with aclosing(self._outcomes(works)) as coming:
                async for outcomes in coming:
                    left += [outcome.work.record for outcome in outcomes if outcome.left and outcome.work.record]
                    done = [outcome for outcome in outcomes if not outcome.left]
                    await self._publish(done)
                    if self.finished is not None:
                        await self._reporter.acknowledge()
                        self.finished([outcome.work.record for outcome in done if outcome.work.record is not None])
        await self._reporter.acknowledge()
        if left:
            raise HandedBack(left)

    async def _outcomes(self, works: Sequence[Work]) -> AsyncGenerator[list[Outcome], None]:
        """What becomes of the works, as it comes; what ends the service's process each time is not begun any more."""
        if self._deaths is None:
            async for outcomes in self._executor.run(works):
                yield outcomes
            return
        groups, hopeless = await in_turn(self._deaths, works)
        for outcome in hopeless:
            await self._reporter.started(outcome.work)
        if hopeless:
            yield hopeless
            await self._deaths.end([outcome.work for outcome in hopeless])
        for group in groups:
            async with in_work(self._deaths, group):
                async for outcomes in self._executor.run(group):
                    yield outcomes

    async def _read(self, record: Record) -> Work | None:
        event: CloudEvent | None = None
        try:
            event = from_record(record.headers, record.value)
            return read_work(await redeem(event, self._store), record)
        except MedkgError as error:
            if error.retryable:
                raise
            await self._refuse(record, error, event)
            return None

    async def _refuse(self, record: Record, error: MedkgError, event: CloudEvent | None) -> None:
        """Keep the record in the DLQ; when it says whose work it was, fail that stage of that job too."""
        logger.warning("%s/%d@%d goes to the DLQ: %s", record.topic, record.partition, record.offset, error)
        dlq, group = topics.dlq(self.name), topics.group(self.name)
        sent = await refuse(self._producer, record, error, group, dlq, lifecycle_events.source_of(self.name))
        self._reporter.add(sent)
        failed = None if event is None else lifecycle_events.unreadable(self.name, event, error.info)
        if failed is not None:
            await self._tell_then_answer([failed])

    async def _publish(self, outcomes: Sequence[Outcome]) -> None:
        answers = []
        for outcome in outcomes:
            if outcome.dropped:
                metrics.dropped(outcome.work.node)
                await self._reporter.send(topics.EVENTS, lifecycle_events.dropped(self.name, outcome))
                continue
            if outcome.deferral is not None:
                metrics.deferred(outcome.work.node, outcome.deferral.error.code)
            else:
                await self._end(outcome)
            answers.append(lifecycle_events.answer(self.name, outcome))
        await self._tell_then_answer(answers)

    async def _end(self, outcome: Outcome) -> None:
        """Count what has ended, and keep what has failed."""
        work, error = outcome.work, outcome.error
        if error is not None and work.record is not None:
            letter = DeadLetter(work.record, topics.group(self.name), type(error).__name__, error.info)
            self._reporter.add([await self._producer.bury(topics.dlq(self.name), letter)])
        label = error.code if error else "skipped" if outcome.skipped else "completed"
        metrics.executed(work.node, label, outcome.duration_ms, work.waited_ms)

    async def _tell_then_answer(self, events: Sequence[CloudEvent]) -> None:
        """Lifecycle first, and only once Kafka has it, the done topic: no reader sees a result before its story."""
        for event in events:
            await self._reporter.send(topics.EVENTS, event)
        await self._reporter.acknowledge()
        for event in events:
            await self._reporter.send(topics.done(self.name), event)
