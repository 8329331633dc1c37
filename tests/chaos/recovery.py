"""When the product has recovered, and what it did while no job completed. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

#: A longer time without a completed job is a pause, in seconds. A product at work is never silent for so long.
PAUSE_S = 3.0

#: A silence of so many seconds is worth telling of, though it is no pause.
SILENCE_S = 2.0


@dataclass(frozen=True)
class Told:
    """Something that an event told: when it was read, by which service, and of what kind."""

    at: float
    service: str
    kind: str


def time_to_recover(since: float, completions: Iterable[float], pause_s: float = PAUSE_S) -> float | None:
    """Seconds from the fault until completed jobs flow again and flow on.

    They flow again with the first job that completes after the last pause; a pause is a time of more than `pause_s`
    in which no job completes, and the time from the fault to the first completion is always one. So jobs that were
    half way through when the fault struck, and whose completion hides that nothing follows them, do not count as
    recovery, and a second stall counts as one.

    Args:
        since: the moment of the fault, or of its end where it lasts.
        completions: when jobs completed, all of which had been asked for before they could show a stall as idleness.
        pause_s: how long a pause is at least.

    Returns:
        None when no job completed after the fault.
    """
    after = sorted(moment for moment in completions if moment >= since)
    if not after:
        return None
    resumed = [later for earlier, later in pairwise(after) if later - earlier > pause_s]
    return max(resumed, default=after[0]) - since


def silences(since: float, completions: Iterable[float], told: Iterable[Told], least_s: float = SILENCE_S) -> list[str]:
    """What the services said in each time in which no job completed, in words: why a recovery took as long as it did.

    Args:
        since: the moment of the fault, or of its end where it lasts.
        completions: when jobs completed.
        told: all events.
        least_s: shorter silences are left out.
    """
    moments = [since, *sorted(moment for moment in completions if moment >= since)]
    heard = list(told)
    return [
        f"{began - since:.1f} to {ended - since:.1f} s: {_said(each for each in heard if began < each.at < ended)}"
        for began, ended in pairwise(moments)
        if ended - began > least_s
    ]


def _said(told: Iterable[Told]) -> str:
    counts = Counter((each.service, each.kind) for each in told)
    return ", ".join(f"{count} {service} {kind}" for (service, kind), count in sorted(counts.items())) or "nothing"
