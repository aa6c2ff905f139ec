"""The world-anchored lattice of tiles: which windows to look at, and which tile owns a point.

The same ground gives the same tile on every date, whatever the crop of the scene. Each tile has a core; the
cores partition the plane, so each centre of an object has exactly one owner, and the overlap is wide enough
for the owner to see the whole object.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import TileTooSmall

GUARD_PX = 8
"""How far beyond its core a tile's detections are heeded: more than a centre differs from tile to tile."""

LEAST_STRIDE_PX = 64
"""Narrower cores would put a point within the guards of more than two tiles along an axis."""

Bounds = tuple[float, float, float, float]
"""minx, miny, maxx, maxy in metres of the plane."""

_NOISE = 1e-9
"""Share of a stride by which rounding may shift a scene's edge; ground this thin needs no tile of its own."""


@dataclass(frozen=True)
class Tile:
    """One window of the lattice.

    Attributes:
        i, j: its column (growing with x) and row (growing with y) in the lattice.
        bounds: the ground it shows.
        core: the ground it owns, within the scene's bounds and (but for rounding) within `bounds`.
        gsd_m: metres of one pixel.
        size_px: pixels along each side.
    """

    i: int
    j: int
    bounds: Bounds
    core: Bounds
    gsd_m: float
    size_px: int

    @property
    def to_plane(self) -> Affine:
        """Pixel (column, row), row 0 at the north edge, to metres of the plane."""
        return Affine(self.gsd_m, 0.0, self.bounds[0], 0.0, -self.gsd_m, self.bounds[3])


def overlap_for(longest_m: float, gsd_m: float, guard_px: int = GUARD_PX) -> int:
    """Overlap in pixels, a multiple of 32 above `longest_m` and two guards: owners see objects whole."""
    return 32 * (math.floor((longest_m / gsd_m + 2 * guard_px) / 32) + 1)


@dataclass(frozen=True)
class Lattice:
    """Tiles of `tile_px` pixels, `overlap_px` shared with each neighbour, over a scene.

    Tile (i, j) covers [i*S*G, i*S*G + T*G) on x and likewise on y, with stride S = T - O and GSD G; its
    core is [i*S*G + O*G/2, + S*G). Without a CRS the plane is a picture's (x = column * G, y = -row * G)
    and the rows of tiles start at its top edge: y is less by O*G.

    Attributes:
        gsd_m: metres of one pixel of a tile.
        tile_px: T, pixels along each side of a tile.
        overlap_px: O, an even number of pixels.
        bounds: the scene's footprint in the plane; tiles beyond it are never made, and the outermost own what
            is left up to its edge (and beyond).
        crs: of the plane; None for a picture.
    """

    gsd_m: float
    tile_px: int
    overlap_px: int
    bounds: Bounds
    crs: str | None = None

    def __post_init__(self) -> None:
        if self.stride_px < LEAST_STRIDE_PX:
            raise TileTooSmall(
                f"tiles of {self.tile_px} px at {self.gsd_m:g} m, of which the longest object needs "
                f"{self.overlap_px} px as overlap, leave a stride below {LEAST_STRIDE_PX} px: "
                "use larger tiles or a coarser GSD"
            )
        minx, miny, maxx, maxy = self.bounds
        if self.gsd_m <= 0 or self.overlap_px < 0 or self.overlap_px % 2 or not (minx < maxx and miny < maxy):
            raise ValueError(f"no lattice of {self.gsd_m} m, overlap {self.overlap_px} px over {self.bounds}")

    @property
    def stride_px(self) -> int:
        """S = T - O, the side of a core."""
        return self.tile_px - self.overlap_px

    @property
    def first(self) -> NDArray[np.intp]:
        """(2,) least i and j."""
        steps = np.array(self.bounds[:2]) / self.gsd_m - self._anchor_px
        return np.floor(steps / self.stride_px + _NOISE).astype(np.intp)

    @property
    def last(self) -> NDArray[np.intp]:
        """(2,) greatest i and j."""
        steps = np.array(self.bounds[2:]) / self.gsd_m - self._anchor_px - self.tile_px
        return np.maximum(self.first, np.ceil(steps / self.stride_px - _NOISE).astype(np.intp))

    def owner(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """(N, 2) i, j of the tile whose core, [west, east) by [south, north), holds each point (N, 2)."""
        points = np.asarray(points, dtype=np.float64)
        steps = (points / self.gsd_m - self._anchor_px - self.overlap_px / 2) / self.stride_px
        guess = np.floor(steps).astype(np.intp)
        # The division rounds; the edges of the cores, as `tiles` gives them, decide.
        guess = guess + (points >= self._core_edge(guess + 1)) - (points < self._core_edge(guess))
        owners: NDArray[np.intp] = np.clip(guess, self.first, self.last)
        return owners

    def tile(self, i: int, j: int) -> Tile:
        """The tile at column i, row j."""
        ij = np.array([i, j])
        low = (ij * self.stride_px + self._anchor_px) * self.gsd_m
        high = (ij * self.stride_px + self._anchor_px + self.tile_px) * self.gsd_m
        west, south = np.where(ij == self.first, self.bounds[:2], self._core_edge(ij)).tolist()
        east, north = np.where(ij == self.last, self.bounds[2:], self._core_edge(ij + 1)).tolist()
        return Tile(
            i, j, (*low.tolist(), *high.tolist()), (west, south, east, north), self.gsd_m, self.tile_px
        )

    def tiles(self, area: BaseGeometry | None = None, guard_px: int = GUARD_PX) -> list[Tile]:
        """Tiles whose core, grown by the guard, touches the area (None: all); row by row from the north."""
        grid = list(self._grid(area, guard_px))
        if area is None or not grid:
            return grid
        grow = guard_px * self.gsd_m
        west, south, east, north = np.array([tile.core for tile in grid]).T
        cores = shapely.box(west - grow, south - grow, east + grow, north + grow)
        shapely.prepare(area)
        touched = shapely.intersects(area, cores)
        return [tile for tile, wanted in zip(grid, touched, strict=True) if wanted]

    def _grid(self, area: BaseGeometry | None, guard_px: int) -> Iterator[Tile]:
        """Tiles whose grown core may touch the area's envelope."""
        first, last = self.first, self.last
        if area is not None:
            if area.is_empty:
                return
            low, high = np.array(area.bounds).reshape(2, 2)
            reach = (guard_px + 1) * self.gsd_m
            first, last = self.owner(np.stack([low - reach, high + reach]))
        for j in range(last[1], first[1] - 1, -1):
            for i in range(first[0], last[0] + 1):
                yield self.tile(i, j)

    @property
    def _anchor_px(self) -> NDArray[np.float64]:
        return np.array([0.0, -float(self.overlap_px) if self.crs is None else 0.0])

    def _core_edge(self, ij: NDArray[np.intp]) -> NDArray[np.float64]:
        """West and south edges of the cores of tiles (…, 2)."""
        edge: NDArray[np.float64] = (ij * self.stride_px + self._anchor_px + self.overlap_px / 2) * self.gsd_m
        return edge
