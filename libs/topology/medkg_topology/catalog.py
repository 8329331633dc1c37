"""The topologies of a folder, which may change while jobs run: the last good version of each is kept."""

from pathlib import Path
from threading import Lock

from medkg_contracts.errors import TopologyUnknown

from .admission import Admission
from .changes import Change, Loaded, Refused, Removed
from .plan import Plan
from .problems import Problem, in_line_order, listed, refusal, suggestion
from .snapshot import Snapshot, read_snapshot


class Catalog:
    """The topologies of a folder. It is read when the catalog is made; `reload` reads it again.

    Attributes:
        folder: it has ``policies.yaml``, ``pipelines/*.yaml`` and, if anybody wants it, ``admission.yaml``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._snapshot = read_snapshot(folder, Snapshot())

    @property
    def plans(self) -> dict[str, Plan]:
        """The plan that new jobs take, by topology name."""
        return {name: held.plan for name, held in self._snapshot.held.items() if held.plan}

    @property
    def sources(self) -> dict[str, str]:
        """The topology that takes a source's jobs, by source."""
        snapshot = self._snapshot
        return {source: name for source, name in snapshot.claims.items() if snapshot.held[name].plan}

    @property
    def rollouts(self) -> dict[str, int]:
        """The percentage of new jobs that take the plan of `plans`, by topology name; the others give it to all."""
        return {name: held.rollout for name, held in self._snapshot.held.items() if held.plan and held.rollout}

    @property
    def admission(self) -> Admission:
        """How much work is let into the stages' queues; the defaults when no file says anything."""
        return self._snapshot.admission or Admission()

    def status(self) -> tuple[Loaded | Refused, ...]:
        """How every file stands now, the policies and the admission settings first."""
        return tuple(self._snapshot.status(self.folder).values())

    def reload(self) -> tuple[Change, ...]:
        """Reads the folder again.

        Returns:
            What is different from before. A file that is still refused for the same reasons is not.
        """
        with self._lock:
            before = self._snapshot
            after = self._snapshot = read_snapshot(self.folder, before)
        old, new = before.status(self.folder), after.status(self.folder)
        changed = (status for file, status in new.items() if old.get(file) != status)
        gone = (Removed(status.file, status.name) for file, status in old.items() if file not in new)
        return (*changed, *gone)

    def resolve(self, name: str | None, source: str) -> Plan:
        """The plan for a new job: by the topology's name, or by the job's source when it names none.

        Raises:
            TopologyUnknown: there is no such topology, or none that takes the source.
            TopologyInvalid: its file was refused and there is no good version of it, or several
                topologies claim the source.
        """
        snapshot = self._snapshot
        name = _claimant(snapshot, source) if name is None else name
        held = snapshot.held.get(name)
        if held is None:
            known = sorted(snapshot.held)
            raise TopologyUnknown(f"there is no topology '{name}'{suggestion(name, known)}; there are: {listed(known)}")
        if held.plan is None:
            raise refusal(held.problems)
        return held.plan


def lint(folder: Path) -> tuple[Problem, ...]:
    """All that is wrong in a folder of topologies, in order of file and line."""
    refused = (status for status in Catalog(folder).status() if isinstance(status, Refused))
    return in_line_order(problem for status in refused for problem in status.problems)


def _claimant(snapshot: Snapshot, source: str) -> str:
    if source in snapshot.disputes:
        raise refusal(snapshot.disputes[source])
    if source not in snapshot.claims:
        known = sorted(snapshot.claims)
        raise TopologyUnknown(
            f"no topology takes the source '{source}'{suggestion(source, known)}; taken are: {listed(known)}"
        )
    return snapshot.claims[source]
