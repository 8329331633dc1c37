"""What a folder of topologies holds at a moment, and how that follows from the moment before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from medkg_contracts.policy import Policy

from .admission import Admission, compile_admission
from .changes import Loaded, Refused
from .compile import Compiled, compile_topology
from .plan import Plan, StageNode
from .policies import CompiledPolicies, compile_policies
from .problems import Problem, listed
from .source import MAX_BYTES, Source, read_source

POLICIES_FILE = "policies.yaml"
ADMISSION_FILE = "admission.yaml"
PIPELINES_FOLDER = "pipelines"


@dataclass(frozen=True, slots=True)
class Held:
    """One topology file: its last good version, and what is wrong with it now.

    Attributes:
        source: the file as it was read last.
        plan: the last good version; None when there never was one.
        sources: the sources that this version takes; of a file without one, those that can be read.
        problems: what is wrong with the file.
        rollout: percentage of new jobs that take this version; None when all do.
    """

    source: Source
    plan: Plan | None
    sources: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    rollout: int | None = None

    def status(self, name: str) -> Loaded | Refused:
        """How the file stands."""
        digest = self.plan.digest if self.plan else None
        return _status(self.source.file, name, digest, self.problems, self.rollout)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a catalog knows; replaced as a whole, so that a reader in another thread sees one moment.

    Attributes:
        policies: the last good ones; None when there never were any.
        admission: the last good settings; None when there is no file, or never was a good one.
        faults: what is wrong now with the files beside the topologies and with the folder, by file.
        held: by topology name.
        claims: which topology takes the jobs of each source.
        disputes: sources that several topologies claim, none of which had them before.
    """

    policies: Mapping[str, Policy] | None = None
    admission: Admission | None = None
    faults: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    disputes: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    def status(self, folder: Path) -> dict[str, Loaded | Refused]:
        """How every file stands, by file; the policies and the admission settings first."""
        policies, admission = ((folder / name).as_posix() for name in (POLICIES_FILE, ADMISSION_FILE))
        digest = None if self.policies is None else _digest(_plain(self.policies))
        statuses = {policies: _status(policies, "policies", digest, self.faults.get(policies, ()))}
        if self.admission is not None or admission in self.faults:
            digest = None if self.admission is None else _digest(self.admission)
            statuses[admission] = _status(admission, "admission", digest, self.faults.get(admission, ()))
        for file, problems in self.faults.items():
            if file not in statuses:
                statuses[file] = Refused(file, PIPELINES_FOLDER, problems)
        return statuses | {held.source.file: held.status(name) for name, held in self.held.items()}


def read_snapshot(folder: Path, before: Snapshot) -> Snapshot:
    """What the folder holds now, with the last good versions of what is broken from before."""
    file = (folder / POLICIES_FILE).as_posix()
    found = load_policies(folder / POLICIES_FILE)
    policies = before.policies if found.problems else found.policies
    faults = {file: found.problems} if found.problems else {}
    pipelines = folder / PIPELINES_FOLDER
    try:
        paths = sorted(path for path in pipelines.iterdir() if _is_meant(path))
    except OSError as error:
        # An unmounted folder is a fault; taking it for "all topologies were deleted" would stop every new job.
        return replace(before, policies=policies, faults=faults | {pipelines.as_posix(): (_unread(pipelines, error),)})
    held: dict[str, Held] = {}
    for path in paths:
        source = source_of(path)
        compiled = Compiled(None, (), found.problems) if policies is None else compile_topology(source, policies)
        name = path.stem if path.suffix == ".yaml" else path.name
        held[name] = _kept(source, compiled, before.held.get(name))
    claimed = _claimed(Snapshot(policies, before.admission, faults, held), before.claims)
    return _admitting(claimed, folder / ADMISSION_FILE)


def load_policies(path: Path) -> CompiledPolicies:
    """The policies of a file on disk."""
    return compile_policies(source_of(path))


def load_topology(path: Path, policies: Mapping[str, Policy]) -> Compiled:
    """The plan of a file on disk."""
    return compile_topology(source_of(path), policies)


