"""Drawn scenes for the tests of the commands: an apron of planes, its truth, and the same ground on other grids."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import Resampling, calculate_default_transform, reproject

from apronwatch_datasets.synthetic import DrawnScene, drawn_scene
from tests.rasters import make_raster

TYPES = ("Il-76", "An-26", "A320", "KC-135", "Tu-95", "Su-27", "Su-27", "MiG-31", "C-130", "737-800")

SIDE_PX = 600

MISSED = 1
"""Planes of a drawn scene that the bundled weights may miss or see twice."""


def planes(folder: Path, seed: int = 3, **given: Any) -> DrawnScene:
    """Ten planes on 300 m of ground, in two zones: `west` and `east`."""
    return drawn_scene(folder, types=TYPES, size_px=(SIDE_PX, SIDE_PX), seed=seed, **given)


def pixels_of(image: Path) -> NDArray[Any]:
    """(h, w, B)."""
    with rasterio.open(image) as source:
        return np.moveaxis(source.read(), 0, 2)


def placed(image: Path) -> dict[str, Any]:
    """The georeference of an image, as `make_raster` takes it."""
    with rasterio.open(image) as source:
        return {"crs": source.crs.to_string(), "transform": source.transform}


def onto_crs(image: Path, out: Path, crs: str) -> Path:
    """The same ground in another CRS; nothing (0) where the picture does not reach."""
    with rasterio.open(image) as source:
        grid, width, height = calculate_default_transform(
            source.crs, crs, source.width, source.height, *source.bounds
        )
    return _onto(image, out, crs, grid, (height, width))


def turned(image: Path, out: Path, degrees: float) -> Path:
    """The same ground on a grid that is turned about the picture's centre."""
    with rasterio.open(image) as source:
        centre = source.transform @ (source.width / 2, source.height / 2)
        scale, side = source.transform.a, round(1.45 * max(source.shape))
        crs = source.crs.to_string()
    grid = Affine.translation(*centre) @ Affine.rotation(degrees) @ Affine.scale(scale, -scale)
    return _onto(image, out, crs, grid @ Affine.translation(-side / 2, -side / 2), (side, side))


def south_up(image: Path, out: Path) -> Path:
    """The same pixels with their first row in the south."""
    pixels, place = pixels_of(image), placed(image)
    flipped = place["transform"] @ Affine.translation(0, len(pixels)) @ Affine.scale(1, -1)
    return make_raster(out, pixels=pixels[::-1], crs=place["crs"], transform=flipped)


def _onto(image: Path, out: Path, crs: str, grid: Affine, shape: tuple[int, int]) -> Path:
    with rasterio.open(image) as source:
        pixels = np.zeros((source.count, *shape), source.dtypes[0])
        reproject(
            source.read(),
            pixels,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=grid,
            dst_crs=crs,
            dst_nodata=0,
            resampling=Resampling.cubic,
        )
    return make_raster(out, pixels=np.moveaxis(pixels, 0, 2), crs=crs, transform=grid, nodata=0)
