"""How many objects stand behind the detections of a zone: an estimate and an interval, or the reason for none.

True detections ~ Poisson-binomial of calibrated scores, widened by the measured dispersion and by the error of the
calibration curve; missed objects by the measured recall and its error; the part of the zone that was not seen by its
area and by how evenly objects stand; what a place has of its own by a factor. The estimate is the posterior median
under a uniform prior on the number of objects.

The limits are the quantiles of two posteriors: the upper one of the uniform prior, the lower one of the prior
1/N. With known recall these are the exact limits of Clopper and Pearson for a thinned count: a uniform prior
alone puts the lower limit too high (it always expects one more object than was seen). And where next to nothing
stands, more of the detections are clutter than at the places of the calibration: the lower limit is the lesser of that
by their mix, and of that by a mix which the scores themselves tell of (`posterior.remixed`).
"""

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch.calibration import ClassCalibration, Refusal
from apronwatch.posterior import (
    MIX_SURE,
    Pmf,
    add_missed,
    add_unseen,
    convolve,
    correlated,
    poisson_binomial,
    quantile,
    remixed,
    scaled,
)

LEVEL = 0.90
MOST_LEVEL = 0.98
"""Beyond it the tails of what places have of their own are not told finely enough (`PlaceSpread.factors`)."""
SCALED_FROM = 0.5
"""Least share of a zone that must be seen to say how much the rest holds."""
WHOLE_FROM = 0.999
"""From this share on nothing is added for the rest, as for the status `complete`."""

_ROUNDING = 1e-9
"""Of a share that is summed up: half is not more than half."""

_CELLS = 1 << 21
"""Numbers of rows that are worked on at a time."""

SEEN_LESS_THAN_HALF = "seen_less_than_half"
SATURATED = "saturated"
SIZES_HARDLY_CALIBRATED = "sizes_hardly_calibrated"
"""Reason, with a share of the objects, of numbers that stand: they rest on objects of other sizes."""

MOST_OUTSIDE = 0.5
"""Share of the objects that may lie outside the lengths that were calibrated: a tenth of the labelled ones do."""
LEAST_EXPECTED = 0.05
"""Where no more objects of the kind that is counted are expected, the limits are those of none, or nearly."""


@dataclass(frozen=True)
class Interval:
    """What was there.

    Attributes:
        estimate: posterior median; None where only a lower limit, or nothing, can be said.
        low, high: limits of the central interval. `low` alone: at least this many, at (1 + level) / 2.
        level: probability of the interval.
        reasons: why something is None, and what numbers that stand lack: `sizes_hardly_calibrated:0.600`, the share of
            the objects whose lengths the calibration hardly saw. Empty when neither is so.
    """

    estimate: int | None
    low: int | None
    high: int | None
    level: float = LEVEL
    reasons: tuple[str, ...] = ()


def interval(
    scores: ArrayLike,
    lengths_px: ArrayLike,
    calibration: ClassCalibration | None,
    observed_fraction: float,
    *,
    threshold: float,
    real_image: bool,
    saturated: bool = False,
    shares: ArrayLike = 1.0,
    level: float = LEVEL,
) -> Interval:
    """The number of objects of one class in one zone.

    Below half of the zone seen, and where a cap cut the boxes of a tile (`saturated`), only the lower limit is
    given: what was found was found, and nothing is known of the rest.

    Where more than half of the objects are of lengths that the calibration hardly saw, a reason says so; the
    numbers stand.

    Args:
        scores: (N,) raw scores of the detections that count: at or above the threshold, centre in the zone.
        lengths_px: (N,) their lengths in pixels of the pass that reports the class.
        calibration: of the class; None if it has none.
        observed_fraction: share of the zone that was seen, above 0.
        threshold: operating score of the run.
        real_image: the scene is a picture of the world, not a drawn one.
        saturated: a cap cut boxes on the zone's ground.
        shares: (N,) probability of each object to be of the kind that is counted (`sizes`).
        level: probability of the interval, up to `MOST_LEVEL`.

    Raises:
        ValueError: nothing of the zone was seen, or the level is none.
    """
    if not 0 < level <= MOST_LEVEL:
        raise ValueError(f"an interval of probability {level}: above 0 and up to {MOST_LEVEL} expected")
    if not 0 < observed_fraction <= 1:
        raise ValueError(
            f"observed fraction {observed_fraction}: a zone that was not seen has no count at all"
        )
    refusals = calibration.refusals(threshold, real_image) if calibration else (Refusal.UNCALIBRATED,)
    if calibration is None or refusals:
        return Interval(None, None, None, level, refusals)
    said = _sizes_said(lengths_px, calibration, calibration.scores.probability(scores) * np.asarray(shares))
    limits = [SATURATED] * saturated + [SEEN_LESS_THAN_HALF] * (observed_fraction < SCALED_FROM)
    fraction = 1.0 if limits or observed_fraction >= WHOLE_FROM else observed_fraction
    rows, of_any_mix = (
        _TrueDetections.of(scores, lengths_px, calibration, shares, sure)
        for sure in (math.inf, _sure_of_mix(np.size(scores), calibration))
    )
    low = min(one.quantiles(fraction, 0.0, (1 - level) / 2)[0] for one in (rows, of_any_mix))
    if limits:
        return Interval(None, low, None, level, (*limits, *said))
    estimate, high = rows.quantiles(fraction, 1.0, 0.5, (1 + level) / 2)
    return Interval(estimate, low, high, level, said)


