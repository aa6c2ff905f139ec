"""GeoJSON (RFC 7946): longitude and latitude, or pixels with the member `"crs": "pixel"`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

from apronwatch.detections import Detections, Polygons
from apronwatch.errors import DetectionsUnreadable
from apronwatch.interchange import antimeridian
from apronwatch.interchange.tables import (
    attributes,
    class_ids,
    lonlat,
    pixel_unit,
    provenance,
    short,
    understood,
    wound,
)
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo

_DEGREE_DECIMALS = 9  # 0.1 mm on the ground
_PIXEL_DECIMALS = 4


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """A FeatureCollection with one Polygon a detection (a MultiPolygon where it crosses the antimeridian)."""
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if detections.crs is None:
        collection["crs"] = "pixel"
    collection["apronwatch"] = provenance(detections, info, model)
    collection["features"] = _features(detections)
    return json.dumps(collection, allow_nan=False, ensure_ascii=False).encode()


def _features(detections: Detections) -> list[dict[str, Any]]:
    columns = {name: values.tolist() for name, values in attributes(detections).items()}
    columns["score"] = [short(score) for score in detections.scores]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {"type": "Feature", "geometry": geometry, "properties": row}
        for geometry, row in zip(_geometries(detections), rows, strict=True)
    ]


def _geometries(detections: Detections) -> list[dict[str, Any]]:
    if detections.crs is None:
        corners = wound(detections.polygons).round(_PIXEL_DECIMALS)
        return [_polygon(box) for box in corners]
    corners = lonlat(detections.polygons, detections.crs)
    wraps = np.ptp(corners[..., 0], axis=1) > 180.0
    plain = wound(corners).round(_DEGREE_DECIMALS)
    return [_cut(corners[k]) if wrapped else _polygon(plain[k]) for k, wrapped in enumerate(wraps.tolist())]


def _polygon(corners: Polygons) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*corners.tolist(), corners[0].tolist()]]}


def _cut(corners: Polygons) -> dict[str, Any]:
    geometry = antimeridian.cut(shapely.Polygon(corners))
    rounded = shapely.transform(geometry, lambda xy: xy.round(_DEGREE_DECIMALS))
    return dict(rounded.__geo_interface__)


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The detections of a file that `encode` made, in the plane they came from; see `interchange.read`."""
    with understood(path, "GeoJSON of detections"):
        collection = json.loads(path.read_bytes())
        features = collection["features"]
        rows = [feature["properties"] for feature in features]
        plane = collection.get("apronwatch", {}).get("plane", {})
        if collection.get("crs") == "pixel":
            crs, unit_m = None, pixel_unit(plane.get("unit_m"), info, path)
        else:
            crs, unit_m = _projected(plane.get("crs"), path), 1.0
        corners = [_corners(feature["geometry"]) for feature in features]
        return Detections(
            _boxes(corners, crs),
            np.array([row["score"] for row in rows], dtype=np.float32),
            class_ids([row["class"] for row in rows], path),
            np.array([row["truncated"] for row in rows], dtype=np.bool_),
            crs,
            unit_m,
        )


def _projected(crs: str | None, path: Path) -> str:
    if crs is None:
        raise DetectionsUnreadable(
            f"{path} is in longitude and latitude and names no plane of its boxes; "
            'expected "apronwatch": {"plane": {"crs": "EPSG:326zz"}}'
        )
    return crs


def _corners(geometry: dict[str, Any]) -> Polygons:
    if geometry["type"] == "Polygon":
        return np.array(geometry["coordinates"][0], dtype=np.float64)
    return np.concatenate([np.array(part[0], dtype=np.float64) for part in geometry["coordinates"]])


def _boxes(corners: list[Polygons], crs: str | None) -> Polygons:
    """(N, 4, 2) of rings (5, 2), or of the points of boxes that were cut in two, into the plane."""
    if not corners:
        return np.zeros((0, 4, 2))
    points = np.concatenate(corners)
    if crs is not None:
        points = np.stack(
            Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*points.T), axis=-1
        )
    rings = np.split(points, np.cumsum([len(box) for box in corners])[:-1])
    return np.stack([(ring if len(ring) == 5 else _hull(ring))[:4] for ring in rings])


def _hull(points: Polygons) -> Polygons:
    hull = shapely.MultiPoint(points).minimum_rotated_rectangle
    return np.asarray(hull.exterior.coords)
