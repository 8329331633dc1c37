"""What the lifecycle events tell of rollouts, so that a rebuilt ledger does not take a new version for a proven one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import JobAccepted, RolloutReverted
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_ledger import JobState, JobStatus, RolloutState
from medkg_ledger.store import Ledger


@dataclass(slots=True)
class RolloutHistory:
    """The rollouts of the topologies as their files are now.

    Attributes:
        percents: of the topologies that have a rollout.
        newest: the digest of the version that each of them rolls out.
    """

    percents: Mapping[str, int]
    newest: Mapping[str, str]
    _accepted: dict[str, tuple[int, str]] = field(default_factory=dict)
    _reverted: dict[str, RolloutReverted] = field(default_factory=dict)

    def hear(self, event: CloudEvent, timestamp: int) -> None:
        """Take note of an event, which was written at this time, milliseconds since 1970."""
        match kind_of(event):
            case Kind.JOB_ACCEPTED:
                accepted = read_data(event, JobAccepted)
                if self.newest.get(accepted.pipeline) != accepted.digest:
                    before = self._accepted.get(accepted.pipeline, (0, ""))
                    self._accepted[accepted.pipeline] = max(before, (timestamp, accepted.digest))
            case Kind.ROLLOUT_REVERTED:
                reverted = read_data(event, RolloutReverted)
                self._reverted[reverted.pipeline] = reverted

    def counts(self, state: JobState) -> bool:
        """Whether the job is to count among its version's figures."""
        return state.pipeline_name in self.percents and state.status in (JobStatus.COMPLETED, JobStatus.FAILED)

    def states(self) -> dict[str, RolloutState]:
        """How each rollout stands; none of a topology that never had another version."""
        found: dict[str, RolloutState] = {}
        for name, percent in self.percents.items():
            new, reverted = self.newest[name], self._reverted.get(name)
            if reverted is not None and reverted.new.digest == new:
                found[name] = RolloutState(new=new, old=reverted.old.digest, percent=percent, reverted=reverted.reason)
            elif name in self._accepted:
                found[name] = RolloutState(new=new, old=self._accepted[name][1], percent=percent)
        return found

    async def restore(self, ledger: Ledger) -> None:
        """Let the ledger know the proven versions and the rollouts again.

        Raises:
            LedgerUnavailable: Redis does not answer.
        """
        for name, state in self.states().items():
            await ledger.set_stable(name, state.old)
            await ledger.save_rollout(name, state)
