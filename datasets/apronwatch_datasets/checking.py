"""Finds what is wrong with the labels of one image, mends what has one right mending, and says what it did."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import areas, envelopes, min_area_boxes, pair_iou, rotated_boxes
from apronwatch_datasets.class_map import ClassMap, Fate
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.records import UNCLASSED, Card, Objects, horizontal_boxes
from apronwatch_datasets.source import Log, SourceObjects

OUTSIDE_PX = 1.0
"""A corner may lie this far outside the image: labels are rounded."""

SHOWN_SHARE = 0.4
"""Of a box that reaches beyond the image at least this share must show, or it is only ignored. The share at which
the xView scorer's own preparation drops a box (DIUx-xView/xView1_baseline)."""

SHOWN_PX = 2.0
"""A clipped box must be this long and wide, or it is only ignored."""

FAR_PX = 1e9
"""Corners further out than this are no measure of anything, and their areas may overflow."""

UNCUT = 1e-6
"""Of its area; a box that clipping takes no more of is not cut."""

FLAT_PX2 = 1e-6
"""A box of a smaller area has none."""


@dataclass(frozen=True, eq=False)
class Checked:
    """Objects of one image after the check, and what became of each that was written, per source class."""

    objects: Objects
    fates: dict[str, Counter[str]]


