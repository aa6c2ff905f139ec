"""How far counts are from the truth, over scenes or zones of one class."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.90
"""Probability of the intervals that the product gives."""


@dataclass(frozen=True)
class CountErrors:
    """Errors of counts. None stands for what is not defined (a share of nothing, no interval).

    Attributes:
        counts: how many counts were compared.
        true_total, counted_total: sums over them.
        mae: mean absolute error.
        rmse: root of the mean squared error.
        bias: mean of counted minus true; positive is too many.
        wape: sum of absolute errors over the sum of the truth.
        relative_total_error: (counted total - true total) / true total, in which errors cancel.
        r2: share of the truth's variance explained, 1 - SSE / SST.
        level: probability of the intervals.
        intervals: how many counts had one.
        coverage: share of those intervals that held the truth, limits included.
        interval_score: mean of width + 2 / (1 - level) * distance by which the truth lies outside (Gneiting and
            Raftery 2007, eq. 43); smaller is better.
    """

    counts: int
    true_total: float
    counted_total: float
    mae: float | None
    rmse: float | None
    bias: float | None
    wape: float | None
    relative_total_error: float | None
    r2: float | None
    level: float
    intervals: int
    coverage: float | None
    interval_score: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def count_errors(
    true: ArrayLike,
    counted: ArrayLike,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    *,
    level: float = LEVEL,
) -> CountErrors:
    """Compare counts with the truth.

    Args:
        true: (N,) true numbers.
        counted: (N,) what was counted or estimated.
        low: (N,) lower limits of the intervals, NaN where a count has none; None if no count has one.
        high: (N,) their upper limits, likewise.
        level: probability of the intervals.

    Raises:
        ValueError: lengths differ, or an interval has its limits the wrong way round.
    """
    y, estimate = _column(true), _column(counted)
    limits = [np.full(len(y), np.nan) if limit is None else _column(limit) for limit in (low, high)]
    lengths = [len(column) for column in (y, estimate, *limits)]
    if len(set(lengths)) > 1:
        raise ValueError(f"true, counted, low, high of lengths {lengths}: expected the same")
    error = estimate - y
    total, n = float(y.sum()), len(y)
    spread = float(((y - y.mean()) ** 2).sum()) if n else 0.0
    intervals, coverage, score = _intervals(y, limits[0], limits[1], level)
    return CountErrors(
        counts=n,
        true_total=total,
        counted_total=float(estimate.sum()),
        mae=float(np.abs(error).mean()) if n else None,
        rmse=float(np.sqrt((error**2).mean())) if n else None,
        bias=float(error.mean()) if n else None,
        wape=float(np.abs(error).sum() / total) if total else None,
        relative_total_error=float(error.sum() / total) if total else None,
        r2=1.0 - float((error**2).sum()) / spread if spread else None,
        level=level,
        intervals=intervals,
        coverage=coverage,
        interval_score=score,
    )


def _intervals(
    y: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], level: float
) -> tuple[int, float | None, float | None]:
    """How many there are, their coverage and their score."""
    there = ~(np.isnan(low) | np.isnan(high))
    if not there.any():
        return 0, None, None
    y, low, high = y[there], low[there], high[there]
    if (low > high).any():
        k = int(np.flatnonzero(low > high)[0])
        raise ValueError(f"an interval from {low[k]:g} to {high[k]:g}: expected low <= high")
    beyond = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    score = high - low + 2.0 / (1.0 - level) * beyond
    return len(y), float((beyond == 0.0).mean()), float(score.mean())


def _column(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(-1)
