"""Everything that is told while somebody watches, of whichever job, as often as it is told."""

from collections.abc import Callable, Iterable, Sequence
from threading import Condition
from time import monotonic

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of


class NotAsExpected(AssertionError):
    """What a test waited for did not come, or cannot come any more."""


class Watch:
    """The lifecycle events since it began, in the order in which they were read; any thread may wait.

    Attributes:
        events: all of them; one that the product sends twice, as it may after a crash, stands here twice.
        read_at: when each was read, in seconds of `time.monotonic`.
        ends: how jobs have ended, by job id.
        ended_at: when that was read first, by job id.
    """

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.read_at: list[float] = []
        self.ends: dict[str, Kind] = {}
        self.ended_at: dict[str, float] = {}
        self._broken: BaseException | None = None
        self._more = Condition()

    def tell(self, events: Sequence[CloudEvent]) -> None:
        """Add events, in the order in which they came."""
        now = monotonic()
        ended = {event.extensions["jobid"]: kind for event in events if (kind := kind_of(event)) in JOB_ENDS}
        with self._more:
            self.events += events
            self.read_at += [now] * len(events)
            # New dictionaries: a test may be going through those that there were.
            self.ends = {**self.ends, **ended}
            self.ended_at = {**dict.fromkeys(ended, now), **self.ended_at}
            self._more.notify_all()

    def break_off(self, reason: BaseException) -> None:
        """Nothing more will be told; whoever waits is told why."""
        with self._more:
            self._broken = reason
            self._more.notify_all()

    def until(self, enough: Callable[[Sequence[CloudEvent]], bool], timeout: float = 90.0) -> Sequence[CloudEvent]:
        """Wait until `enough` holds of the events so far, and return them.

        Args:
            enough: asked again whenever more has come.
            timeout: seconds.

        Raises:
            NotAsExpected: it did not hold in time.
        """
        __tracebackhide__ = True
        deadline = monotonic() + timeout
        with self._more:
            while not enough(self.events):
                if self._broken is not None:
                    raise NotAsExpected(f"the lifecycle events can be read no more: {self._broken!r}")
                left = deadline - monotonic()
                if left <= 0:
                    raise NotAsExpected(f"it did not come within {timeout:g} s; {len(self.events)} events did")
                self._more.wait(left)
            return self.events

    def seen(self, kind: Kind, job: str | None = None, timeout: float = 60.0) -> CloudEvent:
        """Wait for an event of this kind (about this job); the first.

        Raises:
            NotAsExpected: it did not come in time.
        """
        __tracebackhide__ = True
        found: list[CloudEvent] = []

        def enough(events: Sequence[CloudEvent]) -> bool:
            found[:] = [
                event for event in events if kind_of(event) is kind and job in (None, event.extensions.get("jobid"))
            ]
            return bool(found)

        self.until(enough, timeout)
        return found[0]

    def ended(self, jobs: Iterable[str], timeout: float = 90.0) -> dict[str, Kind]:
        """Wait until these jobs have ended; how, by job id.

        Raises:
            NotAsExpected: one of them did not end in time.
        """
        __tracebackhide__ = True
        wanted = set(jobs)
        self.until(lambda _: wanted <= self.ends.keys(), timeout)
        return {job: self.ends[job] for job in wanted}

    def more(self, timeout: float = 0.5) -> None:
        """Wait until something more is told, for so many seconds at most."""
        with self._more:
            self._more.wait(timeout)
