"""What places have of their own: how far counts at a place lie from what a calibration of all others says of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from apronwatch.calibration import ClassCalibration, PlaceSpread
from apronwatch.intervals import objects_pmf
from apronwatch_training.calibrate.samples import Sample

PLACE_DEVIATION = 0.07
"""Held to be the standard deviation of the logarithm before any place is looked at: as if recall and precision each
varied by 0.05 from place to place. An assumption, so that few places are not taken for proof that places are alike."""

PRIOR_PLACES = 3
"""How many places that assumption counts for."""

_LEAST = 1e-9
"""Variance that anything has at least: no estimate is certain."""


def place_spread(sample: Sample, fit: Callable[[Sample], ClassCalibration]) -> PlaceSpread:
    """Leave each place out in turn and see how far the scenes there lie from what the others say.

    Args:
        sample: of one class.
        fit: its calibration without any spread of places.
    """
    ratios, variances, left_out = [], [], 0
    places = sorted(set(sample.scene_places))
    for place in places if len(places) > 1 else []:
        here = np.array([other == place for other in sample.scene_places])
        rest = sample.of_scenes(~here)
        if not len(rest.scores) or (fitted := fit(rest)).recall.refusal:
            continue
        left_out += 1
        for scene in np.flatnonzero(here):
            told = sample.scene_of == scene
            pmf = objects_pmf(sample.scores[told], sample.detected_px[told], fitted)
            numbers = np.arange(len(pmf))
            mean = float(pmf @ numbers) + 0.5
            labelled = int((sample.object_scene_of == scene).sum()) + 0.5
            ratios.append(np.log(labelled / mean))
            variances.append(float(pmf @ (numbers + 0.5 - mean) ** 2) / mean**2)
    weight = max(0, left_out - 1)
    between = between_variance(ratios, variances) if ratios else 0.0
    variance = (between * weight + PLACE_DEVIATION**2 * PRIOR_PLACES) / (weight + PRIOR_PLACES)
    return PlaceSpread(float(np.sqrt(variance)), float(weight + PRIOR_PLACES), left_out)


def between_variance(deviations: ArrayLike, variances: ArrayLike) -> float:
    """Variance between units whose deviations from 0 have these variances (N,) besides, at least 0.

    Paule and Mandel 1982 (doi:10.6028/jres.087.022), the mean being known: that at which the squares of the
    deviations, each over its whole variance, add up to their number.
    """
    squares: NDArray[np.float64] = np.asarray(deviations, dtype=np.float64) ** 2
    own = np.maximum(np.asarray(variances, dtype=np.float64), _LEAST)

    def surplus(between: float) -> float:
        return float((squares / (own + between)).sum()) - len(squares)

    if surplus(0.0) <= 0:
        return 0.0
    return float(brentq(surplus, 0.0, float(squares.sum())))
