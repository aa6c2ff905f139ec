"""Precision, recall and average precision of matched detections.

None stands for what is not defined: a recall of no objects, a precision of no detections.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch_training.evaluate.matching import Matches

IOUS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
"""IoU thresholds of AP50:95: 0.50, 0.55 … 0.95."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall after each judged detection, highest score first.

    Attributes:
        scores: (D,) float64, falling.
        recall: (D,) float64, NaN where there is nothing to find.
        precision: (D,) float64.
        to_find: number of objects.
    """

    scores: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    to_find: int


def precision_recall(matches: Matches) -> Curve:
    """The curve of matched detections; what is not judged leaves no point on it."""
    scores, hit = matches.scores[matches.judged], matches.hit[matches.judged]
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(hit[order])
    recall = true / matches.to_find if matches.to_find else np.full(len(true), np.nan)
    return Curve(scores[order], recall, true / np.arange(1, len(true) + 1), matches.to_find)


def area_ap(curve: Curve) -> float | None:
    """Area under the curve, precision made falling (Pascal VOC 2010 and later); None with nothing to find."""
    if not curve.to_find:
        return None
    falling = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float((np.diff(curve.recall, prepend=0.0) * falling).sum())


def voc07_ap(curve: Curve) -> float | None:
    """Mean over recalls of 0, 0.1 … 1 of the best precision from there on (Pascal VOC 2007; the DOTA tables)."""
    if not curve.to_find:
        return None
    # np.arange, not tenths: 0.30000000000000004 is what DOTA's evaluation compares a recall of 0.3 with.
    steps = np.arange(0.0, 1.1, 0.1)
    return float(np.mean([curve.precision[curve.recall >= step].max(initial=0.0) for step in steps]))


@dataclass(frozen=True)
class AveragePrecisions:
    """Scores of one class; None with nothing to find.

    Attributes:
        ap50: area under the curve at an IoU above 0.5.
        ap50_95: mean of the areas at the thresholds `IOUS`.
        voc07_ap50: the 11-point value at 0.5, for comparison with DOTA's tables.
    """

    ap50: float | None
    ap50_95: float | None
    voc07_ap50: float | None


def average_precisions(matches: Sequence[Matches]) -> AveragePrecisions:
    """Of one class, matched at each of the thresholds `IOUS`, in their order."""
    if len(matches) != len(IOUS):
        raise ValueError(f"{len(matches)} matchings, expected one for each IoU of {IOUS}")
    curves = [precision_recall(m) for m in matches]
    areas = [area_ap(curve) for curve in curves]
    known = [area for area in areas if area is not None]
    return AveragePrecisions(areas[0], float(np.mean(known)) if known else None, voc07_ap(curves[0]))


@dataclass(frozen=True)
class OperatingPoint:
    """Precision and recall of the detections from a score on.

    Attributes:
        threshold: the score.
        hits, false: judged detections that are true, and that are not.
        missed: objects that were not found.
        precision: None without a judged detection.
        recall: None with nothing to find.
    """

    threshold: float
    hits: int
    false: int
    missed: int
    precision: float | None
    recall: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def operating_point(matches: Matches, threshold: float) -> OperatingPoint:
    """At a score: detections with this score or more count."""
    chosen = matches.judged & (matches.scores >= threshold)
    hits, judged = int((chosen & matches.hit).sum()), int(chosen.sum())
    return OperatingPoint(
        threshold,
        hits,
        judged - hits,
        matches.to_find - hits,
        hits / judged if judged else None,
        hits / matches.to_find if matches.to_find else None,
    )


@dataclass(frozen=True)
class BinRecall:
    """Recall of the objects of one bin.

    Attributes:
        low, high: the bin, low included, high excluded.
        objects, found: numbers.
        recall: None without objects.
    """

    low: float
    high: float
    objects: int
    found: int
    recall: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; an open end is None."""
        return _closed(asdict(self))


@dataclass(frozen=True)
class BinPrecision:
    """Precision of the judged detections of one bin.

    Attributes:
        low, high: the bin, low included, high excluded.
        detections, true: numbers.
        precision: None without detections.
    """

    low: float
    high: float
    detections: int
    true: int
    precision: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; an open end is None."""
        return _closed(asdict(self))


def recall_by(
    matches: Matches, values: ArrayLike, edges: Sequence[float], threshold: float
) -> list[BinRecall]:
    """Recall at a score by the size of the objects, the GSD of their scene, or anything else known of them.

    Args:
        matches: of any number of scenes.
        values: (N,) one for each object, in the order of `matches.found_at`; NaN (not known) is in no bin.
        edges: of the bins, rising; -inf and inf make the ends open.
        threshold: detections with this score or more count.
    """
    known = np.asarray(values, dtype=np.float64)
    if known.shape != matches.found_at.shape:
        raise ValueError(f"{known.size} values for {len(matches.found_at)} objects: expected one for each")
    bins = []
    for low, high in pairwise(edges):
        there = matches.countable & (known >= low) & (known < high)
        objects, found = int(there.sum()), int((there & (matches.found_at >= threshold)).sum())
        bins.append(BinRecall(low, high, objects, found, found / objects if objects else None))
    return bins


def precision_by(
    matches: Matches, values: ArrayLike, edges: Sequence[float], threshold: float
) -> list[BinPrecision]:
    """Precision from a score on by anything known of the detections, such as their own length.

    Args:
        matches: of any number of scenes.
        values: (D,) one for each detection, in the order of `matches.scores`; NaN (not known) is in no bin.
        edges: of the bins, rising; -inf and inf make the ends open.
        threshold: detections with this score or more count.
    """
    known = np.asarray(values, dtype=np.float64)
    if known.shape != matches.scores.shape:
        raise ValueError(f"{known.size} values for {len(matches.scores)} detections: expected one for each")
    chosen = matches.judged & (matches.scores >= threshold)
    bins = []
    for low, high in pairwise(edges):
        there = chosen & (known >= low) & (known < high)
        detections, true = int(there.sum()), int((there & matches.hit).sum())
        bins.append(BinPrecision(low, high, detections, true, true / detections if detections else None))
    return bins


def _closed(plain: dict[str, Any]) -> dict[str, Any]:
    return {k: v if v is None or np.isfinite(v) else None for k, v in plain.items()}