def _sizes_said(
    lengths_px: ArrayLike, calibration: ClassCalibration, p: NDArray[np.float64]
) -> tuple[str, ...]:
    """That more than `MOST_OUTSIDE` of the objects are of lengths that the calibration hardly saw, if so.

    Of detections that are objects of the kind that is counted with probabilities p (N,).
    """
    expected = float(p.sum())
    outside = (
        float(p @ calibration.recall.outside(lengths_px)) / expected if expected > LEAST_EXPECTED else 0.0
    )
    return (f"{SIZES_HARDLY_CALIBRATED}:{outside:.3f}",) if outside > MOST_OUTSIDE + _ROUNDING else ()


def _sure_of_mix(n: int, calibration: ClassCalibration) -> float:
    """How sure the share of true ones among n detections is, in detections; see `remixed`.

    Clutter comes with the ground and not with the objects: among more detections than a scene of the calibration has on
    the mean the share is as sure as more than these, for there cannot be much more clutter.
    """
    scenes = calibration.dispersion.n_scenes or calibration.scores.n_places
    return max(MIX_SURE, n**2 * scenes / max(1, calibration.scores.n_labels))


def objects_pmf(
    scores: ArrayLike,
    lengths_px: ArrayLike,
    calibration: ClassCalibration,
    fraction: float = 1.0,
    shares: ArrayLike = 1.0,
    prior: float = 1.0,
) -> Pmf:
    """Posterior distribution of the number of objects under a uniform prior (0: under 1/N); see `interval`."""
    objects = _TrueDetections.of(scores, lengths_px, calibration, shares).objects(fraction, prior)
    return scaled(objects, calibration.places.factors())


@dataclass(frozen=True, eq=False)
class _TrueDetections:
    """Distribution of the true detections per size bin, (Q, K+1) each, given Q values of the scene's factor."""

    bins: tuple[Pmf, ...]
    weights: NDArray[np.float64]
    calibration: ClassCalibration

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        lengths_px: ArrayLike,
        calibration: ClassCalibration,
        shares: ArrayLike,
        sure: float = math.inf,
    ) -> "_TrueDetections":
        """Of the detections of a zone; see `interval`, and `remixed` of how sure the share of true ones is."""
        truth = calibration.scores
        p, of_mix = remixed(truth.probability(scores), truth.true_share, sure, shares)
        varies = (
            calibration.dispersion.widened(float(p @ (1 - p))) + truth.sum_variance(scores, shares) + of_mix
        )
        p_given, weights = correlated(p, varies)
        bin_of = calibration.recall.bin_of(lengths_px)
        bins = tuple(poisson_binomial(p_given[:, bin_of == b]) for b in range(len(calibration.recall.found)))
        if len(bins) == 1:  # nothing else depends on the factor
            return cls(((weights @ bins[0])[None],), np.ones(1), calibration)
        return cls(bins, weights, calibration)

    def quantiles(self, fraction: float, prior: float, *levels: float) -> list[int]:
        """Quantiles of `objects` times the factor of the place; worked out no further than they lie."""
        limit = 2 * sum(pmf.shape[-1] for pmf in self.bins) + 64
        factors = self.calibration.places.factors()
        while True:
            objects = self.objects(fraction, prior, limit)
            whole = len(objects) <= limit
            pmf = scaled(objects, factors, whole=whole)
            if whole or pmf.sum() >= max(levels):
                return [quantile(pmf, level) for level in levels]
            limit *= 2

    def objects(self, fraction: float, prior: float, limit: int | None = None) -> Pmf:
        """Distribution of the objects of the zone; the prior weight is parted among size bins as objects are.

        Negative binomials of the parts then add up to that of the whole where all bins have one recall. What was not
        seen is one share of the ground, and comes to all of them together.
        """
        recall = self.calibration.recall
        at_once = max(1, _CELLS // limit) if limit is not None else len(self.weights)
        total = np.zeros(1)
        for start in range(0, len(self.weights), at_once):
            rows = slice(start, start + at_once)
            parts = [
                add_missed(pmf[rows], found, missed, prior * share, limit)
                for pmf, (found, missed), share in zip(
                    self.bins, recall.beta(), recall.prior_shares, strict=True
                )
            ]
            objects = self.weights[rows] @ reduce(lambda one, other: convolve(one, other, limit), parts)
            total, short = (objects, total) if len(objects) > len(total) else (total, objects)
            total[: len(short)] += short
        return add_unseen(total, fraction, prior, limit)
