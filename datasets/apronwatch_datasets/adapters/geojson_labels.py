"""Labels as GeoJSON on the ground, brought into the pixels of their raster."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.exceptions import CRSError

from apronwatch.errors import ApronwatchError
from apronwatch.opening import Source, open_raster

LONLAT = "OGC:CRS84"
"""What a GeoJSON file without a `crs` is in (RFC 7946)."""


@dataclass(frozen=True)
class Features:
    """A GeoJSON file.

    Attributes:
        crs: of its coordinates.
        items: its features, each with `properties` and `geometry`, which are empty where there are none.
    """

    crs: pyproj.CRS
    items: list[dict[str, Any]]


def read_features(path: Path) -> Features:
    """A GeoJSON feature collection; its `crs` member is honoured (GeoJSON 2008, which GDAL still writes).

    Raises:
        ValueError: no such collection, or a CRS that is not understood.
        OSError: no such file.
    """
    with path.open(encoding="utf-8-sig") as file:
        document = json.load(file)
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise ValueError("no GeoJSON feature collection")
    named = _table(_table(document.get("crs")).get("properties")).get("name", LONLAT)
    try:
        crs = pyproj.CRS.from_user_input(named)
    except CRSError as error:
        raise ValueError(f"crs {named!r} is not understood") from error
    return Features(crs, [_feature(_table(item)) for item in document["features"]])


def _feature(item: dict[str, Any]) -> dict[str, Any]:
    return {"properties": _table(item.get("properties")), "geometry": _table(item.get("geometry"))}


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def ring(feature: dict[str, Any]) -> NDArray[np.float64]:
    """Outer ring (P, 2) of a feature's polygon, without the point that closes it.

    Raises:
        ValueError: no polygon of three points or more.
    """
    geometry = feature["geometry"]
    coordinates: Any = geometry.get("coordinates")
    if geometry.get("type") == "MultiPolygon" and coordinates and len(coordinates) == 1:
        coordinates = coordinates[0]
    elif geometry.get("type") != "Polygon":
        raise ValueError(f"geometry {geometry.get('type')}, not a polygon")
    try:
        points = np.array([point[:2] for point in coordinates[0]], dtype=np.float64).reshape(-1, 2)
    except (TypeError, IndexError, ValueError) as error:
        raise ValueError("a polygon whose coordinates are no numbers") from error
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < 3:
        raise ValueError(f"a polygon of {len(points)} points")
    return points


@dataclass(frozen=True)
class Grid:
    """Where a raster's pixels lie.

    Attributes:
        crs: None for a picture without georeference.
        transform: pixel column and row to CRS.
        width, height: in pixels.
    """

    crs: pyproj.CRS | None
    transform: Affine
    width: int
    height: int


def read_grid(path: Path) -> Grid | None:
    """The grid of an image file; None where there is no file that can be opened."""
    try:
        with open_raster(Source.locate(str(path))) as dataset:
            crs = None if dataset.crs is None else pyproj.CRS.from_user_input(dataset.crs)
            return Grid(crs, dataset.transform, dataset.width, dataset.height)
    except (ApronwatchError, CRSError):
        return None


def to_pixels(points: NDArray[np.float64], crs: pyproj.CRS, grid: Grid) -> NDArray[np.float64]:
    """Points (..., 2) of a CRS in pixels of a grid.

    Args:
        points: x and y (longitude and latitude) each.
        crs: of the points.
        grid: one without a CRS is taken to be in that of the points.
    """
    x, y = points[..., 0], points[..., 1]
    if grid.crs is not None and grid.crs != crs:
        x, y = Transformer.from_crs(crs, grid.crs, always_xy=True).transform(x, y)
    columns, rows = ~grid.transform @ (np.asarray(x), np.asarray(y))
    return np.stack([columns, rows], axis=-1)