class Check:
    """The check of one image.

    Args:
        found: as the adapter read them.
        size: width and height of the image in pixels.
        labels: the file they stand in.
        gsd_m: metres of a pixel, or None.
        classes: the dataset's class map.
        card: the dataset.
        log: takes the faults.
    """

    def __init__(
        self,
        found: SourceObjects,
        size: tuple[int, int],
        labels: Path,
        gsd_m: float | None,
        classes: ClassMap,
        card: Card,
        log: Log,
    ) -> None:
        self._found, self._size, self._labels, self._log, self._card = found, size, labels, log, card
        self._classes, self._fates = classes.assign(found.names, found.polygons, gsd_m)
        self._polygons = found.polygons.copy()
        self._ignore = found.ignore | (self._classes == UNCLASSED)
        self._here = ~np.isin(self._fates, [Fate.BACKGROUND.value, Fate.ARTEFACT.value])

    def run(self) -> Checked:
        """All checks, in the order in which one needs another."""
        self._unmapped()
        self._far()
        self._inverted()
        self._flat()
        self._crossed()
        self._outside()
        self._doubled()
        kept, found = self._here, self._found
        objects = Objects(
            self._polygons[kept],
            found.names[kept],
            self._classes[kept],
            found.oriented[kept],
            found.difficult[kept],
            self._ignore[kept],
            found.lines[kept],
        )
        return Checked(objects, self._outcome())

    def _unmapped(self) -> None:
        for k in np.flatnonzero(self._fates == Fate.ARTEFACT.value).tolist():
            self._fault(
                k, FaultKind.ARTEFACT_CLASS, "a class that its owners call an artefact", Mending.DROPPED
            )
        for k in np.flatnonzero(self._fates == Fate.UNKNOWN.value).tolist():
            self._fault(
                k, FaultKind.UNKNOWN_CLASS, "a class that the class map does not name", Mending.IGNORED
            )

    def _far(self) -> None:
        # What overflowed while it was read is no number any more.
        far = ~(np.abs(self._polygons) <= FAR_PX).all(axis=(1, 2))
        for k in np.flatnonzero(self._here & far).tolist():
            message = f"corners {_corners(self._polygons[k])} are beyond any image"
            self._drop(k, FaultKind.OUTSIDE_IMAGE, message)
        self._polygons[far] = 0.0

    def _inverted(self) -> None:
        """Of a box written as its sides the right one may lie left of the left one: there is one box that it means."""
        first, third = self._polygons[:, 0], self._polygons[:, 2]
        for k in np.flatnonzero(self._here & self._found.sided & (third < first).any(axis=1)).tolist():
            message = f"left top ({_point(first[k])}), right bottom ({_point(third[k])})"
            low, high = np.minimum(first[k], third[k]), np.maximum(first[k], third[k])
            self._polygons[k] = horizontal_boxes(*low, *high)[0]
            self._fault(k, FaultKind.INVERTED_BOX, message, Mending.SORTED)

    def _flat(self) -> None:
        sound = areas(self._crossings_undone()) > FLAT_PX2
        for k in np.flatnonzero(self._here & ~sound).tolist():
            self._drop(k, FaultKind.ZERO_AREA, f"corners {_corners(self._polygons[k])} enclose nothing")

    def _crossings_undone(self) -> Polygons:
        """A crossed box of two equal triangles has no signed area, but it is not flat."""
        centre = self._polygons.mean(axis=1, keepdims=True)
        return _in_order(self._polygons, centre)

    def _crossed(self) -> None:
        ordered = self._crossings_undone()
        crossed = self._here & ~shapely.is_valid(shapely.polygons(self._polygons))
        for k in np.flatnonzero(crossed).tolist():
            if shapely.polygons(ordered[k]).is_valid:
                self._polygons[k] = ordered[k]
                self._fault(k, FaultKind.CROSSED_POLYGON, "its sides cross", Mending.REORDERED)
            else:
                self._polygons[k] = min_area_boxes(self._polygons[k][None])[0]
                self._ignore[k] = True
                self._fault(k, FaultKind.CROSSED_POLYGON, "its sides cross", Mending.IGNORED)

    def _outside(self) -> None:
        width, height = self._size
        hulls = envelopes(self._polygons)
        sides = np.hstack([hulls[:, :2] < -OUTSIDE_PX, hulls[:, 2:] > np.array([width, height]) + OUTSIDE_PX])
        around = sides.all(axis=1) & shapely.covers(
            shapely.polygons(self._polygons), shapely.box(0, 0, width, height)
        )
        for k in np.flatnonzero(self._here & sides.any(axis=1)).tolist():
            message = f"corners {_corners(self._polygons[k])} in an image of {width} x {height}"
            clipped, share = clip(self._polygons[k], (0.0, 0.0, float(width), float(height)))
            # What the dataset itself tells to ignore may well be the whole image.
            if clipped is None or (around[k] and not self._found.ignore[k]):
                self._drop(k, FaultKind.OUTSIDE_IMAGE, message)
                continue
            if areas(clipped[None])[0] > (1.0 - UNCUT) * areas(framed(self._polygons[k])[None])[0]:
                continue  # only corners of a turned box leave the image, and no object fills its corners
            self._polygons[k] = clipped
            too_little = share < SHOWN_SHARE or shortest_side(clipped) < SHOWN_PX
            self._ignore[k] |= too_little
            self._fault(
                k, FaultKind.OUTSIDE_IMAGE, message, Mending.IGNORED if too_little else Mending.CLIPPED
            )

    def _doubled(self) -> None:
        there = np.flatnonzero(self._here)
        boxes = self._polygons[there]
        first, second = _touching(boxes)
        alike = pair_iou(boxes[first], boxes[second]) >= self._card.double_iou
        for a, b in zip(there[first[alike]].tolist(), there[second[alike]].tolist(), strict=True):
            if not (self._here[a] and self._here[b]):
                continue
            if self._classes[a] != self._classes[b]:
                self._fault(b, FaultKind.DOUBLED_BOX, self._same_as(a), Mending.NOTHING)
                continue
            # What is ignored or difficult says less than an ordinary object; of two alike the first stays.
            stays, goes = (b, a) if self._doubt(b) < self._doubt(a) else (a, b)
            self._drop(goes, FaultKind.DOUBLED_BOX, self._same_as(stays))

    def _doubt(self, k: int) -> tuple[bool, bool]:
        return bool(self._ignore[k]), bool(self._found.difficult[k])

    def _same_as(self, k: int) -> str:
        return f"the same box as {self._found.names[k]} of line {self._found.lines[k]}"

    def _drop(self, k: int, kind: FaultKind, message: str) -> None:
        self._here[k] = False
        self._fates[k] = _DROPPED
        self._fault(k, kind, message, Mending.DROPPED)

    def _fault(self, k: int, kind: FaultKind, message: str, mending: Mending) -> None:
        name = str(self._found.names[k])
        lost = int(mending is Mending.DROPPED)
        self._log.add(
            kind,
            self._labels,
            f"{name}: {message}",
            mending,
            line=int(self._found.lines[k]),
            objects=lost,
            class_name=name,
        )

    def _outcome(self) -> dict[str, Counter[str]]:
        """Per source class: how many were kept, ignored, are background, were dropped."""
        fates = self._fates.astype("<U10")
        fates[fates == Fate.ARTEFACT.value] = _DROPPED
        fates[self._here] = np.where(self._ignore[self._here], Fate.IGNORED.value, Fate.KEPT.value)
        made: dict[str, Counter[str]] = {}
        for name, fate in zip(self._found.names.tolist(), fates.tolist(), strict=True):
            made.setdefault(name, Counter())[fate] += 1
        return made


