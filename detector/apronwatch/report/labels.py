"""Plates with the names and counts of zones, each put where it can belong to no other zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import ImageDraw
from shapely.geometry.base import BaseGeometry

from apronwatch.counts import COMPLETE_FROM, Count
from apronwatch.report import canvas
from apronwatch.report.words import drawable, number, quantity, share, zone_label

_GAP_PX = 6.0
_MOST_ON_ANOTHER = 0.02
"""Share of a plate that may lie on another zone; beyond it the reader could take it for that zone's."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What plates must keep clear of, in pixels of the view.

    Attributes:
        frame: the view's rectangle.
        zones: by id.
        centres: (N, 2) of the boxes drawn.
        furniture: rectangles of scale bar and north arrow.
    """

    frame: BaseGeometry
    zones: Mapping[str, BaseGeometry]
    centres: NDArray[np.float64]
    furniture: Sequence[BaseGeometry]


def draw_labels(draw: ImageDraw.ImageDraw, ground: Ground, counts: Sequence[Count], unit: float) -> int:
    """A plate for each zone where there is room for it; gives how many found none."""
    size = round((17 if len(ground.zones) <= 12 else 13) * unit)
    taken = list(ground.furniture)
    left_out = 0
    for zone in ground.zones:
        lines = label(zone, counts)
        plate = _best_place(ground, zone, canvas.tag_size(lines, size), taken)
        if plate is None:
            left_out += 1
            continue
        taken.append(plate)
        outline = shapely.intersection(ground.zones[zone], ground.frame).boundary
        if not shapely.intersects(plate, ground.zones[zone]):
            ends = shapely.get_coordinates(shapely.shortest_line(plate, outline))
            draw.line([tuple(p) for p in ends.tolist()], fill=canvas.WHITE, width=max(2, round(2 * unit)))
        canvas.tag(draw, plate.bounds[:2], lines, size)
    return left_out


def label(zone: str, counts: Sequence[Count]) -> list[str]:
    """The zone's name, then a line for each class that was seen, or why there is no number at all."""
    here = [c for c in counts if c.zone == zone]
    lines = [drawable(zone_label(zone), 40)]
    numbers = [c for c in here if c.seen is not None]
    seen = [c for c in numbers if c.seen]
    if seen:
        lines += [quantity(c) for c in seen]
    elif numbers:
        lines.append(quantity(numbers[0]) if len(numbers) == 1 else "0 seen of each class")
    elif here:
        lines.append(number(here[0]))
    fraction = here[0].observed_fraction if here else None
    if fraction is not None and numbers and fraction < COMPLETE_FROM:
        lines.append(f"{share(fraction)} observed")
    return lines


def _best_place(
    ground: Ground, zone: str, size: tuple[float, float], taken: Sequence[BaseGeometry]
) -> BaseGeometry | None:
    """The free place that hides least and can belong to no other zone, then the one least on its own zone."""
    own = ground.zones[zone]
    others = shapely.union_all([z for other, z in ground.zones.items() if other != zone])
    others = shapely.difference(others, own)  # what lies under both names nobody
    boxes = shapely.points(ground.centres)
    best, least = None, (np.inf, np.inf)
    for plate in _places(shapely.intersection(own, ground.frame), size, ground.frame):
        if any(shapely.intersects(plate, other) for other in taken):
            continue
        if shapely.intersection(plate, others).area > _MOST_ON_ANOTHER * plate.area:
            continue
        # Near another zone a plate could be read as that one's: as bad as a box that it hides.
        near = shapely.distance(plate, others) < size[1] / 3
        hidden = float(shapely.intersects(plate, boxes).sum())
        cost = (hidden + near, shapely.intersection(plate, own).area)
        if cost < least:
            best, least = plate, cost
    return best


def _places(shape: BaseGeometry, size: tuple[float, float], frame: BaseGeometry) -> list[BaseGeometry]:
    """Plates beside each corner of a zone and along its hull, then one in its middle; all within the frame."""
    width, height = size
    hull = shapely.convex_hull(shape)
    corners = shapely.get_coordinates(shapely.segmentize(hull.boundary, max(width, hull.length / 24)))
    middle = shape.representative_point() if not shape.is_empty else frame.centroid
    left, top, right, bottom = frame.bounds
    places = []
    for x, y in corners:
        for dx, dy in ((0, -1), (-1, -1), (0, 0), (-1, 0), (-0.5, -1), (-0.5, 0), (0, -0.5), (-1, -0.5)):
            away_x, away_y = _GAP_PX * np.sign(2 * dx + 1), _GAP_PX * np.sign(2 * dy + 1)
            places.append((x + dx * width + away_x, y + dy * height + away_y))
    places.append((middle.x - width / 2, middle.y - height / 2))
    inside = [(x, y) for x, y in places if left <= x <= right - width and top <= y <= bottom - height]
    return [shapely.box(x, y, x + width, y + height) for x, y in inside]
