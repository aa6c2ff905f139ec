"""Oriented boxes as arrays of corners (N, 4, 2): making them, their areas, their exact overlap.

Exactness matters: ProbIoU calls a square and the same square turned by 45° alike (0.9996 for a true 0.707),
and axis-aligned hulls of parked rows overlap where the vehicles do not.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons

_CHUNK = 8192
"""Pairs handled at once: their intermediate arrays fit a core's cache."""


def rotated_boxes(cx: ArrayLike, cy: ArrayLike, w: ArrayLike, h: ArrayLike, angle_rad: ArrayLike) -> Polygons:
    """Corners (N, 4, 2) of boxes with side `w` along `angle_rad`, which turns from the x to the y axis."""
    numbers = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (cx, cy, w, h, angle_rad))
    x, y, w, h, angle = np.broadcast_arrays(*numbers)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * (w / 2)[..., None]
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=-1) * (h / 2)[..., None]
    corners = np.stack([-along - across, along - across, along + across, across - along], axis=1)
    boxes: Polygons = np.stack([x, y], axis=-1)[:, None] + corners
    return boxes


def min_area_boxes(points: ArrayLike) -> Polygons:
    """Smallest oriented box (N, 4, 2) around each set of points (N, P, 2); pad sets by repeating a point.

    Tries the direction of every pair of points: the best one is an edge of the convex hull, so one of them.
    """
    points = np.asarray(points, dtype=np.float64)
    origin = points.mean(axis=1, keepdims=True)
    local = points - origin
    first, second = np.triu_indices(points.shape[1], k=1)
    step = local[:, second] - local[:, first]
    angle = np.arctan2(step[..., 1], step[..., 0])
    cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
    x, y = local[:, None, :, 0], local[:, None, :, 1]
    u, v = x * cos + y * sin, y * cos - x * sin
    low = np.stack([u.min(axis=-1), v.min(axis=-1)], axis=-1)
    high = np.stack([u.max(axis=-1), v.max(axis=-1)], axis=-1)
    best = np.arange(len(points)), np.argmin((high - low).prod(axis=-1), axis=1)
    (u, v), (w, h), turn = ((low + high) / 2)[best].T, (high - low)[best].T, angle[best]
    dx, dy = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
    boxes: Polygons = rotated_boxes(dx, dy, w, h, turn) + origin
    return boxes


def polygons_to_shapely(polygons: Polygons) -> NDArray[Any]:
    """Shapely polygons (N,) of corners (N, 4, 2)."""
    made: NDArray[Any] = shapely.polygons(np.asarray(polygons, dtype=np.float64).reshape(-1, 4, 2))
    return made


def areas(polygons: Polygons) -> NDArray[np.float64]:
    """Areas (N,) of polygons (N, P, 2), never negative; NaN where a corner is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(_signed_areas(polygons))


def envelopes(polygons: Polygons) -> NDArray[np.float64]:
    """Axis-aligned hulls (N, 4) as minx, miny, maxx, maxy of polygons (N, P, 2)."""
    hulls: NDArray[np.float64] = np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=-1)
    return hulls


def pair_iou(a: Polygons, b: Polygons) -> NDArray[np.float64]:
    """Exact intersection over union (N,) of simple quadrilaterals a[k] and b[k], both (N, 4, 2).

    Pairs without area, or with a corner that is not finite, give 0.
    """
    iou = np.empty(len(a))
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        iou[part] = _chunk_iou(a[part], b[part])
    return iou


def _chunk_iou(a: Polygons, b: Polygons) -> NDArray[np.float64]:
    """`pair_iou` of few pairs."""
    # UTM northings have seven digits: products of them would lose a car's area.
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        origin = a[:, :1]
        a, b = a - origin, b - origin
        signed_a, signed_b = _signed_areas(a), _signed_areas(b)
        shared = sum(_area_in_triangle(a, b[:, 0], b[:, k], b[:, k + 1]) for k in (1, 2))
        shared = shared * np.sign(signed_a) * np.sign(signed_b)
        iou = shared / (np.abs(signed_a) + np.abs(signed_b) - shared)
    found: NDArray[np.float64] = np.where(np.isfinite(iou), np.clip(iou, 0.0, 1.0), 0.0)
    return found


def _area_in_triangle(
    polygons: Polygons, o: NDArray[np.float64], p: NDArray[np.float64], q: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area (N,) of polygons (N, P, 2) inside triangles o, p, q (N, 2); negative if they wind oppositely.

    In the coordinates u, v that make the triangle (0, 0), (1, 0), (0, 1), Green's theorem gives the area as
    the integral of -clip(v, 0, 1 - u) du along the polygon. That is piecewise linear, so trapezoids between
    its kinks are exact.
    """
    e, f = p - o, q - o
    double = _cross(e, f)
    scale = np.where(double == 0.0, 1.0, double)[:, None]
    local = polygons - o[:, None]
    u = _cross(local, f[:, None]) / scale
    v = _cross(e[:, None], local) / scale
    du, dv = np.roll(u, -1, axis=1) - u, np.roll(v, -1, axis=1) - v
    kinks = np.stack([_reach(-u, du), _reach(1 - u, du), _reach(-v, dv), _reach(1 - u - v, du + dv)])
    t = np.concatenate([np.zeros((1, *u.shape)), np.sort(kinks, axis=0), np.ones((1, *u.shape))])
    along = np.clip(u + t * du, 0.0, 1.0)
    height = np.clip(v + t * dv, 0.0, 1.0 - along)
    under = ((height[1:] + height[:-1]) * np.diff(along, axis=0)).sum(axis=(0, 2)) / 2
    found: NDArray[np.float64] = -under * np.abs(double)
    return found


def _reach(distance: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """When, between 0 and 1, a distance is covered; any time in between if never."""
    when: NDArray[np.float64] = np.clip(distance / np.where(speed == 0.0, 1.0, speed), 0.0, 1.0)
    return when


def _signed_areas(polygons: Polygons) -> NDArray[np.float64]:
    local = polygons - polygons[:, :1]
    signed: NDArray[np.float64] = _cross(local, np.roll(local, -1, axis=1)).sum(axis=1) / 2
    return signed


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
