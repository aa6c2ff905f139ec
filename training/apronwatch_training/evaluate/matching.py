"""Which detections are true: matched with the labelled objects of one class in one scene.

Two rules. Oriented labels: exact polygon IoU. Horizontal labels, which say nothing of heading: the true box of an
aircraft parked at 45 degrees has an IoU of about 0.5 with its own horizontal label, so there a centre match.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import envelopes, pair_iou
from apronwatch_datasets.records import Objects
from apronwatch_datasets.stats import longer_sides

CENTRAL = 0.5
"""A centre match: the detection's centre lies in this central part of the label's width and height."""

SIZE_FACTOR = 2.0
"""A centre match: longer sides differ by this factor at most."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Labelled objects of one class in one scene, and where nothing may be judged.

    Attributes:
        polygons: (N, 4, 2) float64, in the plane of the detections.
        difficult: (N,) bool: neither to be found nor wrong if found.
        ignore: (R, 4, 2) float64, regions: a detection that is no hit and has its centre in one is not judged.
        oriented: (N,) bool: the box is turned with its object.
    """

    polygons: Polygons
    difficult: NDArray[np.bool_]
    ignore: Polygons
    oriented: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        polygons: ArrayLike,
        *,
        difficult: ArrayLike = False,
        ignore: ArrayLike = (),
        oriented: ArrayLike = True,
    ) -> Self:
        """From boxes; a single `difficult` or `oriented` holds for all."""
        boxes = np.asarray(polygons, dtype=np.float64).reshape(-1, 4, 2)
        hard, turned = (
            np.array(np.broadcast_to(np.asarray(each, dtype=np.bool_), len(boxes)))
            for each in (difficult, oriented)
        )
        return cls(boxes, hard, np.asarray(ignore, dtype=np.float64).reshape(-1, 4, 2), turned)

    @classmethod
    def labelled(cls, objects: Objects, class_index: int) -> Self:
        """The objects of one class of an image, in its pixels; what is ignored, of whatever class, is not judged."""
        there = objects.select((objects.classes == class_index) & ~objects.ignore)
        return cls(there.polygons, there.difficult, objects.polygons[objects.ignore], there.oriented)


@dataclass(frozen=True, eq=False)
class Matches:
    """What matching found. Detections that are not judged (`judged` False) are neither true nor false.

    Attributes:
        scores: (D,) float64.
        hit: (D,) bool, the first detection of an object that counts.
        judged: (D,) bool.
        truth: (D,) int64, the object that it was compared with; -1 for none. Hits and repeats of one share it.
        found_at: (N,) float64, score of the hit of each object; -inf where it was missed.
        countable: (N,) bool, objects that are to be found: those that are not difficult.
    """

    scores: NDArray[np.float64]
    hit: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    truth: NDArray[np.int64]
    found_at: NDArray[np.float64]
    countable: NDArray[np.bool_]

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Those of several scenes as one; objects are numbered on. Raises `ValueError` for no parts."""
        if not parts:
            raise ValueError("nothing to concatenate: match at least one scene")
        starts = np.cumsum([0, *(len(p.found_at) for p in parts[:-1])])
        return cls(
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.hit for p in parts]),
            np.concatenate([p.judged for p in parts]),
            np.concatenate(
                [np.where(p.truth < 0, -1, p.truth + s) for p, s in zip(parts, starts, strict=True)]
            ),
            np.concatenate([p.found_at for p in parts]),
            np.concatenate([p.countable for p in parts]),
        )

    @property
    def to_find(self) -> int:
        """Number of objects that are to be found."""
        return int(self.countable.sum())


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Detections and objects that may belong together, and how well (higher is better)."""

    detection: NDArray[np.intp]
    truth: NDArray[np.intp]
    quality: NDArray[np.float64]


def match_by_iou(
    polygons: Polygons, scores: ArrayLike, truth: Truth, ious: Sequence[float] = (0.5,)
) -> list[Matches]:
    """Match at each of several IoU thresholds; overlaps are computed once.

    The convention of DOTA's evaluation (CAPTAIN-WHU/DOTA_devkit, dota_evaluation_task1.py), after Pascal VOC:
    in falling order of score each detection is compared with the object that it overlaps most, taken or not. With
    an IoU *above* the threshold it is a hit, or false if that object was hit before, or not judged if the object is
    difficult; otherwise false. Beyond that convention: false ones whose centre lies in a region to ignore are not
    judged. (A box that overlaps another by half or more has its centre in it, so this covers every box that would
    match an ignored one.)

    Args:
        polygons: (D, 4, 2) detections of one class in one scene.
        scores: (D,).
        truth: of the same class and scene, in the same plane.
        ious: thresholds.
    """
    pairs = _overlaps(polygons, truth.polygons)
    best, quality = _best(pairs, len(polygons))
    return [_assigned(polygons, scores, truth, np.where(quality > iou, best, -1)) for iou in ious]


def match_by_centre(polygons: Polygons, scores: ArrayLike, truth: Truth) -> Matches:
    """Match with horizontal labels: the centre in the central half of the label, the size within a factor of 2.

    Central half: within a quarter of the label's width and height of its centre (of its upright hull, if it is
    turned). Size: the longer side. Of several labels the one whose centre is nearest, relative to its sides, is
    compared; the rest as in `match_by_iou`.

    Args:
        polygons: (D, 4, 2) detections of one class in one scene.
        scores: (D,).
        truth: of the same class and scene.
    """
    pairs = _central(polygons, truth.polygons)
    best, _ = _best(pairs, len(polygons))
    return _assigned(polygons, scores, truth, best)


def _overlaps(polygons: Polygons, truths: Polygons) -> _Pairs:
    """Pairs whose hulls meet, with their exact IoU."""
    if not len(polygons) or not len(truths):
        return _no_pairs()
    detection, truth = shapely.STRtree(_hulls(truths)).query(_hulls(polygons))
    return _Pairs(detection, truth, pair_iou(polygons[detection], truths[truth]))


def _central(polygons: Polygons, truths: Polygons) -> _Pairs:
    """Pairs that match by centre and size; the quality falls from 1 (same centre) to 0 (edge of the central part)."""
    if not len(polygons) or not len(truths):
        return _no_pairs()
    centres = polygons.mean(axis=1)
    detection, truth = shapely.STRtree(_hulls(truths)).query(shapely.points(centres))
    hulls = envelopes(truths[truth])
    middle, sides = (hulls[:, :2] + hulls[:, 2:]) / 2, hulls[:, 2:] - hulls[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = (np.abs(centres[detection] - middle) / (sides * CENTRAL / 2)).max(axis=1)
        factor = longer_sides(polygons[detection]) / longer_sides(truths[truth])
        chosen = (off <= 1.0) & (factor <= SIZE_FACTOR) & (factor >= 1 / SIZE_FACTOR)
    return _Pairs(detection[chosen], truth[chosen], 1.0 - off[chosen])


def _best(pairs: _Pairs, detections: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best object (D,) of each detection, the first of equals, and how good; -1 and -inf without one."""
    best, quality = np.full(detections, -1, dtype=np.int64), np.full(detections, -np.inf)
    # The last of several that are assigned to one place stays.
    order = np.lexsort((-pairs.truth, pairs.quality))
    best[pairs.detection[order]] = pairs.truth[order]
    quality[pairs.detection[order]] = pairs.quality[order]
    return best, quality


