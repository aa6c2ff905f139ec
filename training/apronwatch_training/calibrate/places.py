"""What places and scenes have of their own: how far counts lie from what a calibration of all other places says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

    All scenes of a place are one observation of the place: they share what it has of its own. How its scenes differ
    among themselves (haze, light, angle), beyond chance, is added: a new scene is one of a new place. Places without
    object or detection are none. Where a place cannot be left out, because the rest is too little to correct a count
    with, what was measured may widen the assumption, not narrow it.

    Args:
        sample: of one class.
        fit: its calibration without any spread of places.
    """
    seen, whole = [], True
    scenes = np.union1d(sample.scene_of, sample.object_scene_of)
    places = sorted({sample.scene_places[scene] for scene in scenes})
    for place in places:
        here = np.array([other == place for other in sample.scene_places])
        rest = sample.of_scenes(~here)
        if not len(rest.scores) or (fitted := fit(rest)).recall.refusal:
            whole = False
            continue
        seen.append(_Scenes.of(sample, np.intersect1d(scenes, np.flatnonzero(here)), fitted))
    within, freedom = _of_scenes(seen)
    found = spread([p.deviation for p in seen], [p.variance(within) for p in seen], len(places))
    assumed = spread([], [], len(places))
    if not whole and found.deviation < assumed.deviation:
        found = PlaceSpread(assumed.deviation, assumed.freedom, found.n_places)
    return _with_scenes(found, within, freedom)


@dataclass(frozen=True, eq=False)
class _Scenes:
    """The scenes of one place: objects labelled, expected by the rest, and the variance of that number; (S,) each."""

    labelled: NDArray[np.float64]
    expected: NDArray[np.float64]
    variances: NDArray[np.float64]

    @classmethod
    def of(cls, sample: Sample, scenes: NDArray[np.intp], calibration: ClassCalibration) -> "_Scenes":
        """By a calibration of other places.

        The mean is that of the prior 1/N, which asks for no object that nothing was seen of: over many scenes of few
        objects a uniform prior would ask for many. The variance is that of the uniform prior, which is above 0.
        """
        labelled = np.array([(sample.object_scene_of == scene).sum() for scene in scenes], dtype=np.float64)
        moments = []
        for scene in scenes:
            told = sample.scene_of == scene
            each = sample.scores[told], sample.detected_px[told], calibration
            moments.append((_moments(objects_pmf(*each, prior=0.0))[0], _moments(objects_pmf(*each))[1]))
        expected, variances = np.array(moments).T
        return cls(labelled, expected, variances)

    @property
    def deviation(self) -> float:
        """Of the logarithm of the objects of all scenes together."""
        return float(np.log((self.labelled.sum() + 0.5) / (self.expected.sum() + 0.5)))

    def variance(self, within: float) -> float:
        """Of `deviation`: what chance explains, and scenes that differ by a variance of the logarithm."""
        total = self.expected.sum() + 0.5
        return float((self.variances.sum() + within * self.expected @ self.expected) / total**2)


def _moments(pmf: NDArray[np.float64]) -> tuple[float, float]:
    numbers = np.arange(len(pmf))
    mean = float(pmf @ numbers)
    return mean, float(pmf @ (numbers - mean) ** 2)


def _of_scenes(places: Sequence[_Scenes]) -> tuple[float, int]:
    """Variance of the logarithm between scenes of a place, beyond chance, and its degrees of freedom.

    The moment estimator of DerSimonian and Laird (1986, doi:10.1016/0197-2456(86)90046-2), about the mean of each
    place instead of one of all.
    """
    excess, scale, freedom = 0.0, 0.0, 0
    for place in places:
        if len(place.expected) < 2:
            continue
        ratios = np.log((place.labelled + 0.5) / (place.expected + 0.5))
        weights = (place.expected + 0.5) ** 2 / place.variances
        mean = weights @ ratios / weights.sum()
        excess += weights @ (ratios - mean) ** 2 - (len(ratios) - 1)
        scale += weights.sum() - weights @ weights / weights.sum()
        freedom += len(ratios) - 1
    return (max(0.0, float(excess / scale)), freedom) if scale else (0.0, 0)


def _with_scenes(places: PlaceSpread, within: float, freedom: int) -> PlaceSpread:
    """The variance of scenes added to that of places; freedom by Satterthwaite (1946, doi:10.2307/3002019)."""
    if not within:
        return places
    between = places.deviation**2
    together = (between + within) ** 2 / (between**2 / places.freedom + within**2 / freedom)
    return PlaceSpread(float(np.sqrt(between + within)), max(together, float(PRIOR_PLACES)), places.n_places)


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
