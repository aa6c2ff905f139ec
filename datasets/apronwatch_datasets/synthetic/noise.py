"""Noise that lies still on the ground: a place carries the same marks on every date and at every GSD."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float

_CELLS = 256


@lru_cache(maxsize=96)
def _lattice(cell_m: float, seed: int) -> Float:
    return np.random.default_rng([seed, round(cell_m * 100)]).standard_normal((_CELLS, _CELLS), np.float32)


def _octave(shape: tuple[int, int], to_local: NDArray[np.float64], cell_m: float, seed: int) -> Float:
    matrix = to_local / cell_m
    # Three samples a spot are enough; the rest is interpolated.
    samples = cell_m / np.hypot(*to_local[:, 0])
    shrink = next((s for s in (16, 8, 4, 2) if samples >= 3 * s), 1)
    height, width = -(-shape[0] // shrink), -(-shape[1] // shrink)
    if shrink > 1:
        centre = matrix[:, :2] @ np.full(2, (shrink - 1) / 2) + matrix[:, 2]
        matrix = np.hstack([matrix[:, :2] * shrink, centre[:, None]])
    matrix[:, 2] %= _CELLS
    # Spots near the pixel's size gain nothing from the dearer interpolation.
    kind = cv2.INTER_CUBIC if np.abs(matrix[0, :2]).max() < 0.4 else cv2.INTER_LINEAR
    drawn = cv2.warpAffine(
        _lattice(cell_m, seed),
        matrix,
        (width, height),
        flags=kind | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    if shrink > 1:
        drawn = cv2.resize(drawn, (width * shrink, height * shrink), interpolation=cv2.INTER_LINEAR)
    return np.asarray(drawn[: shape[0], : shape[1]], np.float32)


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
        cells_m: sizes of the spots; the first counts most when `persistence` is below 1.
        seed: another seed, another pattern.
        persistence: weight of each size over the one before it.
    """
    weights = persistence ** np.arange(len(cells_m))
    total = _octave(shape, to_local, cells_m[0], seed * 31)
    for number, (cell_m, weight) in enumerate(zip(cells_m[1:], weights[1:], strict=True), 1):
        octave = _octave(shape, to_local, cell_m, seed * 31 + number)
        octave *= np.float32(weight)
        total += octave
    # Cubic interpolation of white noise keeps about 0.7 of its standard deviation.
    total /= np.float32(0.7 * np.sqrt((weights**2).sum()))
    return total
