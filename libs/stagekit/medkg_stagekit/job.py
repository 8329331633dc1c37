"""A unit of work on its way through a stage."""

from collections.abc import Sequence

from medkg_bus.instance import INSTANCE
from medkg_contracts.data import StageDeferred
from medkg_contracts.errors import MedkgError
from medkg_contracts.requests import JobRequest

from .control import CancellationCheck
from .work import Outcome, Work


class Job:
    """A unit of work on its way through the stage.

    Attributes:
        check: knows whether it is still wanted.
        begun: the observer was told that it begins.
        request: its request, once it is loaded.
        bodies: the bytes of the artifacts that the stage is given, once they are loaded.
        run_key: identifies a run of a pure stage.
        made: the bytes of the artifacts that the stage has made.
        kept: its outputs are stored.
    """

    def __init__(self, work: Work, check: CancellationCheck) -> None:
        self.work = work
        self.check = check
        self.begun = False
        self.request: JobRequest | None = None
        self.bodies: dict[str, bytes] | None = None
        self.run_key: str | None = None
        self.made: dict[str, bytes] = {}
        self.kept = False
        self.outcome = Outcome(work)

    @property
    def error(self) -> MedkgError | None:
        """Why the last attempt failed."""
        return self.outcome.error

    @property
    def attempt(self) -> int:
        """The number of the last attempt, from 1, over all epochs."""
        return self.outcome.attempt

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be done for it here."""
        outcome = self.outcome
        if outcome.dropped or outcome.deferral is not None or self.kept or outcome.skipped:
            return True
        return self.error is not None and not self._may_be_tried_again

    def put_off(self, wait_s: float) -> None:
        """Leave the next attempt to the router: it is too far away to be waited for here."""
        if self.error is not None:
            self.outcome.deferral = StageDeferred(
                error=self.error.info, wait_s=wait_s, tried=self.attempt, worker=INSTANCE
            )

    @property
    def _may_be_tried_again(self) -> bool:
        return self.error is not None and self.error.retryable and self.attempt < self.work.policy.attempts


def to_try_again(jobs: Sequence[Job]) -> list[Job]:
    """Those that failed and have another attempt."""
    return [job for job in jobs if job.error is not None and not job.ended]
