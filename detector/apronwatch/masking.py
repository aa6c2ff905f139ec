"""Masks that a user supplies: where a scene's ground is hidden (clouds and their shadows).

A raster hides wherever it is not zero, and beyond its edge, where it says nothing of the ground; polygons hide what
lies inside them.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import MaskInvalid, SceneUnreadable
from apronwatch.lattice import Tile
from apronwatch.opening import Handles, Source
from apronwatch.sceneinfo import SceneInfo
from apronwatch.warping import Placer, along
from apronwatch.zone import PIXEL

VECTOR_SUFFIXES = frozenset({".geojson", ".json", ".gpkg", ".shp", ".fgb", ".parquet"})


class Mask(Protocol):
    """What a mask file hides, tile by tile."""

    sha256: str

    def hidden(self, tile: Tile) -> NDArray[np.bool_]:
        """(T, T) pixels of the tile whose ground the mask hides."""


def open_mask(path: str | Path, scene: SceneInfo, plane_crs: str | None) -> Mask:
    """The mask in a file, to be laid over tiles of a plane.

    Args:
        path: a raster or polygons (GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet).
        scene: the scene it belongs to; a mask without georeference must have the scene's own size.
        plane_crs: CRS of the tiles' plane; None for pictures without georeference.

    Raises:
        MaskInvalid: it cannot be read, or cannot be laid over the scene.
    """
    path = Path(path)
    if not path.is_file():
        raise MaskInvalid(f"{path}: no such mask file; give a raster or polygons of what is hidden")
    if path.suffix.lower() in VECTOR_SUFFIXES:
        return _PolygonMask.open(path, scene, plane_crs)
    return _RasterMask(path, scene, plane_crs)


def mask_sha256(path: str | Path) -> str:
    """SHA-256 of a mask file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scene_outline(scene: SceneInfo, plane_crs: str) -> BaseGeometry:
    """The scene's rectangle in a plane, corner to corner."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * [scene.width, scene.height]
    x, y = along(scene.affine, *corners.T)
    transformer = Transformer.from_crs(scene.crs, plane_crs, always_xy=True)
    return shapely.polygons(np.stack(transformer.transform(x, y), axis=1))


class _RasterMask:
    def __init__(self, path: Path, scene: SceneInfo, plane_crs: str | None) -> None:
        self._path = path
        self._handles = Handles(Source.locate(str(path)))
        try:
            source = self._handles.get()
        except SceneUnreadable as error:
            raise MaskInvalid(
                f"{path}: no readable raster; give a raster or polygons of what is hidden"
            ) from error
        if source.count != 1:
            raise MaskInvalid(
                f"{path}: a mask of {source.count} bands; give one band, nonzero where it hides"
            )
        self.sha256 = mask_sha256(path)
        self._size = source.width, source.height
        crs, affine = source.crs, source.transform
        if crs is None and self._size != (scene.width, scene.height):
            raise MaskInvalid(
                f"{path}: the mask has {self._size[0]} x {self._size[1]} pixels and no georeference, its scene "
                f"{scene.width} x {scene.height}; give a mask of the scene's own size"
            )
        if crs is not None and plane_crs is None:
            raise MaskInvalid(
                f"{path}: a georeferenced mask for a picture without georeference; give one in pixels"
            )
        if crs is None:
            affine = scene.affine if plane_crs is not None else Affine.scale(scene.gsd_m, -scene.gsd_m)
        self._placer = Placer(plane_crs, scene.crs if crs is None else crs.to_wkt(), affine)
        if crs is not None:
            self._check_place(scene)

    def hidden(self, tile: Tile) -> NDArray[np.bool_]:
        """See `Mask.hidden`."""
        placement = self._placer.place(tile)
        width, height = self._size
        reach = (placement.columns > -1) & (placement.columns < width + 1)
        reach &= (placement.rows > -1) & (placement.rows < height + 1)
        hidden = np.ones((tile.size_px, tile.size_px), dtype=np.bool_)
        if not reach.any():
            return hidden
        columns = np.floor(placement.columns[reach]).astype(np.intp).clip(0, width - 1)
        rows = np.floor(placement.rows[reach]).astype(np.intp).clip(0, height - 1)
        left, top = int(columns.min()), int(rows.min())
        window = Window(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)
        try:
            hides = self._handles.get().read(1, window=window) != 0
        except RasterioError as error:
            raise MaskInvalid(f"{self._path}: the mask broke off while it was read ({error})") from error
        hidden[reach] = hides[rows - top, columns - left]
        return hidden

    def _check_place(self, scene: SceneInfo) -> None:
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * self._size
        x, y = along(self._placer.to_raster_crs, *corners.T)
        pixels = scene.to_pixels(np.stack([x, y], axis=1), self._placer.raster_crs)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        if not (np.isfinite(pixels).all() and (low < [scene.width, scene.height]).all() and (high > 0).all()):
            raise MaskInvalid(
                f"{self._path}: the mask lies elsewhere than its scene; give the one of this scene"
            )


class _PolygonMask:
    def __init__(self, sha256: str, polygons: Sequence[BaseGeometry]) -> None:
        self.sha256 = sha256
        self._polygons = np.array(polygons, dtype=object)
        self._index = shapely.STRtree(self._polygons)

    @classmethod
    def open(cls, path: Path, scene: SceneInfo, plane_crs: str | None) -> Self:
        import geopandas

        try:
            read = geopandas.read_parquet if path.suffix.lower() == ".parquet" else geopandas.read_file
            frame = read(path)
        except (OSError, ValueError, RuntimeError) as error:
            raise MaskInvalid(
                f"{path}: not readable as polygons ({error}); give a raster or polygons"
            ) from error
        wrong = sorted(set(frame.geom_type) - {"Polygon", "MultiPolygon"}, key=str)
        if wrong:
            raise MaskInvalid(
                f"{path}: a mask of {', '.join(map(str, wrong))}; give polygons of what is hidden"
            )
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
            shapes = list(frame.to_crs(plane_crs).geometry)
            if shapes and not shapely.intersects(shapely.union_all(shapes), scene_outline(scene, plane_crs)):
                raise MaskInvalid(
                    f"{path}: none of its polygons touches the scene; give the mask of this scene, or none"
                )
        return cls(mask_sha256(path), shapes)

    def hidden(self, tile: Tile) -> NDArray[np.bool_]:
        """See `Mask.hidden`."""
        near = self._index.query(shapely.box(*tile.bounds))
        shape = (tile.size_px, tile.size_px)
        if len(near) == 0:
            return np.zeros(shape, dtype=np.bool_)
        burnt = rasterize(list(self._polygons[near]), out_shape=shape, transform=tile.to_plane)
        hidden: NDArray[np.bool_] = burnt > 0
        return hidden


def _in_pixels(path: Path) -> bool:
    """Whether a GeoJSON file says that it is in pixels; GDAL takes any GeoJSON for longitude and latitude."""
    if path.suffix.lower() not in {".geojson", ".json"}:
        return False
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise MaskInvalid(f"{path}: no JSON ({error}); give polygons as GeoJSON") from error
    return isinstance(document, dict) and document.get("crs") == PIXEL
