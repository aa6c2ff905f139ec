"""Masks that a user supplies: where a scene's ground is hidden (clouds and their shadows).

A raster hides wherever it is neither zero nor nodata; polygons hide what lies inside them.
"""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import MaskInvalid
from apronwatch.lattice import Tile
from apronwatch.sceneinfo import SceneInfo
from apronwatch.warping import Placer

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


class _RasterMask:
    def __init__(self, path: Path, scene: SceneInfo, plane_crs: str | None) -> None:
        self._path = path
        self._local = threading.local()
        source = self._open()
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

    def _open(self) -> DatasetReader:
        # GDAL's handles belong to one thread each.
        if not hasattr(self._local, "source"):
            try:
                self._local.source = rasterio.open(self._path)
            except RasterioError as error:
                raise MaskInvalid(
                    f"{self._path}: no readable raster ({error}); give a raster or polygons"
                ) from error
        return self._local.source

    def hidden(self, tile: Tile) -> NDArray[np.bool_]:
        """See `Mask.hidden`."""
        placement = self._placer.place(tile)
        reach = placement.inside(*self._size)
        if not reach.any():
            return reach
        left, top = int(placement.columns[reach].min()), int(placement.rows[reach].min())
        right, bottom = int(placement.columns[reach].max()) + 1, int(placement.rows[reach].max()) + 1
        try:
            values = self._open().read(1, window=Window(left, top, right - left, bottom - top), masked=True)
        except RasterioError as error:
            raise MaskInvalid(f"{self._path}: the mask broke off while it was read ({error})") from error
        hides = (values.filled(0) != 0) & ~np.ma.getmaskarray(values)
        hidden = np.zeros((tile.size_px, tile.size_px), dtype=np.bool_)
        columns, rows = (axis[reach].astype(np.intp) for axis in (placement.columns, placement.rows))
        hidden[reach] = hides[rows - top, columns - left]
        return hidden


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
        if plane_crs is None:
            shapes = [shapely.transform(g, lambda p: p * [scene.gsd_m, -scene.gsd_m]) for g in frame.geometry]
        elif frame.crs is None:
            raise MaskInvalid(f"{path}: polygons without a CRS for a georeferenced scene; give them with one")
        else:
            shapes = list(frame.to_crs(plane_crs).geometry)
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
