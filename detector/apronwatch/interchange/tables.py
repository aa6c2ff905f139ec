"""What all formats of detections share: rings, attributes, provenance and pixel coordinates."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj, Transformer

from apronwatch.detections import Detections, Polygons
from apronwatch.errors import DetectionsUnreadable, OutputInvalid
from apronwatch.interchange.files import public_name
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo
from apronwatch.taxonomy import CLASSES
from apronwatch.version import __version__

ATTRIBUTES = ("class", "score", "length_m", "width_m", "orientation_deg", "truncated")
"""The properties of one detection, in the order of the columns."""


def wound(polygons: Polygons) -> Polygons:
    """The same boxes with corners ordered by positive signed area, each still starting at its first corner.

    That is counterclockwise where y points up (RFC 7946, OGC), clockwise on a picture (y down; DOTA).
    """
    x, y = polygons[..., 0], polygons[..., 1]
    twice_area = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    return np.where((twice_area < 0)[:, None, None], polygons[:, [0, 3, 2, 1]], polygons)


def lonlat(polygons: Polygons, crs: str) -> Polygons:
    """Corners of a projected CRS as longitude and latitude (WGS 84), degrees."""
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        polygons[..., 0], polygons[..., 1]
    )
    return np.stack([longitude, latitude], axis=-1)


def required(info: SceneInfo | None, format: str) -> SceneInfo:
    """The scene's facts; `OutputInvalid` where a format that is in pixels of a scene has none."""
    if info is None:
        raise OutputInvalid(
            f"{format} is in pixels of a scene, and no scene was named; give its SceneInfo as info"
        )
    return info


def in_pixels(detections: Detections, scene: SceneInfo) -> Polygons:
    """Corners in pixels of the scene's image (x right, y down), wound."""
    return wound(scene.to_pixels(detections.polygons, detections.crs))


def attributes(detections: Detections) -> dict[str, NDArray[Any]]:
    """The columns `ATTRIBUTES`, (N,) each: metres to the millimetre, degrees to the hundredth.

    `orientation_deg` is the direction of the longest side in [0, 180), clockwise from true north: the grid's
    direction plus the meridian convergence at the box (up to 2.6 degrees in UTM at 60 degrees north).
    In pixels: clockwise from up.
    """
    return {
        "class": np.array(CLASSES, dtype=object)[detections.classes],
        "score": detections.scores,
        "length_m": detections.lengths_m.round(3),
        "width_m": detections.widths_m.round(3),
        "orientation_deg": (detections.orientations_deg + _convergence_deg(detections)).round(2) % 180.0,
        "truncated": detections.truncated,
    }


def _convergence_deg(detections: Detections) -> NDArray[np.float64]:
    if detections.crs is None or not len(detections):
        return np.zeros(len(detections))
    plane = Proj(detections.crs)
    x, y = detections.centres.T
    longitude, latitude = plane(x, y, inverse=True)
    return np.asarray(plane.get_factors(longitude, latitude).meridian_convergence, dtype=np.float64)


def short(score: np.float32) -> float:
    """The shortest decimal number that is this score: 0.9, not 0.8999999761581421."""
    return float(str(score))


def provenance(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> dict[str, Any]:
    """What a file says of its making, as JSON types: software, plane of the boxes, scene and weights."""
    scene = None
    if info is not None:
        scene = info.to_dict() | {"path": public_name(info.path)}
    weights = None
    if model is not None:
        weights = {
            "name": model.name,
            "sha256": model.sha256,
            "terms": model.terms,
            "data": model.data,
            "synthetic_only": list(model.synthetic_only),
        }
    return {
        "software": f"apronwatch {__version__}",
        "plane": {"crs": detections.crs, "unit_m": detections.unit_m},
        "scene": scene,
        "model": weights,
    }


def class_ids(names: Iterable[object], source: object) -> NDArray[np.int16]:
    """Indices of class names; `DetectionsUnreadable` names the first that is not counted."""
    known = {name: index for index, name in enumerate(CLASSES)}
    found = list(names)
    for name in found:
        if name not in known:
            raise DetectionsUnreadable(f"{source} has the class {name!r}; known are {', '.join(CLASSES)}")
    return np.array([known[str(name)] for name in found], dtype=np.int16)


def pixel_unit(told: float | None, info: SceneInfo | None, source: object) -> float:
    """Metres a pixel: what the file told, else the scene's; `DetectionsUnreadable` where neither says it."""
    if told is not None:
        return told
    if info is None:
        raise DetectionsUnreadable(f"{source} does not say its ground sample distance; give its scene")
    return info.gsd_m


@contextmanager
def understood(source: object, expected: str) -> Iterator[None]:
    """Turns what parsing a malformed file raises into a `DetectionsUnreadable` that names the file."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise DetectionsUnreadable(
            f"{source} is no {expected} ({type(error).__name__}: {error}); docs/formats.md shows one"
        ) from error