def _assigned(polygons: Polygons, scores: ArrayLike, truth: Truth, partner: NDArray[np.int64]) -> Matches:
    """Hits, repeats and what is not judged, given the partner (D,) of each detection."""
    values = np.asarray(scores, dtype=np.float64)
    judged = np.ones(len(values), dtype=np.bool_)
    matched = partner >= 0
    judged[matched] = ~truth.difficult[partner[matched]]
    by_score = np.argsort(-values, kind="stable")
    candidates = by_score[(matched & judged)[by_score]]
    _, first = np.unique(partner[candidates], return_index=True)
    hits = candidates[first]
    hit = np.zeros(len(values), dtype=np.bool_)
    hit[hits] = True
    judged &= hit | ~_inside(polygons, truth.ignore)
    found_at = np.full(len(truth.polygons), -np.inf)
    found_at[partner[hits]] = values[hits]
    return Matches(values, hit, judged, partner, found_at, ~truth.difficult)


def _inside(polygons: Polygons, regions: Polygons) -> NDArray[np.bool_]:
    """Which boxes (D,) have their centre in one of the regions (R, 4, 2), border included."""
    inside = np.zeros(len(polygons), dtype=np.bool_)
    if len(regions) and len(polygons):
        centres = shapely.points(polygons.mean(axis=1))
        found, _ = shapely.STRtree(shapely.polygons(regions)).query(centres, predicate="intersects")
        inside[found] = True
    return inside


def _hulls(polygons: Polygons) -> NDArray[np.object_]:
    boxes: NDArray[np.object_] = shapely.box(*envelopes(polygons).T)
    return boxes


def _no_pairs() -> _Pairs:
    none = np.zeros(0, dtype=np.intp)
    return _Pairs(none, none, np.zeros(0))
