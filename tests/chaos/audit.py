"""Whether what is there after a fault is exactly what should be. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageResult
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_ledger import JobState, JobStatus
from medkg_ledger.state import PASSED

#: Kinds that a job has exactly one event of.
ONCE = (Kind.JOB_ACCEPTED, Kind.JOB_COMPLETED)

Execution = tuple[str, str, int]


@dataclass(frozen=True)
class Holdings:
    """What a tenant should have somewhere, and what it has there.

    Attributes:
        what: the things' name, with their place.
        allowed: what may be there too: the work of cancelled jobs.
    """

    what: str
    expected: frozenset[str]
    found: Sequence[str]
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """All that is to be seen of some jobs after they have ended.

    Attributes:
        submitted: the jobs that were asked for.
        withdrawn: those of them that somebody cancelled.
        states: the ledger's records of all jobs of their tenants.
        events: the lifecycle events of those jobs, repeated ones included.
        holdings: index and artifact store.
        letters: the keys of dead letters that came meanwhile.
        undone: which records nobody has dealt with.
    """

    submitted: frozenset[str]
    states: Mapping[str, JobState]
    events: Sequence[CloudEvent]
    holdings: Sequence[Holdings]
    letters: Sequence[str]
    undone: Sequence[str] = ()
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Findings:
    """What is wrong, a sentence each; see `table.Row`."""

    lost: Sequence[str]
    duplicated: Sequence[str]
    unseen: Sequence[str]


def audit(evidence: Evidence) -> Findings:
    """Compare what is there with what should be."""
    return Findings(
        lost=[*_lost_jobs(evidence), *evidence.undone, *_missing(evidence.holdings)],
        duplicated=[*_extra_jobs(evidence), *_repeated(evidence), *_extra(evidence.holdings)],
        unseen=list(_untold(evidence)),
    )


def _lost_jobs(evidence: Evidence) -> Iterator[str]:
    for job in sorted(evidence.submitted):
        state = evidence.states.get(job)
        if state is None:
            yield f"{job} is not in the ledger"
        elif state.status is JobStatus.CANCELLED and job in evidence.withdrawn:
            continue
        elif state.status is not JobStatus.COMPLETED:
            why = f": {state.failed_stage}: {state.error.message}" if state.error else f" at {state.current_stage}"
            yield f"{job} is {state.status}{why}"
    if evidence.withdrawn and not any(state.status is JobStatus.CANCELLED for state in evidence.states.values()):
        yield f"none of {len(evidence.withdrawn)} cancelled jobs was"
    yield from (f"{job} has a dead letter" for job in sorted(set(evidence.letters)))


def _missing(holdings: Iterable[Holdings]) -> Iterator[str]:
    for each in holdings:
        yield from (f"{each.what}: {name} is missing" for name in sorted(each.expected - set(each.found)))


def _extra(holdings: Iterable[Holdings]) -> Iterator[str]:
    for each in holdings:
        yield from (
            f"{each.what}: {name} should not be" for name in sorted(set(each.found) - each.expected - each.allowed)
        )
        yield from (f"{each.what}: {name} is there {n} times" for name, n in Counter(each.found).items() if n > 1)


def _extra_jobs(evidence: Evidence) -> Iterator[str]:
    yield from (f"{job} is in the ledger, unasked" for job in sorted(evidence.states.keys() - evidence.submitted))


def _repeated(evidence: Evidence) -> Iterator[str]:
    """A repeated execution is no second effect: it has the same event id, and made the same artifacts."""
    for (job, kind), ids in sorted(_ids(evidence.events, ONCE).items()):
        if len(ids) > 1:
            yield f"{job} has {len(ids)} events {kind}"
    for (job, stage, epoch), results in sorted(_results(evidence.events).items()):
        if len(results) > 1:
            yield f"{job} {stage}, epoch {epoch}: took effect {len(results)} times: {sorted(results)}"
        state = evidence.states.get(job)
        if state is not None and state.node(stage).epoch != epoch:
            yield f"{job} {stage}: completed in epoch {epoch}, the ledger has {state.node(stage).epoch}"


def _untold(evidence: Evidence) -> Iterator[str]:
    told = {(execution, kind_of(event)) for event in evidence.events if (execution := _execution(event)) is not None}
    known = _ids(evidence.events, ONCE)
    for job, state in sorted(evidence.states.items()):
        if state.status is JobStatus.COMPLETED:
            yield from (f"{job}: no {kind}" for kind in ONCE if (job, kind) not in known)
        for name, node in state.nodes.items():
            if node.status in PASSED:
                for kind in (Kind.STAGE_STARTED, Kind.STAGE_COMPLETED):
                    if ((job, name, node.epoch), kind) not in told:
                        yield f"{job} {name}, epoch {node.epoch}: no {kind}"


def _ids(events: Iterable[CloudEvent], kinds: Sequence[Kind]) -> dict[tuple[str, Kind], set[str]]:
    ids: dict[tuple[str, Kind], set[str]] = defaultdict(set)
    for event in events:
        kind = kind_of(event)
        if kind in kinds:
            ids[event.extensions["jobid"], kind].add(event.id)
    return ids


def _results(events: Iterable[CloudEvent]) -> dict[Execution, set[tuple[str, ...]]]:
    """The distinct results of each execution: their event ids with the digests of what was made."""
    results: dict[Execution, set[tuple[str, ...]]] = defaultdict(set)
    for event in events:
        execution = _execution(event)
        if kind_of(event) is Kind.STAGE_COMPLETED and execution is not None:
            artifacts = read_data(event, StageResult).artifacts
            results[execution].add((event.id, *sorted(ref.sha256 for ref in artifacts.values())))
    return results


def _execution(event: CloudEvent) -> Execution | None:
    extensions = event.extensions
    if "stage" not in extensions or "epoch" not in extensions:
        return None
    return extensions["jobid"], extensions["stage"], int(extensions["epoch"])
