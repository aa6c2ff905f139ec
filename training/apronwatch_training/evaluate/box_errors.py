"""How well the boxes of found objects tell direction and length, against labels that are turned with their objects.

The direction is that of the longer side, as the product gives it (`orientation_deg`), and nothing tells its ends apart:
errors are modulo 180 degrees, 0 to 90. On an aircraft whose span exceeds its length the longer side lies across the
fuselage, in label and box alike. Where the sides of a label are within 10 % of each other it is chance which of them is
the longer; the error modulo 90 degrees, 0 to 45, is told of these apart.

Which pairs are measured decides what is found. An overlap above one half leaves out the boxes that are far off, and so
flatters; a centre match asks nothing of the direction and little of the length. Both are told, the centre match first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import median_abs_deviation

from apronwatch.detections import Detections, Polygons
from apronwatch_datasets.stats import longer_sides
from apronwatch_training.evaluate.looking import Looked
from apronwatch_training.evaluate.matching import Matches, Truth

SQUARE_BELOW = 1.1
"""Longer over shorter side of a label below which its longer side tells no direction."""

SMALL_M = (15.0, 20.0)
"""Lengths of small aircraft: fighters, trainers, business jets."""

LENGTHS_M: tuple[tuple[float, float] | None, ...] = (None, SMALL_M)
"""Objects whose boxes are told of: all, and small aircraft."""

_FAR_DEG = 45.0


@dataclass(frozen=True)
class Turns:
    """Errors of direction in degrees; None without objects.

    Attributes:
        objects: how many were measured.
        median, p90: median and 90th percentile of the absolute error.
    """

    objects: int
    median: float | None
    p90: float | None

    @classmethod
    def of(cls, errors: NDArray[np.float64]) -> "Turns":
        """Of absolute errors (N,) in degrees."""
        if not len(errors):
            return cls(0, None, None)
        return cls(len(errors), float(np.median(errors)), float(np.quantile(errors, 0.9)))


@dataclass(frozen=True)
class BoxErrors:
    """Errors of the boxes of found objects. None stands for what is not defined.

    Attributes:
        matched_by: what makes a pair of box and label, `centre` or `iou`.
        lengths_m: from and to (not included) of the labels' lengths; None: all.
        objects: pairs.
        heading: direction of the longer side, modulo 180 degrees, where the label has one.
        across: of these, boxes more than 45 degrees off: they take the other side for the longer one, or the axis is
            wrong.
        square: direction modulo 90 degrees, of labels whose sides are within 10 % of each other.
        length_bias: median of (box - label) / label of the longer side; positive is too long.
        length_sd: robust standard deviation of the same, 1.4826 times the median absolute deviation from the median
            (Rousseeuw and Croux 1993, doi:10.1080/01621459.1993.10476408); None for fewer than two.
        length_error: mean and standard deviation of the same with all that is far off, as a registry's `length_error`
            wants them; None for fewer than two.
    """

    matched_by: str
    lengths_m: tuple[float, float] | None
    objects: int
    heading: Turns
    across: int
    square: Turns
    length_bias: float | None
    length_sd: float | None
    length_error: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        pairs = ("lengths_m", self.lengths_m), ("length_error", self.length_error)
        return {**asdict(self), **{name: list(pair) if pair else None for name, pair in pairs}}


@dataclass(frozen=True, eq=False)
class Pairs:
    """Boxes that were found and their labels.

    Attributes:
        found, labels: (P, 4, 2) float64, in the pixels of their scenes.
        lengths_m: (P,) longer sides of the labels in metres.
    """

    found: Polygons
    labels: Polygons
    lengths_m: NDArray[np.float64]

    @classmethod
    def of(cls, looked: Looked, class_name: str, truth: Truth, matches: Matches) -> "Pairs":
        """The hits of a class in a scene at its threshold, of labels that are turned with their objects."""
        hits = np.flatnonzero(matches.hit & (matches.scores >= looked.thresholds[class_name]))
        hits = hits[truth.oriented[matches.truth[hits]]]
        labels = truth.polygons[matches.truth[hits]]
        return cls(looked.of(class_name).polygons[hits], labels, longer_sides(labels) * looked.gsd_m)

    @classmethod
    def concatenate(cls, parts: Sequence["Pairs"]) -> "Pairs":
        """Those of several scenes."""
        return cls(
            np.concatenate([p.found for p in parts]),
            np.concatenate([p.labels for p in parts]),
            np.concatenate([p.lengths_m for p in parts]),
        )

    def between(self, lengths_m: tuple[float, float] | None) -> "Pairs":
        """Those whose labels are of these lengths, the upper limit excluded; all for None."""
        if lengths_m is None:
            return self
        chosen = (self.lengths_m >= lengths_m[0]) & (self.lengths_m < lengths_m[1])
        return Pairs(self.found[chosen], self.labels[chosen], self.lengths_m[chosen])


def box_errors(pairs: Pairs, matched_by: str) -> list[BoxErrors]:
    """Errors of pairs that one rule matched, for each range of `LENGTHS_M`."""
    return [_errors(pairs.between(lengths_m), matched_by, lengths_m) for lengths_m in LENGTHS_M]


def turned_by(first: Polygons, second: Polygons, *, modulo: float = 180.0) -> NDArray[np.float64]:
    """(N,) angle between the longer sides of boxes (N, 4, 2) of one plane, in degrees, 0 to modulo / 2."""
    apart = (_directions(first) - _directions(second)) % modulo
    return np.minimum(apart, modulo - apart)


def _errors(pairs: Pairs, matched_by: str, lengths_m: tuple[float, float] | None) -> BoxErrors:
    square = longer_sides(pairs.labels) < SQUARE_BELOW * _shorter_sides(pairs.labels)
    heading = turned_by(pairs.found[~square], pairs.labels[~square])
    relative = longer_sides(pairs.found) / longer_sides(pairs.labels) - 1
    return BoxErrors(
        matched_by=matched_by,
        lengths_m=lengths_m,
        objects=len(relative),
        heading=Turns.of(heading),
        across=int((heading > _FAR_DEG).sum()),
        square=Turns.of(turned_by(pairs.found[square], pairs.labels[square], modulo=90.0)),
        length_bias=float(np.median(relative)) if len(relative) else None,
        length_sd=float(median_abs_deviation(relative, scale="normal")) if len(relative) > 1 else None,
        length_error=(float(relative.mean()), float(relative.std(ddof=1))) if len(relative) > 1 else None,
    )


def _boxes(polygons: Polygons) -> Detections:
    n = len(polygons)
    return Detections(polygons, np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.int16))


def _directions(polygons: Polygons) -> NDArray[np.float64]:
    return _boxes(polygons).orientations_deg


def _shorter_sides(polygons: Polygons) -> NDArray[np.float64]:
    return _boxes(polygons).widths_m
