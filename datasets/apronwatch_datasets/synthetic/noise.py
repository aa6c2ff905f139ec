"""Noise that lies still on the ground: a place carries the same marks on every date and at every GSD."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float

_CELLS = 256
_BLOCK_CELLS = 128
_MARGIN = 4
"""More than the interpolation reaches."""


@lru_cache(maxsize=96)
def _lattice(cell_m: float, seed: int) -> Float:
    """White noise that repeats itself every `_CELLS`, as much of it as a block can touch."""
    rng = np.random.default_rng([seed, round(cell_m * 100)])
    noise = rng.standard_normal((_CELLS, _CELLS), np.float32)
    return np.pad(noise, (_MARGIN, _BLOCK_CELLS + _MARGIN), mode="wrap")


def _octave(shape: tuple[int, int], to_cells: NDArray[np.float64], lattice: Float) -> Float:
    """Smooth noise; `to_cells` is the (2, 3) affine from pixel centres to cells of the lattice."""
    # Spots near the pixel's size gain nothing from the dearer interpolation.
    kind = cv2.INTER_CUBIC if np.abs(to_cells[0, :2]).max() < 0.4 else cv2.INTER_LINEAR
    turn, start = to_cells[:, :2], to_cells[:, 2]
    drawn = np.empty(shape, np.float32)
    # Block by block within one period of the lattice: beyond it, OpenCV wraps each sample by itself, ten times slower.
    step = max(1, int((_BLOCK_CELLS - 1) / np.abs(turn).sum(axis=1).max()))
    for top in range(0, shape[0], step):
        for left in range(0, shape[1], step):
            block = drawn[top : top + step, left : left + step]
            size = block.shape[::-1]
            first = turn @ [left, top] + start
            lowest = first + np.minimum(0.0, turn * size).sum(axis=1)
            first += _MARGIN - _CELLS * np.floor(lowest / _CELLS)
            flags = kind | cv2.WARP_INVERSE_MAP
            cv2.warpAffine(lattice, np.column_stack([turn, first]), size, dst=block, flags=flags)
    return drawn


def ground_noise(
    shape: tuple[int, int],
    to_local: NDArray[np.float64],
    cells_m: tuple[float, ...],
    seed: int,
    persistence: float = 1.0,
) -> Float:
    """Sum of smooth noises of several sizes, scaled to a standard deviation near 1.

    Args:
        shape: rows, columns.
        to_local: (2, 3) affine from pixel centres to metres of the frame in which the noise lies still.
        cells_m: sizes of the spots, large to small; the first counts most when `persistence` is below 1.
        seed: another seed, another pattern.
        persistence: weight of each size over the one before it.
    """
    weights = persistence ** np.arange(len(cells_m))
    # Cubic interpolation of white noise keeps about 0.7 of its standard deviation.
    scaled = (weights / (0.7 * np.sqrt((weights**2).sum()))).astype(np.float32)
    total, shrink = np.zeros((1, 1), np.float32), 0
    for number, (cell_m, weight) in enumerate(zip(cells_m, scaled, strict=True)):
        coarser, shrink = shrink, _shrink(to_local, cell_m)
        size = (-(-shape[0] // shrink), -(-shape[1] // shrink))
        octave = _octave(size, _shrunk(to_local, shrink) / cell_m, _lattice(cell_m, seed * 31 + number))
        octave *= weight
        total = octave + _enlarged(total, coarser // shrink, size) if coarser else octave
    return _enlarged(total, shrink, shape)


def _shrink(to_local: NDArray[np.float64], cell_m: float) -> int:
    """How much coarser spots can be drawn: three samples a spot are enough, the rest is interpolated."""
    samples = cell_m / np.hypot(*to_local[:, 0])
    return next((s for s in (16, 8, 4, 2) if samples >= 3 * s), 1)


def _shrunk(to_local: NDArray[np.float64], shrink: int) -> NDArray[np.float64]:
    """The affine from the centres of pixels `shrink` times as large."""
    centre = to_local[:, :2] @ np.full(2, (shrink - 1) / 2) + to_local[:, 2]
    return np.column_stack([to_local[:, :2] * shrink, centre])


def _enlarged(noise: Float, times: int, shape: tuple[int, int]) -> Float:
    if times > 1:
        size = (noise.shape[1] * times, noise.shape[0] * times)
        noise = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return noise[: shape[0], : shape[1]]
