"""Labels as GeoJSON on the ground, brought into the pixels of their raster."""

from collections.abc import Callable
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
from apronwatch_datasets.formats.texts import finite_array, read_json, unreadable
from apronwatch_datasets.source import Log

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
    document = read_json(path)
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
        points = finite_array([point[:2] for point in coordinates[0]], "corners").reshape(-1, 2)
    except (TypeError, IndexError, KeyError, ValueError) as error:
        raise ValueError("a polygon whose coordinates are no numbers") from error
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < 3:
        raise ValueError(f"a polygon of {len(points)} points")
    return points


@dataclass(frozen=True, eq=False)
class Ring:
    """A feature with a polygon.

    Attributes:
        points: (P, 2) its outer ring, as `ring` gives it.
        name: its source class.
        properties: as written.
        line: 1-based number in its file.
    """

    points: NDArray[np.float64]
    name: str
    properties: dict[str, Any]
    line: int


@dataclass(frozen=True, eq=False)
class Rings:
    """The features of a file that have polygons; `crs` of their points."""

    crs: pyproj.CRS
    items: list[Ring]


def read_rings(path: Path, name: Callable[[dict[str, Any]], str], log: Log) -> Rings | None:
    """Polygons of a GeoJSON file. A feature without one is noted and lost.

    Args:
        path: the file.
        name: source class of a feature, from its properties; raises `KeyError` where it is not told.
        log: takes the faults.

    Returns:
        None, with a fault noted, where the file is no feature collection.
    """
    try:
        features = read_features(path)
    except (ValueError, OSError) as error:
        unreadable(path, error, log)
        return None
    found = []
    for line, feature in enumerate(features.items, start=1):
        source_class = None
        try:
            source_class = name(feature["properties"])
            found.append(Ring(ring(feature), source_class, feature["properties"], line))
        except (ValueError, KeyError) as error:
            log.bad_line(path, line, f"feature {line}: {_why(error)}", source_class)
    return Rings(features.crs, found)


def _why(error: ValueError | KeyError) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)


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
