"""Batches of inputs of like length, bounded by tokens: what a batch costs is its longest input, times their number."""

from collections.abc import Sequence


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Which inputs go together, by position: the longest first, so that no long one is left over at the end.

    Args:
        lengths: tokens of each input.
        budget: a batch's inputs, all padded to the longest, have at most so many tokens; one that is longer than the
            budget goes alone.
    """
    batches: list[list[int]] = []
    longest = 0
    for position in sorted(range(len(lengths)), key=lambda each: (-lengths[each], each)):
        if batches and (len(batches[-1]) + 1) * longest <= budget:
            batches[-1].append(position)
        else:
            batches.append([position])
            longest = max(lengths[position], 1)
    return batches
