"""Which part of a raster is looked at to measure its stretch: enough to be fair, and little to read."""

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

SAMPLE_PX = 2048
"""An overview is taken that is at most this wide and high; a raster of this size is taken whole."""

GRID = 8
"""Without overviews, so many windows across and down a large raster."""

PATCH_PX = 256

Sample = tuple[Window, tuple[int, int] | None]


def sample_windows(dataset: DatasetReader, band: int) -> list[Sample]:
    """Windows, and the shape that each is read in (None: as it is). The same raster gives the same windows.

    The whole of a small raster, else its first overview of at most `SAMPLE_PX`, else a fixed grid of windows.
    """
    width, height = int(dataset.width), int(dataset.height)
    whole = Window(0, 0, width, height)
    if max(width, height) <= SAMPLE_PX:
        return [(whole, None)]
    for step in sorted(dataset.overviews(band)):
        shape = (-(-height // step), -(-width // step))
        if max(shape) <= SAMPLE_PX:
            return [(whole, shape)]
    return [
        (Window(left, top, right, bottom), None)
        for top, bottom in _spread(height)
        for left, right in _spread(width)
    ]


def _spread(length: int) -> list[tuple[int, int]]:
    """(offset, size) of the patches along one axis, from edge to edge, none twice."""
    size = min(PATCH_PX, length)
    offsets = np.unique(np.linspace(0, length - size, GRID).astype(int))
    return [(int(offset), size) for offset in offsets]
