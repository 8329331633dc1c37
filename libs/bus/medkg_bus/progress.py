"""Whether a consumer gets on."""

from time import monotonic

from .shutdown import ShutdownSignal


class Progress:
    """Whether a consumer gets on: it polls, or its batch is younger than it may be, or has just waited on purpose.

    Attributes:
        assigned: it has partitions.
        regrouping: it waits until its group has shared the partitions anew.
    """

    def __init__(self, longest_batch_s: float, shutdown: ShutdownSignal) -> None:
        self._longest_batch_s = longest_batch_s
        self._shutdown = shutdown
        self._polled = monotonic()
        self._batch_began: float | None = None
        self.assigned = False
        self.regrouping = False

    def polled(self) -> None:
        """The consumer has come back from a poll."""
        self._polled = monotonic()

    def batch(self, began: bool) -> None:
        """A batch has begun, or ended."""
        self._batch_began = monotonic() if began else None
        self._polled = monotonic()

    @property
    def stuck_for(self) -> float:
        """Seconds by which the consumer is later than it may be; 0 when it gets on."""
        now = monotonic()
        if self._batch_began is not None:
            return max(0.0, now - max(self._batch_began, self._shutdown.waited_at) - self._longest_batch_s)
        return 0.0 if self.regrouping else max(0.0, now - self._polled - 30)
