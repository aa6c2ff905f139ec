"""Where the pixels of a tile lie in a raster, and the raster's pixels brought there.

The mapping is projected exactly on a coarse grid of control points and interpolated between them. Pixels are averaged
over their area when they shrink and interpolated by cubic convolution when they grow; masks go by nearest neighbour.
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from apronwatch.lattice import Tile

CONTROL_STEP_PX = 32
"""Spacing of the control grid. Over 32 px of 1 m a UTM-to-Mercator mapping departs from a plane by under 1e-4 px."""

MARGIN_PX = 3
"""Source pixels beyond the tile that the cubic kernel reaches, with one to spare."""

Maps = tuple[NDArray[np.float64], NDArray[np.float64]]

Pixels = NDArray[Any]
"""(h, w) or (h, w, B) of any type that OpenCV takes."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a tile's pixels lie in a raster.

    Attributes:
        nodes: (n,) tile coordinates of the control grid, along both axes.
        control: source columns and rows (corner convention) at the control points, (n, n) each.
        scale: source pixels per tile pixel, (along columns, along rows).
        offset: whole-pixel (column, row) of the tile's corner if the raster lies on the lattice, else None.
    """

    nodes: NDArray[np.float64]
    control: Maps
    scale: tuple[float, float]
    offset: tuple[int, int] | None

    @cached_property
    def columns(self) -> NDArray[np.float64]:
        """(T, T) source columns of the tile pixels' centres."""
        return _dense(self.control[0], self.nodes)

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """(T, T) source rows of the tile pixels' centres."""
        return _dense(self.control[1], self.nodes)

    def source(self, step: int = 1) -> tuple[Window, tuple[int, int]]:
        """The part of the raster that the tile shows, with a margin, and the (height, width) that it shrinks to.

        The window may reach beyond the raster: it does not depend on where a scene was cropped. It shrinks to the
        tile's own resolution, never finer, with its pixels on the tile's own where the two grids have the same axes.

        Args:
            step: of the overview that will be read; the window's edges are multiples of it.
        """
        left, width, across = _span(self.columns, self.scale[0], step)
        top, height, down = _span(self.rows.T, self.scale[1], step)
        return Window(left, top, width, height), (down, across)

    def inside(self, width: int, height: int) -> NDArray[np.bool_]:
        """(T, T) tile pixels whose centre lies on a raster of this size."""
        within: NDArray[np.bool_] = (
            (self.columns >= 0) & (self.columns < width) & (self.rows >= 0) & (self.rows < height)
        )
        return within