_DROPPED = "dropped"


def clip(
    polygon: NDArray[np.float64], bounds: tuple[float, float, float, float]
) -> tuple[Polygons | None, float]:
    """The part of one box (4, 2) inside bounds (minx, miny, maxx, maxy), as a box at the same angle.

    Returns:
        (4, 2) corners, or None if nothing is inside; the share of the box's area that is inside.
    """
    whole = shapely.polygons(polygon)
    part = shapely.intersection(whole, shapely.box(*bounds))
    if part.is_empty or part.area <= FLAT_PX2:
        return None, 0.0
    box = framed(polygon, shapely.get_coordinates(part))
    return box, float(part.area / whole.area)


def framed(polygon: NDArray[np.float64], points: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """The box (4, 2) around points (P, 2), by default its own corners, at the angle of a box's first side.

    Corners go around it as those of the box do, and each is the one at the same end of both sides: which side is which,
    some tell a heading from.
    """
    side = polygon[1] - polygon[0]
    angle = float(np.arctan2(side[1], side[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    local = (polygon if points is None else points) @ turn.T
    low, high = local.min(axis=0), local.max(axis=0)
    centre = ((low + high) / 2) @ turn
    length, width = high - low
    # A width below zero gives the corners in the other winding.
    width = np.copysign(width, _signed_area(polygon))
    box: NDArray[np.float64] = rotated_boxes(centre[0], centre[1], length, width, angle)[0]
    return box


def _signed_area(polygon: NDArray[np.float64]) -> float:
    """Of one box (4, 2); above zero if its corners go from the x to the y axis."""
    (x, y), (x_next, y_next) = (polygon - polygon[0]).T, np.roll(polygon - polygon[0], -1, axis=0).T
    return float((x * y_next - x_next * y).sum() / 2)


def shortest_side(polygon: NDArray[np.float64]) -> float:
    """Of one box (4, 2)."""
    return float(np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=-1).min())


def _in_order(polygons: Polygons, centre: NDArray[np.float64]) -> Polygons:
    """Corners sorted by their direction from the centre."""
    local = polygons - centre
    order = np.argsort(np.arctan2(local[..., 1], local[..., 0]), axis=1)
    ordered: Polygons = np.take_along_axis(polygons, order[..., None], axis=1)
    return ordered


def _touching(boxes: Polygons) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (first < second) of boxes whose hulls meet, in order."""
    hulls = shapely.box(*envelopes(boxes).T)
    first, second = shapely.STRtree(hulls).query(hulls)
    chosen = first < second
    first, second = first[chosen], second[chosen]
    order = np.lexsort((second, first))
    return first[order], second[order]


def _corners(polygon: NDArray[np.float64]) -> str:
    return " ".join(f"({_point(corner)})" for corner in polygon)


def _point(corner: NDArray[np.float64]) -> str:
    return f"{corner[0]:.6g}, {corner[1]:.6g}"
