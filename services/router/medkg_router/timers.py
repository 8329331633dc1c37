"""The router's durable timers: gates' deadlines and the waits before deferred tries.

A timer fires as an event on ``jobs.control.v1``, never as a write of its own: the replica that owns the job's
partition applies it like any other event, and its commit removes the timer. Until then the timer stays, so a crash
only delays it. Several replicas may fire the same timer; the second event changes nothing.
"""

from time import monotonic, time

from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_ledger.store import Ledger
from medkg_routing import timer_due
from medkg_routing.outbound import SOURCE

#: A fired timer that is still there after this many seconds is fired again.
REFIRE_S = 10.0

#: Timers that other replicas have set are seen at least this often, in seconds.
LOOK_S = 1.0


class Timers:
    """Fires due timers; each replica has one."""

    def __init__(self, ledger: Ledger, producer: EventProducer) -> None:
        self._ledger = ledger
        self._producer = producer
        self._fired: dict[str, float] = {}

    async def fire(self) -> float:
        """Send an event for each due timer; how many seconds to wait until the next look.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: nor does Kafka.
        """
        now = round(time() * 1000)
        self._fired = {member: at for member, at in self._fired.items() if monotonic() - at < REFIRE_S}
        due = [timer for timer in await self._ledger.due_timers(now) if timer.member not in self._fired]
        events = [timer_due(timer.job_id, timer.node, timer.due, SOURCE) for timer in due]
        await self._producer.acknowledged([await self._producer.send(topics.CONTROL, event) for event in events])
        self._fired |= {timer.member: monotonic() for timer in due}
        following = await self._ledger.next_timer()
        if following is None or following <= now:
            return LOOK_S
        return min(LOOK_S, (following - now) / 1000)
