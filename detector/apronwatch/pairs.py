"""Is a new look unlike the looks before it? Exact tests for short histories, and for stands seen on both dates."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, betabinom, binom

from apronwatch.overdispersion import concentration


@dataclass(frozen=True)
class PairTest:
    """A new count against earlier ones.

    Attributes:
        p: two-sided mid-p.
        p_lower: mid-p of as few or fewer in the new look.
        expected: in the new look, at the rate of the earlier ones.
        ratio: rate of the new look over that of the earlier ones; infinite if nothing was there before.
        ratio_low: limits of its Clopper-Pearson interval; the upper one is infinite if nothing was there before.
        ratio_high: see `ratio_low`.
        level: of that interval.
    """

    p: float
    p_lower: float
    expected: float
    ratio: float
    ratio_low: float
    ratio_high: float
    level: float = 0.95


def pair_test(
    new: int,
    new_exposure: float,
    before: int,
    before_exposure: float,
    *,
    dispersion: float = 1.0,
    level: float = 0.95,
) -> PairTest:
    """The conditional test of two Poisson counts: new | total ~ Bin(total, share of the exposure).

    With over-dispersed counts it is beta-binomial, and the interval that of counts divided by the dispersion.
    Mid-p nearly spends its level: of 0.01, 0.0096 at a mean of 20 a look and 0.0042 at 2, against five looks.

    Args:
        new: count of the new look.
        new_exposure: its exposure, above 0.
        before: sum of the earlier counts.
        before_exposure: sum of their exposures, above 0.
        dispersion: variance of counts over Poisson's.
        level: of the interval of the ratio.
    """
    if min(new_exposure, before_exposure) <= 0 or min(new, before) < 0:
        raise ValueError(f"counts {new}, {before} with exposures {new_exposure}, {before_exposure}")
    total, share = new + before, new_exposure / (new_exposure + before_exposure)
    law = binom(total, share)
    if dispersion > 1:
        strength = float(concentration(total, np.array(dispersion)))
        law = betabinom(total, strength * share, strength * (1 - share))
    half = float(law.pmf(new)) / 2
    lower, upper = float(law.cdf(new)) - half, float(law.sf(new)) + half
    odds = before_exposure / new_exposure
    low, high = _clopper_pearson(new / dispersion, before / dispersion, level)
    return PairTest(
        p=min(1.0, 2 * min(lower, upper)),
        p_lower=lower,
        expected=before / odds,
        ratio=new / before * odds if before else (float("inf") if new else float("nan")),
        ratio_low=low / (1 - low) * odds,
        ratio_high=high / (1 - high) * odds if high < 1 else float("inf"),
        level=level,
    )


@dataclass(frozen=True)
class StandTest:
    """Stands seen on both dates: p of McNemar's exact test, and its mid-p.

    Attributes:
        left: stands that became empty.
        arrived: stands that became occupied.
        p: two-sided, exact.
        p_mid: two-sided mid-p.
    """

    left: int
    arrived: int
    p: float
    p_mid: float


def stand_test(left: int, arrived: int) -> StandTest:
    """Whether more stands were left than taken, or the reverse: given both, left ~ Bin(left + arrived, 1/2)."""
    law = binom(left + arrived, 0.5)
    least = min(left, arrived)
    tail = float(law.cdf(least))
    return StandTest(left, arrived, min(1.0, 2 * tail), min(1.0, 2 * tail - float(law.pmf(least))))


def _clopper_pearson(successes: float, failures: float, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, successes, failures + 1)) if successes > 0 else 0.0
    high = float(beta.isf(tail, successes + 1, failures)) if failures > 0 else 1.0
    return low, high
