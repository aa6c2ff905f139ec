"""Pixels of a raster's window, and which of them are valid."""

from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from apronwatch.bands import Bands
from apronwatch.errors import SceneUnreadable
from apronwatch.opening import one_line


def read_pixels(
    dataset: DatasetReader, bands: Bands, window: Window, out_shape: tuple[int, int] | None, scene: str
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """See `Scene.read`; `scene` is its name, for messages."""
    shape = out_shape or (int(window.height), int(window.width))
    resampling = Resampling.nearest if out_shape is None else Resampling.average
    try:
        with rasterio.Env():
            stack = dataset.read(
                bands.numbers, window=window, out_shape=(len(bands.numbers), *shape), resampling=resampling
            )
            valid = _valid(dataset, bands, window, shape)
            if bands.palette:
                stack, opaque = _coloured(dataset, stack[0])
                valid &= opaque
    except RasterioError as error:
        raise SceneUnreadable(
            f"{scene}: its pixels cannot be read at column {window.col_off:.0f}, row {window.row_off:.0f} "
            f"({one_line(error)}); it is truncated or damaged, fetch it again"
        ) from error
    if stack.dtype.kind == "f":
        valid &= np.isfinite(stack).all(axis=0)
    if bands.negative:
        stack = inverted(stack)
    return np.ascontiguousarray(np.moveaxis(stack, 0, 2)), valid


def inverted(pixels: NDArray[Any]) -> NDArray[Any]:
    """The positive of a negative: bright for dark, over the whole range of the type; applied twice, the same.

    A negative of fewer bits than its type keeps its contrast; the stretch puts it where it belongs.
    """
    return np.asarray(-pixels if pixels.dtype.kind == "f" else ~pixels)


def declares_valid(dataset: DatasetReader, bands: Bands) -> bool:
    """Whether a file says itself which pixels are valid: by nodata, a mask or transparency."""
    told = any(dataset.nodatavals[band - 1] is not None for band in bands.numbers)
    masked = any(MaskFlags.all_valid not in dataset.mask_flag_enums[band - 1] for band in bands.numbers)
    return told or masked or bands.alpha is not None


def _valid(dataset: DatasetReader, bands: Bands, window: Window, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) of the valid pixels, by mask, nodata and alpha alike: GDAL by itself heeds only one of them."""
    flags = [dataset.mask_flag_enums[band - 1] for band in bands.numbers]
    out_shape = (len(flags), *shape)
    valid = np.ones(shape, dtype=np.bool_)
    if not all(MaskFlags.all_valid in flag for flag in flags):
        masks = dataset.read_masks(bands.numbers, window=window, out_shape=out_shape)
        valid &= (masks > 0).any(axis=0)
    if bands.alpha is not None:
        valid &= dataset.read(bands.alpha, window=window, out_shape=shape) > 0
    nodata = [dataset.nodatavals[band - 1] for band in bands.numbers]
    if None not in nodata and not any(MaskFlags.nodata in flag for flag in flags):
        values = dataset.read(bands.numbers, window=window, out_shape=out_shape)
        valid &= (values != np.reshape(nodata, (-1, 1, 1))).any(axis=0)
    return valid


def _coloured(
    dataset: DatasetReader, indices: NDArray[np.generic]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(3, h, w) colours of palette indices, and which of them are opaque."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour
    colours = table[indices]
    return np.moveaxis(colours[..., :3], 2, 0), colours[..., 3] > 0