def source_of(path: Path) -> Source:
    """A file on disk; that it cannot be read stands in its problems."""
    file = path.as_posix()
    if path.suffix == ".yml":
        remedy = f"Rename it to {path.stem}.yaml."
        return Source(file, problems=(Problem(file, 1, "file", "its name must end in .yaml", remedy),))
    try:
        with path.open("rb") as stream:
            return read_source(file, stream.read(MAX_BYTES + 1))
    except OSError as error:
        return Source(file, problems=(_unread(path, error),))


def _is_meant(path: Path) -> bool:
    """Whether the file is a topology; editors put their own files beside it, beginning with a dot."""
    return path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")


def _unread(path: Path, error: OSError) -> Problem:
    return Problem(
        path.as_posix(), 1, "file", f"cannot be read: {error.strerror}", "Put it there, or make it readable."
    )


def _kept(source: Source, compiled: Compiled, before: Held | None) -> Held:
    if compiled.plan is None and before is not None and before.plan is not None:
        return Held(source, before.plan, before.sources, compiled.problems, before.rollout)
    return Held(source, compiled.plan, compiled.sources, compiled.problems, compiled.rollout)


def _admitting(snapshot: Snapshot, path: Path) -> Snapshot:
    """The snapshot with the admission settings of now, or with those that it has where the file is broken."""
    if not path.exists():
        return replace(snapshot, admission=None)
    found = compile_admission(source_of(path), _services(snapshot.held))
    if found.admission is None:
        return replace(snapshot, faults={**snapshot.faults, path.as_posix(): found.problems})
    return replace(snapshot, admission=found.admission)


def _services(held: Mapping[str, Held]) -> frozenset[str] | None:
    """The stage services that the topologies use; None when a topology cannot be read."""
    plans = [file.plan for file in held.values()]
    if None in plans:
        return None
    return frozenset(node.service for plan in plans if plan for node in plan.nodes if isinstance(node, StageNode))


def _claimed(snapshot: Snapshot, before: Mapping[str, str]) -> Snapshot:
    """The snapshot with its claims: a source that several claim stays with the one that had it."""
    claims: dict[str, str] = {}
    disputes: dict[str, tuple[Problem, ...]] = {}
    added: dict[str, tuple[Problem, ...]] = {}
    for source, names in _claimants(snapshot.held).items():
        holder = names[0] if len(names) == 1 else before.get(source)
        if holder in names:
            claims[source] = holder
        losers = [name for name in names if name != holder]
        problems = {name: _dispute(source, name, names, snapshot.held) for name in losers}
        if holder not in names:
            disputes[source] = tuple(problems.values())
        for name, problem in problems.items():
            added[name] = (*added.get(name, ()), problem)
    held = {
        name: replace(file, problems=(*file.problems, *added.get(name, ()))) for name, file in snapshot.held.items()
    }
    return replace(snapshot, held=held, claims=claims, disputes=disputes)


def _claimants(held: Mapping[str, Held]) -> dict[str, list[str]]:
    """Who claims each source: those that have a good version or, when none has, the broken ones."""
    claimants: dict[str, list[str]] = {}
    for good in (True, False):
        known = set(claimants)
        for name, file in held.items():
            for source in dict.fromkeys(file.sources):
                if (file.plan is not None) == good and source not in known:
                    claimants.setdefault(source, []).append(name)
    return claimants


def _dispute(source: str, name: str, names: list[str], held: Mapping[str, Held]) -> Problem:
    others = [
        f"'{other}' ({held[other].source.file}:{held[other].source.line(_claim(held[other].source, source))})"
        for other in names
        if other != name
    ]
    file = held[name].source
    message = f"the source '{source}' is also claimed by {listed(others)}"
    return file.problem(_claim(file, source), message, "Leave the source in one topology alone.")


def _claim(file: Source, source: str) -> tuple[str | int, ...]:
    """The place of a claim; that of the whole list when the file has changed meanwhile."""
    names = file.data.get("applicable_sources") if isinstance(file.data, dict) else None
    if isinstance(names, list) and source in names:
        return ("applicable_sources", names.index(source))
    return ("applicable_sources",)


def _status(
    file: str, name: str, digest: str | None, problems: tuple[Problem, ...], rollout: int | None = None
) -> Loaded | Refused:
    if digest is None or problems:
        return Refused(file, name, problems, digest)
    return Loaded(file, name, digest, rollout)


def _plain(policies: Mapping[str, Policy]) -> dict[str, object]:
    return {name: policy.model_dump(mode="json") for name, policy in policies.items()}


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
