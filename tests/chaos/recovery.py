"""When the product has recovered. Pure."""

from collections.abc import Iterable
from itertools import pairwise

#: A longer time without a completed job is a pause, in seconds. A product at work is never silent for so long.
PAUSE_S = 3.0


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
