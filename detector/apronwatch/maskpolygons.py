"""Polygons that hide the ground, laid over the tiles of a scene."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import MaskInvalid
from apronwatch.lattice import Tile
from apronwatch.masklayers import Cover
from apronwatch.opening import one_line
from apronwatch.sceneinfo import SceneInfo
from apronwatch.warping import along
from apronwatch.zone import PIXEL

VECTOR_SUFFIXES = frozenset({".geojson", ".json", ".gpkg", ".shp", ".fgb", ".parquet"})

_MARGIN = 0.2
"""Ground about a scene that polygons are laid over, too, as a share of its longer side."""
_PIECES = 64
"""Straight pieces that a scene-long edge is cut into before it is projected."""


class PolygonMask:
    """Polygons that hide what lies inside them."""

    name = "polygons"

    def __init__(self, key: str, polygons: Sequence[BaseGeometry]) -> None:
        self.key = key
        self._polygons = np.array(polygons, dtype=object)
        self._index = shapely.STRtree(self._polygons)

    @classmethod
    def open(cls, path: Path, scene: SceneInfo, plane_crs: str | None) -> Self:
        """Polygons of a file in the tiles' plane; raises `MaskInvalid`."""
        import geopandas

        try:
            read = geopandas.read_parquet if path.suffix.lower() == ".parquet" else geopandas.read_file
            frame = read(path)
        except (OSError, ValueError, RuntimeError, shapely.errors.ShapelyError) as error:
            raise MaskInvalid(
                f"{path}: not readable as polygons ({one_line(error)}); give a raster or polygons"
            ) from error
        wrong = sorted(set(frame.geom_type) - {"Polygon", "MultiPolygon"}, key=str)
        if wrong:
            raise MaskInvalid(
                f"{path}: a mask of {', '.join(map(str, wrong))}; give polygons of what is hidden"
            )
        _check_valid(path, frame.geometry)
        in_pixels = _in_pixels(path)
        if in_pixels != (plane_crs is None):
            kinds = ("longitude and latitude or a CRS", "pixels")
            raise MaskInvalid(
                f"{path}: polygons in {kinds[in_pixels]} for a scene in {kinds[plane_crs is None]}; "
                'a picture without georeference takes GeoJSON with a member "crs": "pixel"'
            )
        if plane_crs is None:
            shapes = [shapely.transform(g, lambda p: p * [scene.gsd_m, -scene.gsd_m]) for g in frame.geometry]
        elif frame.crs is None:
            raise MaskInvalid(f"{path}: polygons without a CRS for a georeferenced scene; give them with one")
        else:
            shapes = _about_scene(frame.geometry, frame.crs, scene, plane_crs)
            if len(frame) and not shapely.intersects(shapes, _scene_outline(scene, plane_crs)).any():
                raise MaskInvalid(
                    f"{path}: none of its polygons touches the scene; give the mask of this scene, or none"
                )
        return cls(_sha256(path), shapes)

    def cover(self, tile: Tile) -> Cover:
        """See `Mask.cover`."""
        near = self._index.query(shapely.box(*tile.bounds))
        shape = (tile.size_px, tile.size_px)
        if len(near) == 0:
            return Cover(np.zeros(shape, dtype=np.bool_))
        burnt = rasterize(list(self._polygons[near]), out_shape=shape, transform=tile.to_plane)
        return Cover(burnt > 0)


def _about_scene(
    shapes: Iterable[BaseGeometry], crs: pyproj.CRS, scene: SceneInfo, plane_crs: str
) -> list[BaseGeometry]:
    """What lies about the scene of polygons, in a plane.

    They are cut in their own CRS first: far from its meridian UTM folds, and an outline around the world would
    collapse to nothing. Their edges are straight there.
    """
    outline = _scene_outline(scene, crs)
    if crs.is_geographic:
        outline = shapely.transform(outline, lambda p: np.stack([_unwrapped(p[:, 0]), p[:, 1]], axis=1))
    left, bottom, right, top = outline.bounds
    if not np.isfinite(outline.bounds).all():  # the CRS does not reach the scene, nor do the polygons
        return []
    side = max(right - left, top - bottom)
    area = shapely.box(*np.array([left, bottom, right, top]) + np.array([-1, -1, 1, 1]) * _MARGIN * side)
    turns = (-360.0, 0.0, 360.0) if crs.is_geographic else (0.0,)
    given = np.array(list(shapes), dtype=object)
    cut = [
        shapely.intersection(shapely.transform(given, lambda p, turn=turn: np.add(p, (turn, 0.0))), area)
        for turn in turns
    ]
    parts = [part for part in shapely.get_parts(np.concatenate(cut)) if part.geom_type == "Polygon"]
    to_plane = Transformer.from_crs(crs, plane_crs, always_xy=True)
    return [
        shapely.transform(
            shapely.segmentize(part, side / _PIECES), lambda p: np.stack(to_plane.transform(*p.T), axis=1)
        )
        for part in parts
    ]


def _unwrapped(longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes within half a turn of the first, across longitude 180 too."""
    first = longitudes[0]
    return np.asarray(first + (longitudes - first + 180.0) % 360.0 - 180.0)


def _scene_outline(scene: SceneInfo, crs: str | pyproj.CRS) -> BaseGeometry:
    """The scene's rectangle in a CRS."""
    edge = shapely.segmentize(
        shapely.box(0, 0, scene.width, scene.height), max(scene.width, scene.height) / _PIECES
    )
    x, y = along(scene.affine, *shapely.get_coordinates(edge).T)
    transformer = Transformer.from_crs(scene.crs, crs, always_xy=True)
    return shapely.polygons(np.stack(transformer.transform(x, y), axis=1))


def _check_valid(path: Path, shapes: Iterable[BaseGeometry]) -> None:
    """Refuse outlines that cross themselves, as site files do: what lies inside them is anyone's guess."""
    for number, shape in enumerate(shapes, start=1):
        if not shape.is_valid:
            raise MaskInvalid(
                f"{path}: polygon {number} is not valid ({shapely.is_valid_reason(shape)}); give it redrawn there, or "
                "the file mended by ogr2ogr -makevalid and looked at"
            )


def _in_pixels(path: Path) -> bool:
    """Whether a GeoJSON file says that it is in pixels; GDAL takes any GeoJSON for longitude and latitude."""
    if path.suffix.lower() not in {".geojson", ".json"}:
        return False
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise MaskInvalid(f"{path}: no JSON ({error}); give polygons as GeoJSON") from error
    return isinstance(document, dict) and document.get("crs") == PIXEL


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
