"""Whether a difference that was seen on some queries says something of others."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

from medkg_contracts.model import Contract

#: Resamplings of the bootstrap and of the randomisation.
RESAMPLES: Final = 9_999
#: Makes the same differences give the same answer.
_SEED: Final = 20_261


class Difference(Contract):
    """A mean difference over queries, each measured both ways.

    Attributes:
        mean: of the differences.
        low: the lower end of its 95 % confidence interval, by paired bootstrap.
        high: its upper end.
        p: how often a difference as large comes of chance alone, by paired randomisation.
        queries: how many were measured.
    """

    mean: float
    low: float
    high: float
    p: float
    queries: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval has no zero in it."""
        return self.low > 0 or self.high < 0


def paired_difference(differences: Sequence[float]) -> Difference:
    """What the differences of at least two queries say.

    Args:
        differences: for each query, the one way's value less the other's.
    """
    import numpy as np  # noqa: PLC0415 - scipy takes seconds to import, and only tuning needs it
    from scipy import stats  # noqa: PLC0415 - likewise

    values = np.asarray(differences, dtype=np.float64)
    interval = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=_SEED
    ).confidence_interval

    def of_means(these: Any, those: Any, axis: int) -> Any:  # noqa: ANN401 - scipy's own arrays
        return np.mean(these - those, axis=axis)

    chance = stats.permutation_test(
        (values, np.zeros_like(values)),
        of_means,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=_SEED,
    )
    return Difference(
        mean=fmean(differences),
        low=float(interval.low),
        high=float(interval.high),
        p=float(chance.pvalue),
        queries=len(differences),
    )
