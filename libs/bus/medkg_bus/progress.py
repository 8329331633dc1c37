"""Whether a consumer gets on."""

from time import monotonic

from .shutdown import ShutdownSignal


class Progress:
    """Whether a consumer gets on: it polls, or works; no batch is older than it may be, unless it has just waited.

    Attributes:
        assigned: it has partitions.
        regrouping: it waits until its group has shared the partitions anew.
    """

    def __init__(self, longest_batch_s: float, shutdown: ShutdownSignal) -> None:
        self._longest_batch_s = longest_batch_s
        self._shutdown = shutdown
        self._polled = monotonic()
        self._batches: dict[object, float] = {}
        self._polls = True
        self.assigned = False
        self.regrouping = False

    def polled(self) -> None:
        """The consumer has come back from a poll."""
        self._polled = monotonic()

    def batch(self, name: object, *, began: bool) -> None:
        """A batch of this name has begun, or ended."""
        if began:
            self._batches[name] = monotonic()
        else:
            self._batches.pop(name, None)

    def polling(self, again: bool) -> None:
        """Polls rest, since a batch is worked on, or go on."""
        self._polls = again
        self._polled = monotonic()

    @property
    def stuck_for(self) -> float:
        """Seconds by which the consumer is later than it may be; 0 when it gets on."""
        now = monotonic()
        oldest = min(self._batches.values(), default=now)
        late = now - max(oldest, self._shutdown.waited_at) - self._longest_batch_s
        unpolled = now - self._polled - 30 if self._polls and not self.regrouping else 0.0
        return max(0.0, late if self._batches else 0.0, unpolled)
