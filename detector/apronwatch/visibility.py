"""How much of each zone a scene really showed, and which ground that was.

Both are accumulated from the tiles' masks in the pass that looks for objects, so that pixels are read once.
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

Bounds = tuple[float, float, float, float]
"""Least x, least y, greatest x, greatest y."""

ToPixels = Callable[
    [NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]
]

CHUNK_M = 256
"""Side of the square of cells that the grid keeps together."""

_EDGE = 1e-6
"""Two sides of a shared edge may differ by rounding; a cell on it is then looked at twice, never missed."""

_FULL = np.full((CHUNK_M, CHUNK_M // 8), 0xFF, dtype=np.uint8)
_FULL.flags.writeable = False
_MAGIC = b"AWG1"


class ObservedGrid:
    """The cells of 1 m of a plane that were observed, anchored on whole metres.

    A cell is observed if the pixel under its centre was valid. Chunks of 256 by 256 cells hold a bit a cell;
    wholly observed chunks share one array and empty ones are not kept, which keeps a square of 10 km small.
    """

    def __init__(self, crs: str) -> None:
        """An empty grid in a projected CRS in metres."""
        self.crs = crs
        self._chunks: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObservedGrid) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def add(self, core: Bounds, to_plane: Affine, valid: NDArray[np.bool_]) -> None:
        """Mark the cells whose centre lies in the core and on a valid pixel of its tile.

        Args:
            core: the part of the tile that counts, in metres of the plane.
            to_plane: (column, row) of the tile to the plane; north up.
            valid: (H, W) mask of the tile.
        """
        x0, y0 = (math.ceil(edge - 0.5 - _EDGE) for edge in core[:2])
        x1, y1 = (math.ceil(edge - 0.5 + _EDGE) for edge in core[2:])
        columns = np.floor((np.arange(x0, x1) + 0.5 - to_plane.c) / to_plane.a).astype(np.intp)
        rows = np.floor((np.arange(y0, y1) + 0.5 - to_plane.f) / to_plane.e).astype(np.intp)
        height, width = valid.shape
        seen = valid[np.clip(rows, 0, height - 1)[:, None], np.clip(columns, 0, width - 1)]
        for cy in range(y0 // CHUNK_M, -(-y1 // CHUNK_M)):
            for cx in range(x0 // CHUNK_M, -(-x1 // CHUNK_M)):
                left, bottom = cx * CHUNK_M, cy * CHUNK_M
                top, right = min(y1, bottom + CHUNK_M), min(x1, left + CHUNK_M)
                piece = seen[max(y0, bottom) - y0 : top - y0, max(x0, left) - x0 : right - x0]
                self._mark((cx, cy), max(x0, left) - left, max(y0, bottom) - bottom, piece)

    def _mark(self, key: tuple[int, int], column: int, row: int, piece: NDArray[np.bool_]) -> None:
        if not piece.any() or self._chunks.get(key) is _FULL:
            return
        cells = np.zeros((CHUNK_M, CHUNK_M), dtype=np.bool_)
        cells[row : row + piece.shape[0], column : column + piece.shape[1]] = piece
        self._merge(key, np.packbits(cells, axis=1))

    def _merge(self, key: tuple[int, int], bits: NDArray[np.uint8]) -> None:
        known = self._chunks.get(key)
        joined = bits if known is None else known | bits
        self._chunks[key] = _FULL if (joined == 0xFF).all() else joined

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(N,) whether each of the points (N, 2) lies in an observed cell; points in metres of the plane."""
        cells = np.floor(np.asarray(points, dtype=np.float64).reshape(-1, 2)).astype(np.int64)
        inside = np.zeros(len(cells), dtype=np.bool_)
        keys, chunk_of = np.unique(cells // CHUNK_M, axis=0, return_inverse=True)
        chunk_of = chunk_of.reshape(-1)
        for k, (cx, cy) in enumerate(keys.tolist()):
            bits = self._chunks.get((cx, cy))
            if bits is not None:
                here = np.flatnonzero(chunk_of == k)
                column, row = (cells[here] % CHUNK_M).T
                inside[here] = bits[row, column >> 3] >> (7 - (column & 7)) & 1
        return inside

    def union(self, other: Self) -> Self:
        """The cells of either; raises `ValueError` for grids of different planes."""
        if other.crs != self.crs:
            raise ValueError(f"observed grids in {self.crs} and {other.crs} cannot be united")
        united = type(self)(self.crs)
        united._chunks = dict(self._chunks)
        for key, bits in other._chunks.items():
            united._merge(key, bits)
        return united

    @property
    def empty(self) -> bool:
        """Whether no cell was observed."""
        return not self._chunks

    def minus(self, other: Self) -> Self:
        """The cells that the other lacks; raises `ValueError` for grids of different planes."""
        if other.crs != self.crs:
            raise ValueError(f"observed grids in {self.crs} and {other.crs} cannot be compared")
        left = type(self)(self.crs)
        for key, bits in self._chunks.items():
            lacking = bits & ~other._chunks.get(key, np.uint8(0))
            if lacking.any():
                left._merge(key, lacking)
        return left

    def on_raster(self, to_pixels: ToPixels, width: int, height: int) -> Self:
        """The cells whose centre lies on a raster, on a valid pixel or not.

        Args:
            to_pixels: x and y of the plane to columns and rows of the raster; across a chunk it is nearly linear.
            width: of the raster in pixels.
            height: of the raster in pixels.
        """
        lies = type(self)(self.crs)
        at = (np.arange(CHUNK_M) + 0.5) / CHUNK_M
        for key, bits in self._chunks.items():
            x, y = np.meshgrid(*(np.array((k, k + 1.0)) * CHUNK_M for k in key))
            with np.errstate(invalid="ignore"):  # no number where the raster's CRS does not reach
                columns, rows = (_between(corners, at) for corners in to_pixels(x, y))
            inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
            lying = bits & np.packbits(inside, axis=1)
            if lying.any():
                lies._merge(key, lying)
        return lies

    def fraction(self, polygon: BaseGeometry) -> float:
        """Share of a polygon of the plane that was observed, 0 to 1; exactly 1 if all its cells were."""
        origin = _origin(polygon)
        ground = _shifted(polygon, origin)
        seen = [
            _seen_area(
                _part(ground, _box((x, y, x + CHUNK_M, y + CHUNK_M), origin)),
                Affine(1, 0, x - origin[0], 0, -1, y + CHUNK_M - origin[1]),
                cells[::-1],
            )
            for x, y, cells in self._chunks_near(polygon.bounds)
        ]
        return min(1.0, math.fsum(seen) / float(ground.area))

    def _chunks_near(self, bounds: Bounds) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
        """West and south edge of each kept chunk that touches the bounds, and its cells from the south up."""
        west, south, east, north = (math.floor(edge / CHUNK_M) for edge in bounds)
        for (cx, cy), bits in self._chunks.items():
            if west <= cx <= east and south <= cy <= north:
                yield cx * CHUNK_M, cy * CHUNK_M, np.unpackbits(bits, axis=1).view(np.bool_)

    def to_bytes(self) -> bytes:
        """Compact and deterministic; `from_bytes` gives the grid back."""
        whole = sorted(key for key, bits in self._chunks.items() if bits is _FULL)
        partial = sorted(key for key, bits in self._chunks.items() if bits is not _FULL)
        header = json.dumps({"crs": self.crs, "whole": len(whole), "partial": len(partial)}).encode()
        keys = np.array(whole + partial, dtype="<i4").tobytes()
        cells = b"".join(self._chunks[key].tobytes() for key in partial)
        return _MAGIC + zlib.compress(struct.pack("<I", len(header)) + header + keys + cells, level=6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The grid that `to_bytes` wrote; raises `ValueError` for anything else."""
        if data[:4] != _MAGIC:
            raise ValueError("no observed grid of version 1")
        try:
            body = zlib.decompress(data[4:])
        except zlib.error as error:
            raise ValueError(f"observed grid cannot be unpacked: {error}") from error
        start = 4 + struct.unpack_from("<I", body)[0]
        header = json.loads(body[4:start])
        n = header["whole"] + header["partial"]
        keys = np.frombuffer(body, dtype="<i4", count=2 * n, offset=start).reshape(-1, 2).tolist()
        cells = np.frombuffer(body, dtype=np.uint8, offset=start + 8 * n).reshape(-1, *_FULL.shape)
        grid = cls(header["crs"])
        for k, (cx, cy) in enumerate(keys):
            grid._chunks[cx, cy] = _FULL if k < header["whole"] else cells[k - header["whole"]]
        return grid


@dataclass(frozen=True, eq=False)
class Visibility:
    """What a scene showed of a site.

    Attributes:
        fractions: per zone id, `*` (all zones together) included, the share of its area seen, 0 to 1.
        areas_m2: per zone id, its area in the plane of the detections, in square metres.
        grid: the ground that was observed; None for pictures without georeference, which are never united.
        noted: by word (snow, haze) and zone id, the share of its area that was seen in that state; zones without are
            left out.
    """

    fractions: dict[str, float]
    areas_m2: dict[str, float]
    grid: ObservedGrid | None
    noted: dict[str, dict[str, float]] = field(default_factory=dict)


class VisibilityMeter:
    """Accumulates, tile by tile in any order, what was seen of some zones.

    The seen area of a zone is the sum over cores of area(zone in core) times the share of the zone's pixels
    there that are valid. A fully valid core gives exactly its part of the zone; ground never added is unseen.
    """

    def __init__(self, zones: Mapping[str, BaseGeometry], crs: str | None) -> None:
        """Zones by id in metres of a plane; `crs` names it, or is None for a picture without georeference."""
        flat = [zone_id for zone_id, zone in zones.items() if not zone.area > 0]
        if flat:
            raise ValueError(f"zones without area cannot be measured: {', '.join(flat)}")
        # Near the origin, UTM's millions of metres do not eat the last digits of small areas.
        self._origin = _origin(*zones.values())
        self._zones = {zone_id: _shifted(zone, self._origin) for zone_id, zone in zones.items()}
        self._ids = tuple(self._zones)
        self._tree = STRtree(list(self._zones.values()))
        self._seen: dict[str, list[float]] = {zone_id: [] for zone_id in self._ids}
        self._noted: dict[str, dict[str, list[float]]] = {}
        self._grid = None if crs is None else ObservedGrid(crs)

    def add(
        self,
        core: Bounds,
        to_plane: Affine,
        valid: NDArray[np.bool_],
        noted: Mapping[str, NDArray[np.bool_]] = MappingProxyType({}),
    ) -> None:
        """Count in the core of one tile; cores of different tiles must not overlap.

        Args:
            core: (least x, least y, greatest x, greatest y) in metres of the plane, within the tile.
            to_plane: (column, row) of the tile to the plane; north up, row 0 at the north edge.
            valid: (H, W) mask of the whole tile.
            noted: (H, W) by word, which of the valid pixels that is told of.
        """
        if self._grid is not None:
            self._grid.add(core, to_plane, valid)
        ground = _box(core, self._origin)
        to_local = _moved(to_plane, -self._origin[0], -self._origin[1])
        for k in self._tree.query(ground, predicate="intersects"):
            zone_id = self._ids[k]
            part = _part(self._zones[zone_id], ground)
            self._seen[zone_id].append(_seen_area(part, to_local, valid))
            for word, where in noted.items():
                area = _seen_area(part, to_local, where)
                self._noted.setdefault(word, {}).setdefault(zone_id, []).append(area)

    def result(self) -> Visibility:
        """What was seen of every zone so far; it does not depend on the order of the tiles."""
        areas = {zone_id: float(zone.area) for zone_id, zone in self._zones.items()}
        fractions = {zone_id: _share(self._seen[zone_id], areas[zone_id]) for zone_id in areas}
        noted = {
            word: {z: share for z, parts in zones.items() if (share := _share(parts, areas[z])) > 0}
            for word, zones in sorted(self._noted.items())
        }
        return Visibility(
            fractions, areas, self._grid, {word: zones for word, zones in noted.items() if zones}
        )


def _between(corners: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, N) values inside a square of four corners (2, 2), at N shares of its sides."""
    sides = corners[:, :1] + (corners[:, 1:] - corners[:, :1]) * at
    inside: NDArray[np.float64] = sides[0] + (sides[1] - sides[0]) * at[:, None]
    return inside


def _share(parts: list[float], area: float) -> float:
    """Beyond nine decimals there is only rounding: a zone that was wholly seen is 1, not 0.9999999999999999."""
    return min(1.0, round(math.fsum(parts) / area, 9))


def _origin(*geometries: BaseGeometry) -> tuple[float, float]:
    west, south, _, _ = shapely.total_bounds(list(geometries)).tolist()
    return (math.floor(west), math.floor(south)) if geometries else (0.0, 0.0)


def _shifted(geometry: BaseGeometry, origin: tuple[float, float]) -> BaseGeometry:
    return shapely.transform(geometry, lambda points: points - origin)


def _box(bounds: Bounds, origin: tuple[float, float]) -> BaseGeometry:
    x, y = origin
    return shapely.box(bounds[0] - x, bounds[1] - y, bounds[2] - x, bounds[3] - y)


def _part(zone: BaseGeometry, ground: BaseGeometry) -> BaseGeometry:
    """The polygons of a zone on a piece of ground (where the two only touch, an intersection has lines)."""
    parts = shapely.get_parts(shapely.intersection(zone, ground))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def _seen_area(part: BaseGeometry, to_plane: Affine, valid: NDArray[np.bool_]) -> float:
    """Area of polygons times the share of valid pixels among those with their centre inside."""
    area = float(part.area)
    if area == 0:
        return 0.0
    west, south, east, north = part.bounds
    left, right = _span(((west - to_plane.c) / to_plane.a, (east - to_plane.c) / to_plane.a), valid.shape[1])
    top, bottom = _span(
        ((north - to_plane.f) / to_plane.e, (south - to_plane.f) / to_plane.e), valid.shape[0]
    )
    mask = valid[top:bottom, left:right]
    if mask.all():
        return area
    if not mask.any():
        return 0.0
    window = _moved(to_plane, left * to_plane.a, top * to_plane.e)
    inside = rasterize([part], out_shape=mask.shape, transform=window, dtype="uint8").view(np.bool_)
    if not inside.any():  # smaller than a pixel
        inside = _pixel_of(part, window, mask.shape)
    return area * float(mask[inside].mean())


def _pixel_of(part: BaseGeometry, to_plane: Affine, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The one pixel under a point inside the polygons."""
    point = part.representative_point()
    column = math.floor((point.x - to_plane.c) / to_plane.a)
    row = math.floor((point.y - to_plane.f) / to_plane.e)
    inside = np.zeros(shape, dtype=np.bool_)
    inside[min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)] = True
    return inside


def _moved(to_plane: Affine, x: float, y: float) -> Affine:
    return Affine(to_plane.a, to_plane.b, to_plane.c + x, to_plane.d, to_plane.e, to_plane.f + y)


def _span(edges: tuple[float, float], size: int) -> tuple[int, int]:
    """First and past-the-last pixel under an interval, clipped to the tile, at least one."""
    first = min(max(math.floor(edges[0] + _EDGE), 0), size - 1)
    return first, min(max(math.ceil(edges[1] - _EDGE), first + 1), size)
