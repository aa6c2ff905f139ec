"""What places have of their own: how far counts at a place lie from what a calibration of all others says of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch.calibration import ClassCalibration, PlaceSpread
from apronwatch.intervals import objects_pmf
from apronwatch_training.calibrate.samples import Sample

PLACE_DEVIATION = 0.07
"""Held to be the standard deviation of the logarithm before any place is looked at: as if recall and precision each
varied by 0.05 from place to place. An assumption, so that few places are not taken for proof that places are alike."""

PRIOR_PLACES = 3
"""How many places that assumption counts for: the degrees of freedom of a scaled inverse chi-squared law."""

_VARIANCES = np.geomspace(1e-5, 100.0, 800)
"""Between places, of the logarithm, over which likelihoods are summed up."""


def place_spread(sample: Sample, fit: Callable[[Sample], ClassCalibration]) -> PlaceSpread:
    """Leave each place out in turn and see how far its objects lie from what the others say.

    All scenes of a place are one observation: they share what it has of its own. Places without object or detection
    are none. Where a place cannot be left out, because the rest is too little to correct a count with, what was
    measured may widen the assumption, not narrow it.

    Args:
        sample: of one class.
        fit: its calibration without any spread of places.
    """
    deviations, variances, whole = [], [], True
    scenes = np.union1d(sample.scene_of, sample.object_scene_of)
    places = sorted({sample.scene_places[scene] for scene in scenes})
    for place in places:
        here = np.array([other == place for other in sample.scene_places])
        rest = sample.of_scenes(~here)
        if not len(rest.scores) or (fitted := fit(rest)).recall.refusal:
            whole = False
            continue
        expected, variance = _expected(sample, np.flatnonzero(here), fitted)
        labelled = int(np.isin(sample.object_scene_of, np.flatnonzero(here)).sum())
        deviations.append(np.log((labelled + 0.5) / (expected + 0.5)))
        variances.append(variance / (expected + 0.5) ** 2)
    found = spread(deviations, variances, len(places))
    assumed = spread([], [], len(places))
    if whole or found.deviation > assumed.deviation:
        return found
    return PlaceSpread(assumed.deviation, assumed.freedom, found.n_places)


def _expected(sample: Sample, scenes: NDArray[np.intp], calibration: ClassCalibration) -> tuple[float, float]:
    """Mean and variance of the number of objects in these scenes together, by the calibration."""
    mean, variance = 0.0, 0.0
    for scene in scenes:
        told = sample.scene_of == scene
        pmf = objects_pmf(sample.scores[told], sample.detected_px[told], calibration)
        numbers = np.arange(len(pmf))
        here = float(pmf @ numbers)
        mean, variance = mean + here, variance + float(pmf @ (numbers - here) ** 2)
    return mean, variance


def spread(deviations: ArrayLike, variances: ArrayLike, places: int) -> PlaceSpread:
    """The spread at a new place, from those of places that were each left out in turn.

    Deviations of the logarithm are normal, with a variance between places that has a scaled inverse chi-squared
    prior (Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, sections 2.6 and 5.4). A place that is left out
    deviates from the others, whose mean deviates too: by the variance times 1 + 1/(places - 1); a new one likewise
    from all of them. The posterior is stated as the scaled inverse chi-squared law with its mean and variance of the
    precision, so that the deviation at a new place has Student's law.

    Args:
        deviations: (N,) ln(labelled / expected).
        variances: (N,) what chance explains of each.
        places: of the calibration, at least as many as deviate and at least 1.
    """
    squares: NDArray[np.float64] = np.asarray(deviations, dtype=np.float64)[:, None] ** 2
    own = np.asarray(variances, dtype=np.float64)[:, None]
    likely = -PRIOR_PLACES / 2 * (np.log(_VARIANCES) + PLACE_DEVIATION**2 / _VARIANCES)
    if len(squares):
        whole = own + _VARIANCES * (1 + 1 / (places - 1))
        likely -= (np.log(whole) + squares / whole).sum(axis=0) / 2
    weights = np.exp(likely - likely.max())
    weights /= weights.sum()
    precision = float(weights @ (1 / _VARIANCES))
    freedom = 2 * precision**2 / float(weights @ (1 / _VARIANCES - precision) ** 2)
    deviation = float(np.sqrt((1 + 1 / places) / precision))
    return PlaceSpread(deviation, max(freedom, float(PRIOR_PLACES)), len(squares))
