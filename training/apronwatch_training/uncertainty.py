"""How sure measured figures are: intervals of shares, and of figures over scenes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

LEVEL = 0.90
"""Probability of the intervals, as of those that counts carry."""

DRAWS = 2000
SEED = 20260101


def wilson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float] | None:
    """Wilson's score interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953); None of no trials."""
    if trials == 0:
        return None
    found: Any = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def count_error_intervals(
    labelled: ArrayLike, counted: ArrayLike, level: float = LEVEL
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Percentile bootstrap over scenes of the WAPE and of the relative error of the total, with a fixed seed.

    Scenes of one place resemble each other, so with few places the truth is wider.

    Args:
        labelled: (N,) objects per scene.
        counted: (N,) counts of the same scenes.
        level: probability of each interval.

    Returns:
        The two intervals; None with fewer than two scenes or no object.
    """
    y, error = np.asarray(labelled, dtype=np.float64), np.asarray(counted, dtype=np.float64)
    error = error - y
    if len(y) < 2 or y.sum() == 0:
        return None
    drawn = np.random.default_rng(SEED).integers(0, len(y), (DRAWS, len(y)))
    total = y[drawn].sum(axis=1)
    some = total > 0
    wape = np.abs(error)[drawn].sum(axis=1)[some] / total[some]
    bias = error[drawn].sum(axis=1)[some] / total[some]
    return _middle(wape.tolist(), level), _middle(bias.tolist(), level)


def _middle(values: Sequence[float], level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
