"""The picture's grid in its UTM zone, and antialiased filling on it."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from apronwatch_datasets.synthetic.spec import Base, Look

_SHIFT = 4

Float = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Grid:
    """North-up pixels: `west`, `north` are the outer corner of pixel (0, 0) as the ground truly lies."""

    crs: str
    west: float
    north: float
    gsd_m: float
    width: int
    height: int

    @classmethod
    def of(cls, base: Base, look: Look) -> "Grid":
        """The grid that covers a look's extent."""
        west, south, east, north = look.extent_m
        columns = max(1, round((east - west) / look.gsd_m))
        rows = max(1, round((north - south) / look.gsd_m))
        return cls(base.crs, base.origin[0] + west, base.origin[1] + north, look.gsd_m, columns, rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """East and north (…, 2) as fractional columns and rows, (0, 0) the corner of the first pixel."""
        return np.stack(
            [(points[..., 0] - self.west) / self.gsd_m, (self.north - points[..., 1]) / self.gsd_m], axis=-1
        )

    def affine(self, shift_m: tuple[float, float] = (0.0, 0.0)) -> Affine:
        """Pixel to east and north, off by `shift_m`."""
        return Affine(self.gsd_m, 0.0, self.west + shift_m[0], 0.0, -self.gsd_m, self.north + shift_m[1])

    def local_matrix(self, base: Base) -> NDArray[np.float64]:
        """(2, 3) affine from the centre of pixel (column, row) to the base's frame."""
        turn = base.matrix[:, :2].T
        scale = np.array([[self.gsd_m, 0.0], [0.0, -self.gsd_m]])
        corner = np.array([self.west - base.origin[0], self.north - base.origin[1]])
        offset = turn @ (corner + scale @ np.array([0.5, 0.5]))
        return np.hstack([turn @ scale, offset[:, None]])

    def window(self, points: NDArray[np.float64], margin_px: int = 2) -> Window | None:
        """Rows and columns around pixel points (N, 2), clipped to the picture; None outside."""
        low = np.floor(points.min(axis=0)).astype(int) - margin_px
        high = np.ceil(points.max(axis=0)).astype(int) + margin_px
        c0, r0 = max(0, low[0]), max(0, low[1])
        c1, r1 = min(self.width, high[0]), min(self.height, high[1])
        return (slice(r0, r1), slice(c0, c1)) if c0 < c1 and r0 < r1 else None


def in_colour(field: Float, *colours: Float) -> Float:
    """A field (H, W) times a colour (3,), plus a second colour; without any, the field itself in each of three bands.

    NumPy broadcasts a field over three bands in loops of three numbers, ten times slower.
    """
    bands = np.asarray(cv2.merge([field, field, field]), np.float32)
    if not colours:
        return bands
    matrix = np.hstack([np.diag(colours[0]), *(second[:, None] for second in colours[1:])])
    return np.asarray(cv2.transform(bands, matrix.astype(np.float32), dst=bands), np.float32)


def fill(canvas: NDArray[np.uint8], rings: Iterable[NDArray[np.float64]]) -> None:
    """Fill closed rings (K, 2) of pixel coordinates with 255, edges smooth; rings within are holes."""
    fixed = [np.round((ring - 0.5) * (1 << _SHIFT)).astype(np.int32) for ring in rings]
    cv2.fillPoly(canvas, fixed, 255, cv2.LINE_AA, _SHIFT)


def coverage(grid: Grid, geometry: BaseGeometry) -> tuple[Window, Float] | None:
    """Share of each pixel that a (multi)polygon in the grid's CRS covers, with its window; None outside."""
    polygons = [
        p for p in getattr(geometry, "geoms", [geometry]) if isinstance(p, Polygon) and not p.is_empty
    ]
    if not polygons:
        return None
    rings = [
        [grid.to_pixels(np.asarray(ring.coords)) for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in polygons
    ]
    window = grid.window(np.vstack([ring[0] for ring in rings]))
    if window is None:
        return None
    rows, columns = window
    canvas = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    corner = np.array([columns.start, rows.start])
    for polygon_rings in rings:
        fill(canvas, [ring - corner for ring in polygon_rings])
    return window, canvas.astype(np.float32) / np.float32(255)


def fill_union(canvas: NDArray[np.uint8], rings: list[NDArray[np.float64]]) -> None:
    """Fill with 255 what any of the rings (K, 2) of pixel coordinates encloses, edges hard."""
    fixed = np.round((np.vstack(rings) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    start = 0
    for ring in rings:
        cv2.fillPoly(canvas, [fixed[start : start + len(ring)]], 255, cv2.LINE_8, _SHIFT)
        start += len(ring)
