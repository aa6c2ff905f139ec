"""One mask file laid over tiles: a raster whose bands are read by rules, or polygons that hide what lies in them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol, Self
from urllib.parse import urlsplit

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from apronwatch.cloudmasks import HIDES, Reading, recognised
from apronwatch.errors import MaskInvalid, SceneUnreadable
from apronwatch.identity import identify
from apronwatch.lattice import Tile
from apronwatch.opening import Handles, Source, one_line
from apronwatch.remote import is_url, public
from apronwatch.sceneinfo import SceneInfo
from apronwatch.warping import Placer, along
from apronwatch.zone import PIXEL

VECTOR_SUFFIXES = frozenset({".geojson", ".json", ".gpkg", ".shp", ".fgb", ".parquet"})


@dataclass(frozen=True, eq=False)
class Cover:
    """What lies over the ground of a tile.

    Attributes:
        hidden: (T, T) pixels whose ground cannot be seen.
        noted: (T, T) by word (`cloudmasks.NOTED`), pixels of which that is told.
    """

    hidden: NDArray[np.bool_]
    noted: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


class Mask(Protocol):
    """What a mask file says of the ground, tile by tile.

    Attributes:
        name: how it is read, in words.
        key: the same for the same file read the same way.
    """

    name: str
    key: str

    def cover(self, tile: Tile) -> Cover:
        """What it says of the tile's pixels."""


class RasterMask:
    """A raster; beyond its edge, and where its classes are nodata, it says nothing of the ground: that is hidden."""

    def __init__(
        self, path: str, scene: SceneInfo, plane_crs: str | None, reading: Reading | None = None
    ) -> None:
        """Open it and lay it over the scene; without `reading` it is told by name and bands. Raises `MaskInvalid`."""
        self._path = public(path)
        try:
            self._handles = Handles(Source.locate(path))
            source = self._handles.get()
            identity = identify([path])
        except SceneUnreadable as error:
            raise MaskInvalid(
                f"{self._path}: no readable raster; give a raster or polygons of what is hidden"
            ) from error
        told = reading or recognised(_stem(path), source.descriptions)
        if told is None or max(told.bands) > source.count:
            raise MaskInvalid(
                f"{self._path}: a mask of {source.count} bands; give one band, nonzero where it hides, or a UDM2 "
                "(eight bands, udm2 in its name)"
            )
        if any(rule.length for rule in told.rules) and np.dtype(source.dtypes[0]).kind not in "iu":
            raise MaskInvalid(f"{self._path}: bit fields in {source.dtypes[0]}; give a mask of whole numbers")
        self._reading = told
        self._silent = _silent_bands(source, told)
        self.name = f"{told.name} and its nodata" if self._silent else told.name
        self.key = told.key(identity.sha256 or identity.key, self._silent)
        self._size = source.width, source.height
        self._placer = self._placed(source.crs and source.crs.to_wkt(), source.transform, scene, plane_crs)
        if source.crs is not None:
            self._check_place(scene)

    def _placed(self, crs: str | None, affine: Affine, scene: SceneInfo, plane_crs: str | None) -> Placer:
        if crs is not None and plane_crs is None:
            raise MaskInvalid(
                f"{self._path}: a georeferenced mask for a picture without georeference; give one in pixels"
            )
        if crs is not None:
            return Placer(plane_crs, crs, affine)
        if self._size != (scene.width, scene.height):
            raise MaskInvalid(
                f"{self._path}: the mask has {self._size[0]} x {self._size[1]} pixels and no georeference, its scene "
                f"{scene.width} x {scene.height}; give a mask of the scene's own size"
            )
        flat = Affine.scale(scene.gsd_m, -scene.gsd_m)
        return Placer(plane_crs, scene.crs, scene.affine if plane_crs is not None else flat)

    def cover(self, tile: Tile) -> Cover:
        """See `Mask.cover`."""
        placement = self._placer.place(tile)
        width, height = self._size
        reach = (placement.columns > -1) & (placement.columns < width + 1)
        reach &= (placement.rows > -1) & (placement.rows < height + 1)
        hidden = np.ones((tile.size_px, tile.size_px), dtype=np.bool_)
        if not reach.any():
            return Cover(hidden)
        columns = np.floor(placement.columns[reach]).astype(np.intp).clip(0, width - 1)
        rows = np.floor(placement.rows[reach]).astype(np.intp).clip(0, height - 1)
        left, top = int(columns.min()), int(rows.min())
        window = Window(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)
        at = rows - top, columns - left
        effects = self._effects(window)
        hides = effects.pop(HIDES, None)
        hidden[reach] = hides[at] if hides is not None else False
        noted = {}
        for word, where in effects.items():
            noted[word] = np.zeros_like(hidden)
            noted[word][reach] = where[at]
        return Cover(hidden, noted)

    def says_anything(self) -> bool:
        """Whether a pixel of the whole raster has one of the values that its rules name; reads as far as the first."""
        windows = (window for _, window in self._handles.get().block_windows(1))
        return any(where.any() for window in windows for where in self._named(window)[0].values())

    def _effects(self, window: Window) -> dict[str, NDArray[np.bool_]]:
        effects, silent = self._named(window)
        for nodata in silent:
            effects[HIDES] = effects[HIDES] | nodata if HIDES in effects else nodata
        return effects

    def _named(self, window: Window) -> tuple[dict[str, NDArray[np.bool_]], list[NDArray[np.bool_]]]:
        """What its rules say, and where its bands of classes are nodata."""
        bands, source = list(self._reading.bands), self._handles.get()
        try:
            pixels = source.read(bands, window=window)
            silent = [source.read_masks(band, window=window) == 0 for band in self._silent]
        except RasterioError as error:
            raise MaskInvalid(f"{self._path}: the mask broke off while it was read ({error})") from error
        return self._reading.effects(dict(zip(bands, pixels, strict=True))), silent

    def _check_place(self, scene: SceneInfo) -> None:
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * self._size
        x, y = along(self._placer.to_raster_crs, *corners.T)
        pixels = scene.to_pixels(np.stack([x, y], axis=1), self._placer.raster_crs)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        if not (np.isfinite(pixels).all() and (low < [scene.width, scene.height]).all() and (high > 0).all()):
            raise MaskInvalid(
                f"{self._path}: the mask lies elsewhere than its scene; give the one of this scene"
            )


def _silent_bands(source: DatasetReader, reading: Reading) -> tuple[int, ...]:
    """Bands of classes with pixels declared as nodata, unless that value is one of the named."""
    flags, values = source.mask_flag_enums, source.nodatavals
    return tuple(
        band
        for band, named in reading.classes
        if MaskFlags.all_valid not in flags[band - 1]
        and not (MaskFlags.nodata in flags[band - 1] and values[band - 1] in named)
    )


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
            shapes = list(frame.to_crs(plane_crs).geometry)
            if shapes and not shapely.intersects(shapes, _scene_outline(scene, plane_crs)).any():
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


def _stem(path: str) -> str:
    return PurePosixPath(urlsplit(path).path if is_url(path) else path).stem


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _scene_outline(scene: SceneInfo, plane_crs: str) -> BaseGeometry:
    """The scene's rectangle in a plane, corner to corner."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * [scene.width, scene.height]
    x, y = along(scene.affine, *corners.T)
    transformer = Transformer.from_crs(scene.crs, plane_crs, always_xy=True)
    return shapely.polygons(np.stack(transformer.transform(x, y), axis=1))
