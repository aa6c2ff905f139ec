"""GeoJSON label files on the ground under a raster."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import ArrayLike

Feature = dict[str, Any]


def feature(
    pixels: ArrayLike | None, transform: Affine, crs: str, written_in: str, **properties: object
) -> Feature:
    """A GeoJSON feature with a polygon given in pixels of a raster.

    Args:
        pixels: (P, 2) corners in pixels; None for no geometry.
        transform: pixels to CRS.
        crs: of the raster.
        written_in: CRS of the file.
        properties: of the feature.
    """
    if pixels is None:
        return {"type": "Feature", "properties": properties, "geometry": None}
    x, y = transform @ tuple(np.asarray(pixels, dtype=np.float64).T)
    if written_in != crs:
        x, y = pyproj.Transformer.from_crs(crs, written_in, always_xy=True).transform(x, y)
    ring = np.stack([x, y], axis=-1).tolist()
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "properties": properties, "geometry": polygon}


def write_geojson(path: Path, features: Sequence[Feature], epsg: int | None = None) -> None:
    """A feature collection; without an EPSG code in longitude and latitude, and without `crs`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"type": "FeatureCollection", "name": path.stem}
    if epsg is not None:
        document["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    path.write_text(json.dumps(document | {"features": list(features)}), encoding="utf-8")
