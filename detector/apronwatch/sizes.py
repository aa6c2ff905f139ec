"""Size groups of aircraft: small under 25 m, medium 25 to 35 m, large over 35 m, from measured lengths.

A length is the longest side of a box; sides do not tell length from span (An-124: 69 by 73 m).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from apronwatch.calibration import ClassCalibration
from apronwatch.intervals import LEVEL, SIZES_HARDLY_CALIBRATED, Interval, interval

SIZES = ("small", "medium", "large")
EDGES_M = (25.0, 35.0)
SIZES_NOTE = (
    f"Sizes: small under {EDGES_M[0]:g} m, medium {EDGES_M[0]:g} to {EDGES_M[1]:g} m, large over {EDGES_M[1]:g} m. The "
    "numbers expected are no counts: each plane seen adds its chances to be small, medium or large."
)
"""Wherever numbers by size stand: what they are."""

_EDGE_PX = 1.0
"""Standard deviation of each end of a box, in pixels."""
_SCALE = 0.01
"""Relative error of a scene's true GSD (terrain, pointing off nadir)."""
_LABEL = 0.02
"""Relative error of what labels take for the ends of an aircraft."""

LengthError = tuple[float, float]
"""Mean (bias) and standard deviation of measured over true length, less 1, as known lengths measured it."""


def length_sd_m(length_m: ArrayLike, gsd_m: ArrayLike, detector_sd: float = 0.0) -> NDArray[np.float64]:
    """(N,) standard deviation of lengths (N,), in metres: both ends, scale, labels and the detector.

    Args:
        length_m: (N,) lengths.
        gsd_m: of the pixels that they were measured in, one for all or (N,).
        detector_sd: relative standard deviation of the detector's lengths.
    """
    relative = np.hypot(np.hypot(_SCALE, _LABEL), detector_sd) * np.asarray(length_m, dtype=np.float64)
    sd: NDArray[np.float64] = np.hypot(np.sqrt(2) * _EDGE_PX * np.asarray(gsd_m), relative)
    return sd


def size_probabilities(
    length_m: ArrayLike, gsd_m: ArrayLike, length_error: LengthError = (0.0, 0.0)
) -> NDArray[np.float64]:
    """(N, 3) probabilities of `SIZES` for aircraft measured to be (N,) metres long; each row sums to 1.

    The bias of `length_error` is divided out; `gsd_m` is as in `length_sd_m`.
    """
    bias, detector_sd = length_error
    length = np.asarray(length_m, dtype=np.float64).reshape(-1) / (1 + bias)
    below = ndtr((np.array(EDGES_M) - length[:, None]) / length_sd_m(length, gsd_m, detector_sd)[:, None])
    return np.diff(below, prepend=0.0, append=1.0, axis=1)


def count_by_size(
    scores: ArrayLike,
    length_m: ArrayLike,
    gsd_m: ArrayLike,
    calibration: ClassCalibration | None,
    observed_fraction: float,
    *,
    length_error: LengthError,
    pass_gsd_m: float,
    threshold: float,
    real_image: bool,
    saturated: bool = False,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """The number of aircraft of each size group in a zone, each with an interval of its own.

    The groups' estimates need not add up to that of all: each allows for objects that were missed. A group of lengths
    that hardly calibrated says so even where none of it is expected: nobody knows how many of it are missed.

    Args:
        scores: (N,) of the detections that count.
        length_m: (N,) their measured lengths.
        gsd_m: of the pixels that these were measured in, one for all or (N,): the scene's or that of the pass,
            whichever is coarser.
        calibration: of the class; None if it has none.
        observed_fraction: share of the zone that was seen, above 0.
        length_error: of the detector.
        pass_gsd_m: GSD of the pass that reports the class; recall is known by length in its pixels.
        threshold: operating score of the run.
        real_image: the scene is a picture of the world, not a drawn one.
        saturated: a cap cut boxes on the zone's ground.
        level: probability of the intervals.
    """
    lengths = np.asarray(length_m, dtype=np.float64)
    shares = size_probabilities(lengths, gsd_m, length_error)
    found = {
        size: interval(
            scores,
            lengths / pass_gsd_m,
            calibration,
            observed_fraction,
            threshold=threshold,
            real_image=real_image,
            saturated=saturated,
            shares=shares[:, k],
            level=level,
        )
        for k, size in enumerate(SIZES)
    }
    known = calibration.recall.lengths_px if calibration else None
    ends = (0.0, *EDGES_M, np.inf)
    for size, shortest, longest in zip(SIZES, ends[:-1], ends[1:], strict=True):
        unknown = known is not None and (longest < known[0] * pass_gsd_m or shortest > known[1] * pass_gsd_m)
        there = found[size]
        if unknown and there.low is not None and not any(SIZES_HARDLY_CALIBRATED in r for r in there.reasons):
            found[size] = replace(there, reasons=(*there.reasons, f"{SIZES_HARDLY_CALIBRATED}:1.000"))
    return found
