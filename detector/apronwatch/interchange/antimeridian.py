"""Polygons across longitude 180, cut as RFC 7946 (section 3.1.9) asks."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

_WORLD_DEG = 360.0


def cut(polygon: BaseGeometry) -> BaseGeometry:
    """A lon/lat polygon as it fits within ±180 degrees: itself, or a MultiPolygon cut at the antimeridian.

    Outer rings run counterclockwise (RFC 7946, 3.1.6).
    Nothing that is looked at here is half a world wide: a span above 180 degrees means a wrapped longitude.
    Longitudes may also run on past ±180, as a scene's footprint does.
    """
    west, _, east, _ = polygon.bounds
    if west >= -180.0 and east <= 180.0 and east - west <= 180.0:
        return _oriented(polygon)
    eastward = shapely.transform(polygon, _unwrap)
    before = shapely.intersection(eastward, shapely.box(0.0, -90.0, 180.0, 90.0))
    after = shapely.intersection(eastward, shapely.box(180.0, -90.0, _WORLD_DEG, 90.0))
    after = shapely.transform(after, lambda xy: xy - (_WORLD_DEG, 0.0))
    return _oriented(before, after)


def bbox(geometry: BaseGeometry) -> list[float]:
    """West, south, east, north of what `cut` gave; west lies above east where it crosses (RFC 7946, 5.2)."""
    west, south, east, north = geometry.bounds
    if east - west > 180.0:
        sides = [part.bounds for part in shapely.get_parts(geometry)]
        west = min(side[0] for side in sides if side[0] >= 0.0)
        east = max(side[2] for side in sides if side[0] < 0.0)
    return [west, south, east, north]


def _oriented(*shapes: BaseGeometry) -> BaseGeometry:
    """The polygons among the parts of some shapes, as one; lines left by a mere touch are dropped."""
    parts = [part for shape in shapes for part in shapely.get_parts(shape)]
    polygons = [orient(part) for part in parts if part.geom_type == "Polygon"]
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _unwrap(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points + np.where(points < 0.0, (_WORLD_DEG, 0.0), 0.0)
