"""Suppression of repeated boxes inside one tile: greedy, exact, without a time limit or a cap.

The usual rotated suppression compares boxes by ProbIoU, stops after a time limit and keeps 300 boxes, all of
it silently.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import areas, envelopes, pair_iou
from apronwatch.taxonomy import superclass_ids

_BLOCK = 256
"""Boxes compared among themselves at once; the rest meet only those of them that survive."""


def suppress(polygons: Polygons, scores: ArrayLike, classes: ArrayLike, iou: float = 0.4) -> NDArray[np.intp]:
    """Indices of the boxes to keep, best score first.

    A box is dropped if it overlaps a kept box of a better score and the same superclass by more than `iou`.
    Of equal scores the earlier box is the better one. Boxes without an area (zero width, a corner that is not
    finite) or without a finite score show no object: they are never kept and suppress nothing.

    Args:
        polygons: (N, 4, 2) corners.
        scores: (N,).
        classes: (N,) indices into `taxonomy.CLASSES`.
        iou: overlap that is still allowed, 0 to 1.
    """
    polygons, scores = np.asarray(polygons, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    size = areas(polygons)
    sound = np.flatnonzero(np.isfinite(size) & (size > 0) & np.isfinite(scores))
    order = sound[np.argsort(-scores[sound], kind="stable")]
    boxes = _Boxes(polygons[order], size[order], superclass_ids(np.asarray(classes)[order]))
    kept = []
    alive = np.ones(len(order), dtype=np.bool_)
    while (head := np.flatnonzero(alive)[:_BLOCK]).size:
        alive[head] = False
        survivors = _greedy(head, *boxes.clashes(head, head, iou))
        kept.append(survivors)
        alive[boxes.clashes(survivors, np.flatnonzero(alive), iou)[1]] = False
    return order[np.concatenate(kept)] if kept else order


@dataclass(frozen=True, eq=False)
class _Boxes:
    """Boxes of one tile, best score first."""

    polygons: Polygons
    areas: NDArray[np.float64]
    superclasses: NDArray[np.int16]
    envelopes: NDArray[np.float64] = field(init=False)
    hulls: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "envelopes", envelopes(self.polygons))
        object.__setattr__(self, "hulls", shapely.box(*self.envelopes.T))

    def clashes(
        self, strong: NDArray[np.intp], weak: NDArray[np.intp], iou: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs (one of `strong`, a later one of `weak`) of a superclass that overlap by more than `iou`."""
        second, first = shapely.STRtree(self.hulls[strong]).query(self.hulls[weak])
        first, second = strong[first], weak[second]
        near = (first < second) & (self.superclasses[first] == self.superclasses[second])
        near &= self._most_iou(first, second) > iou
        first, second = first[near], second[near]
        exact = pair_iou(self.polygons[first], self.polygons[second]) > iou
        return first[exact], second[exact]

    def _most_iou(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
        """An upper bound of the intersection over union, from the envelopes and the areas."""
        a, b = self.envelopes[first], self.envelopes[second]
        sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
        smaller = np.minimum(self.areas[first], self.areas[second])
        shared = np.minimum(np.maximum(sides, 0.0).prod(axis=1), smaller)
        bound: NDArray[np.float64] = shared / (self.areas[first] + self.areas[second] - shared)
        return bound


def _greedy(head: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of `head` (ascending) that no earlier survivor clashes with, given all their clashing pairs."""
    clash = np.zeros((len(head), len(head)), dtype=np.bool_)
    clash[np.searchsorted(head, first), np.searchsorted(head, second)] = True
    alive = np.ones(len(head), dtype=np.bool_)
    for k in np.flatnonzero(clash.any(axis=1)):
        if alive[k]:
            alive &= ~clash[k]
    return head[alive]
