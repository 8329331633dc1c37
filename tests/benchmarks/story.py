"""Whether the lifecycle events tell of every job exactly once and completely. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from medkg_contracts.kinds import Kind

#: What an event says: the job, what happened, and to which stage (None for the job itself).
Told = tuple[str, str, str | None]


def expected(jobs: Iterable[str], stages: Sequence[str]) -> set[Told]:
    """All that is told of these jobs when each passes all stages."""
    per_job = [
        (Kind.JOB_ACCEPTED.type, None),
        *((kind.type, stage) for stage in stages for kind in (Kind.STAGE_STARTED, Kind.STAGE_COMPLETED)),
        (Kind.JOB_COMPLETED.type, None),
    ]
    return {(job, kind, node) for job in jobs for kind, node in per_job}


def faults(told: Iterable[Told], wanted: Collection[Told]) -> list[str]:
    """What is missing, there too often or not expected, one line each; none when the story is exact."""
    counts = Counter(told)
    missing = [f"missing: {each}" for each in wanted if each not in counts]
    strange = [f"{count} x, expected {int(each in wanted)}: {each}" for each, count in counts.items() if count > 1]
    strange += [f"not expected: {each}" for each, count in counts.items() if count == 1 and each not in wanted]
    return [*missing, *strange]
