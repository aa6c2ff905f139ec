"""Mask files laid over tiles: what each says of a tile's ground, and rasters, whose bands are read by rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from apronwatch.cloudmasks import HIDES, Reading, recognised
from apronwatch.errors import MaskInvalid, SceneUnreadable
from apronwatch.identity import identify
from apronwatch.lattice import Tile
from apronwatch.opening import Handles, Source
from apronwatch.remote import is_url, public
from apronwatch.sceneinfo import SceneInfo
from apronwatch.warping import Placer, along


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
        pixel = np.dtype(source.dtypes[0])
        bits = max((rule.offset + rule.length for rule in told.rules if rule.length), default=0)
        if bits and (pixel.kind not in "iu" or bits > 8 * pixel.itemsize):
            raise MaskInvalid(
                f"{self._path}: bit fields of {bits} bits in {pixel}; give a mask of whole numbers that hold them"
            )
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


def _stem(path: str) -> str:
    return PurePosixPath(urlsplit(path).path if is_url(path) else path).stem
