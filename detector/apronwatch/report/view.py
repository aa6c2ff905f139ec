"""`View`: the part of a scene that a picture of it shows, on the scene's own pixel grid."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.visibility import Bounds, ObservedGrid

LEAST_WIDTH_PX = 1200
"""Smaller pictures are enlarged to about this, so that labels do not cover them."""

_MARGIN = 0.04
_BLANK = 70
"""Grey of ground that no pixel shows."""


@dataclass(frozen=True)
class View:
    """A window of a scene and its scale.

    Attributes:
        info: the scene.
        left, top: pixel of the scene at the view's upper left corner; outside the scene where a zone is.
        scale: pixels of the view per pixel of the scene.
        width, height: of the view, in its pixels.
    """

    info: SceneInfo
    left: float
    top: float
    scale: float
    width: int
    height: int

    @classmethod
    def around(cls, info: SceneInfo, zones: Mapping[str, BaseGeometry], crs: str | None, max_px: int) -> Self:
        """The zones that touch the scene, and a margin of it around them; without any, the whole scene.

        Args:
            info: the scene.
            zones: geometries in the plane `crs` (pixels if None).
            crs: as in `Detections.crs`.
            max_px: longest side of the view.
        """
        scene = shapely.box(0, 0, info.width, info.height)
        boxes = [in_pixels(zone, info, crs).bounds for zone in zones.values()]
        touching = [shapely.box(*b) for b in boxes if shapely.intersects(shapely.box(*b), scene)]
        frame = scene
        if touching:
            left, top, right, bottom = shapely.union_all(touching).bounds
            margin = _MARGIN * max(right - left, bottom - top)
            grown = shapely.box(left - margin, top - margin, right + margin, bottom + margin)
            frame = shapely.union_all([*touching, shapely.intersection(grown, scene)])
        left, top, right, bottom = _snapped(frame.bounds, scene.bounds)
        longest = max(right - left, bottom - top)
        scale = min(max_px, max(longest, LEAST_WIDTH_PX)) / longest
        return cls(
            info,
            left,
            top,
            scale,
            max(1, round((right - left) * scale)),
            max(1, round((bottom - top) * scale)),
        )

    def to_view(self, points: NDArray[np.float64], crs: str | None) -> NDArray[np.float64]:
        """Points (…, 2) of a plane (`Detections.crs`) in pixels of the view."""
        return (self.info.to_pixels(points, crs) - (self.left, self.top)) * self.scale

    def placed(self, geometry: BaseGeometry, crs: str | None) -> BaseGeometry:
        """A geometry of a plane, in pixels of the view."""
        drawn = shapely.transform(geometry, lambda points: self.to_view(points, crs))
        return drawn if drawn.is_valid else shapely.buffer(drawn, 0)

    @property
    def frame(self) -> BaseGeometry:
        """Its rectangle, in its pixels."""
        return shapely.box(0, 0, self.width, self.height)

    def backdrop(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """(height, width, 3) stretched pixels, and where (height, width) they are valid."""
        picture = np.full((self.height, self.width, 3), _BLANK, dtype=np.uint8)
        valid = np.zeros((self.height, self.width), dtype=np.bool_)
        c0, r0 = max(0, math.floor(self.left)), max(0, math.floor(self.top))
        c1 = min(self.info.width, math.ceil(self.left + self.width / self.scale))
        r1 = min(self.info.height, math.ceil(self.top + self.height / self.scale))
        if c1 <= c0 or r1 <= r0:
            return picture, valid
        x0, x1 = (round((c - self.left) * self.scale) for c in (c0, c1))
        y0, y1 = (round((r - self.top) * self.scale) for r in (r0, r1))
        rows, columns = max(1, y1 - y0), max(1, x1 - x0)
        pixels, mask = scene.read(
            Window(c0, r0, c1 - c0, r1 - r0), (min(rows, r1 - r0), min(columns, c1 - c0))
        )
        shown = cv2.resize(scene.stretch.apply(pixels), (columns, rows), interpolation=cv2.INTER_CUBIC)
        seen = cv2.resize(mask.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST).astype(
            np.bool_
        )
        top, left = max(0, -y0), max(0, -x0)
        y0, x0 = max(0, y0), max(0, x0)
        height, width = min(rows - top, self.height - y0), min(columns - left, self.width - x0)
        picture[y0 : y0 + height, x0 : x0 + width] = shown[top : top + height, left : left + width]
        valid[y0 : y0 + height, x0 : x0 + width] = seen[top : top + height, left : left + width]
        return np.where(valid[..., None], picture, np.uint8(_BLANK)), valid

    def observed(self, grid: ObservedGrid, step: int = 3) -> NDArray[np.bool_]:
        """(height, width) where a grid's ground was observed, looked up once for `step` by `step` pixels."""
        columns, rows = (np.arange(0, size, step) + step / 2 for size in (self.width, self.height))
        points = np.stack(np.meshgrid(columns, rows), axis=-1)
        to_plane = Transformer.from_crs(self.info.crs, grid.crs, always_xy=True)
        ground = np.stack(to_plane.transform(*self._to_crs(points)), axis=-1).reshape(-1, 2)
        known = np.isfinite(ground).all(axis=1)
        inside = np.zeros(len(ground), dtype=np.bool_)
        inside[known] = grid.contains(ground[known])
        cells = inside.reshape(points.shape[:2])
        return cells.repeat(step, axis=0).repeat(step, axis=1)[: self.height, : self.width]

    @property
    def metres_across(self) -> float:
        """True metres on the ground of one pixel of the view along its rows, at its centre."""
        if self.info.crs is None:
            return self.info.gsd_m / self.scale
        (lon0, lat0), (lon1, lat1) = (self._lonlat(self.width / 2 + d, self.height / 2) for d in (-0.5, 0.5))
        return float(Geod(ellps="WGS84").inv(lon0, lat0, lon1, lat1)[2])

    @property
    def north(self) -> tuple[float, float] | None:
        """Unit vector (right, down) towards true north at the view's centre; None without georeference."""
        if self.info.crs is None:
            return None
        lon, lat = self._lonlat(self.width / 2, self.height / 2)
        ahead = self.to_view(np.array([[lon, lat], [lon, lat + 1e-4]]), "EPSG:4326")
        right, down = (ahead[1] - ahead[0]).tolist()
        length = math.hypot(right, down)
        return right / length, down / length

    def _to_crs(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points (…, 2) in pixels of the view as x and y of the scene's CRS."""
        across, down = np.moveaxis(points / self.scale + (self.left, self.top), -1, 0)
        a, b, c, d, e, f = self.info.transform
        return a * across + b * down + c, d * across + e * down + f

    def _lonlat(self, column: float, row: float) -> tuple[float, float]:
        x, y = self._to_crs(np.array([column, row], dtype=np.float64))
        lon, lat = Transformer.from_crs(self.info.crs, "EPSG:4326", always_xy=True).transform(x, y)
        return float(lon), float(lat)


def in_pixels(geometry: BaseGeometry, info: SceneInfo, crs: str | None) -> BaseGeometry:
    """A geometry of a plane in pixels of the scene."""
    return shapely.transform(geometry, lambda points: info.to_pixels(points, crs))


def _snapped(bounds: Bounds, scene: Bounds) -> Bounds:
    """Bounds whose edges stand less than a pixel off the scene's, by rounding, on them."""
    left, top, right, bottom = (
        e if abs(edge - e) < 1 else edge for edge, e in zip(bounds, scene, strict=True)
    )
    return left, top, right, bottom


def rings(geometry: BaseGeometry) -> list[NDArray[np.float64]]:
    """The outer and inner rings (N, 2) of all polygons of a geometry."""
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return [shapely.get_coordinates(ring) for p in polygons for ring in (p.exterior, *p.interiors)]


def covered(points: NDArray[np.float64], zones: Mapping[str, BaseGeometry]) -> NDArray[np.bool_]:
    """(N,) which of the points (N, 2) lie in a zone, its border included; all where there are no zones."""
    if not zones:
        return np.ones(len(points), dtype=np.bool_)
    union = shapely.union_all(list(zones.values()))
    inside: NDArray[np.bool_] = shapely.intersects(union, shapely.points(points))
    return inside