@dataclass(frozen=True)
class Placer:
    """Places tiles of a plane in a raster.

    Attributes:
        plane_crs: CRS of the tiles' plane, or None for a picture's own plane (x = column·GSD, y = -row·GSD).
        raster_crs: CRS of the raster; None for a picture.
        to_raster_crs: the raster's affine, pixel to `raster_crs` (for a picture: pixel to its plane).
    """

    plane_crs: str | None
    raster_crs: str | None
    to_raster_crs: Affine
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    @cached_property
    def _geographic(self) -> bool:
        return self.raster_crs is not None and CRS.from_user_input(self.raster_crs).is_geographic

    def place(self, tile: Tile) -> Placement:
        """Where the tile's pixels lie."""
        size = tile.size_px
        nodes = np.append(np.arange(0, size, CONTROL_STEP_PX), size).astype(np.float64)
        across, down = np.meshgrid(nodes, nodes)
        columns, rows = self.to_pixels(*along(tile.to_plane, across, down))
        scale = (_per_tile_px(columns, size), _per_tile_px(rows, size))
        return Placement(nodes, (columns, rows), scale, _whole_offset(columns, rows, nodes))

    def to_pixels(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Maps:
        """Points of the plane as (columns, rows) of the raster, corner convention."""
        if self.plane_crs is not None and self.plane_crs != self.raster_crs:
            x, y = self._transformer().transform(x, y)
        if self._geographic:
            # A scene across the antimeridian runs on beyond 180 degrees (or begins before -180).
            origin = self.to_raster_crs.c
            x = (np.asarray(x) - origin + 90.0) % 360.0 - 90.0 + origin
        return along(~self.to_raster_crs, x, y)

    def _transformer(self) -> Transformer:
        # A pyproj transformer must not be used by two threads at once.
        if not hasattr(self._local, "transformer"):
            self._local.transformer = Transformer.from_crs(self.plane_crs, self.raster_crs, always_xy=True)
        transformer: Transformer = self._local.transformer
        return transformer


def along(affine: Affine, x: NDArray[np.float64], y: NDArray[np.float64]) -> Maps:
    """Points of any shape through an affine."""
    a, b, c, d, e, f = tuple(affine)[:6]
    return a * np.asarray(x) + b * np.asarray(y) + c, d * np.asarray(x) + e * np.asarray(y) + f


def _per_tile_px(control: NDArray[np.float64], size_px: int) -> float:
    """Mean gradient of a source coordinate over the tile, whatever the rotation between the two."""
    across = (control[:, -1] - control[:, 0]).mean()
    down = (control[-1] - control[0]).mean()
    return float(np.hypot(across, down) / size_px)


def _dense(control: NDArray[np.float64], nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, T) values at pixel centres, linear between the control points.

    Without matrix products: the threads of a BLAS wait for each other by spinning, and take the engine's cores.
    """
    at = np.arange(0.5, nodes[-1])
    left = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
    share = (at - nodes[left]) / (nodes[left + 1] - nodes[left])
    down = control[left] + share[:, None] * (control[left + 1] - control[left])
    slope = np.diff(down, axis=1)
    dense: NDArray[np.float64] = slope[:, left]
    dense *= share
    dense += down[:, left]
    return dense


def _whole_offset(
    columns: NDArray[np.float64], rows: NDArray[np.float64], nodes: NDArray[np.float64]
) -> tuple[int, int] | None:
    """Offset of a raster that lies on the tile's own pixels (to 0.01 px), else None."""
    column, row = round(float(columns[0, 0])), round(float(rows[0, 0]))
    off = max(np.abs(columns - column - nodes[None, :]).max(), np.abs(rows - row - nodes[:, None]).max())
    return (column, row) if off < 0.01 else None


def _span(run: NDArray[np.float64], scale: float, step: int) -> tuple[int, int, int]:
    """(first source pixel, how many, how many when shrunk) along one axis.

    `run` (T, T) grows along its second axis if the two grids have the same axes.
    """
    tile_px = run.shape[1]
    if scale > 1 and np.ptp(run[:, 0]) < 0.5 and run[0, -1] > run[0, 0]:
        low = float(run[0, 0]) - scale * (MARGIN_PX + 0.5)
        shrunk = tile_px + 2 * MARGIN_PX
        high = low + scale * shrunk
    else:
        margin = MARGIN_PX * max(1.0, scale)
        low, high = float(run.min()) - margin, float(run.max()) + margin
        shrunk = max(1, round((high - low) / max(1.0, scale)))
    first, last = (int(np.floor(edge / step + 0.5)) * step for edge in (low, high))
    return first, max(step, last - first), shrunk


def warp(
    pixels: Pixels,
    valid: NDArray[np.bool_],
    window: Window,
    shape: tuple[int, int],
    placement: Placement,
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Pixels of a window brought onto the tile.

    Args:
        pixels: (h, w, B) of the window, at its own or a reduced resolution.
        valid: (h, w).
        window: as `Placement.source` gave it.
        shape: likewise.
        placement: where the tile's pixels lie in that raster.

    Returns:
        (T, T, B) pixels of the same type and the (T, T) mask of those that hold something (it knows nothing of
        the raster's edges).
    """
    if not valid.all() and valid.any():
        pixels = pixels.copy()
        pixels[~valid] = pixels[valid].mean(axis=0).astype(pixels.dtype)
    if shape != pixels.shape[:2]:
        pixels = _area(pixels, shape)
        valid = _area(valid.astype(np.uint8) * 255, shape)[..., 0] > 127
    columns = ((placement.columns - window.col_off) * (shape[1] / window.width) - 0.5).astype(np.float32)
    rows = ((placement.rows - window.row_off) * (shape[0] / window.height) - 0.5).astype(np.float32)
    warped = cv2.remap(pixels, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.remap(
        valid.astype(np.uint8), columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.reshape(*columns.shape, -1), mask > 0


def _area(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    resized = cv2.resize(pixels, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return resized.reshape(*shape, -1)
