"""Which pixels of a raster its stretch is measured on: enough to be fair, and little to read where that will do."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from apronwatch.stretch import majority, telling

SAMPLE_PX = 2048
"""An overview is taken that is at most this wide and high; a raster of this size is taken whole."""

ROUGH_PX = 512
"""The same of 8-bit pixels, of which less is asked: whether they are dull, and whether some are fill."""

GRID = 8
"""Without overviews, so many windows across and down a large raster."""

PATCH_PX = 256

LEAST = 4096
"""A sample that holds fewer telling pixels in any band is too thin, and the whole raster is looked through."""

SCAN_PX = 1024
"""Side of the windows, rounded up to whole blocks, in which a raster is looked through."""

MOST = SAMPLE_PX**2
"""So many pixels are kept, however many were read."""

Part = tuple[Window, tuple[int, int] | None]
Read = Callable[[Window, tuple[int, int] | None], tuple[NDArray[np.generic], NDArray[np.bool_]]]
Choose = Callable[[NDArray[np.generic]], NDArray[np.bool_]]


def sample_pixels(
    dataset: DatasetReader, band: int, read: Read
) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """Valid pixels that stand for the whole raster. The same raster gives the same ones.

    First a quick look: the whole of a small raster, else an overview, else a fixed grid of windows. Where it
    finds next to nothing (no valid pixels, or one value alone: the data may lie between the windows, in a sea
    of fill that nobody declared), the whole raster is read, window by window, for what the quick look lacked.
    An empty second sample thus means that no pixel is valid, and a constant band that no valid pixel differs.

    Args:
        dataset: the raster.
        band: 1-based number of the band whose overviews are used.
        read: as `Scene.read`.

    Returns:
        (N, B) pixels of the quick look, spread evenly over the raster, N at most `MOST`.
        (M, B) the same, and what the quick look lacked, M at most 2 `MOST`.
    """
    parts = quick_parts(dataset, band)
    found = _collect(parts, read, most=_widest(dataset, band) ** 2)
    lacking = [index for index, sample in enumerate(found.T) if telling(sample).size < LEAST]
    if not lacking or parts == [(_whole(dataset), None)]:
        return found, found
    known = [majority(found[:, index]) for index in lacking]
    more = _collect(_all_parts(dataset), read, _other_than(lacking, known))
    return found, np.concatenate([found, more])


def quick_parts(dataset: DatasetReader, band: int) -> list[Part]:
    """Windows of the quick look, and the shape that each is read in (None: as it is)."""
    width, height = int(dataset.width), int(dataset.height)
    whole = _whole(dataset)
    most = _widest(dataset, band)
    if max(width, height) <= most:
        return [(whole, None)]
    for step in sorted(dataset.overviews(band)):
        shape = (-(-height // step), -(-width // step))
        if max(shape) <= most:
            return [(whole, shape)]
    return [
        (Window(left, top, right, bottom), None)
        for top, bottom in _spread(height)
        for left, right in _spread(width)
    ]


def _widest(dataset: DatasetReader, band: int) -> int:
    return ROUGH_PX if dataset.dtypes[band - 1] == "uint8" else SAMPLE_PX


def _whole(dataset: DatasetReader) -> Window:
    return Window(0, 0, int(dataset.width), int(dataset.height))


def _spread(length: int) -> list[tuple[int, int]]:
    """(offset, size) of the patches along one axis, from edge to edge, none twice."""
    size = min(PATCH_PX, length)
    offsets = np.unique(np.linspace(0, length - size, GRID).astype(int))
    return [(int(offset), size) for offset in offsets]


def _all_parts(dataset: DatasetReader) -> Iterable[Part]:
    """Windows that cover a raster once, each of whole blocks, so that none is decoded twice."""
    width, height = int(dataset.width), int(dataset.height)
    block_height, block_width = dataset.block_shapes[0]
    across = min(width, -(-SCAN_PX // block_width) * block_width)
    rows = max(1, SCAN_PX**2 // across)
    down = min(height, -(-rows // block_height) * block_height)
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield Window(left, top, min(across, width - left), min(down, height - top)), None


def _other_than(bands: Sequence[int], known: Sequence[float | None]) -> Choose:
    """Picks pixels that differ from the known value in one of the bands; all where none is known."""

    def choose(pixels: NDArray[np.generic]) -> NDArray[np.bool_]:
        chosen = np.zeros(len(pixels), dtype=np.bool_)
        for band, value in zip(bands, known, strict=True):
            chosen |= True if value is None else pixels[:, band] != value
        return chosen

    return choose


def _collect(
    parts: Iterable[Part], read: Read, choose: Choose | None = None, most: int = MOST
) -> NDArray[np.generic]:
    """(N, B) valid pixels of the parts, evenly thinned to `most`."""
    kept: list[NDArray[np.generic]] = []
    step = 1
    for window, shape in parts:
        pixels, valid = read(window, shape)
        found = pixels[valid]
        kept.append((found if choose is None else found[choose(found)])[::step].copy())
        while sum(map(len, kept)) > most:
            # Thirds, for rows are often powers of two long: every second pixel would be a pattern of columns.
            step *= 3
            kept = [part[::3].copy() for part in kept]
    return np.concatenate(kept)
