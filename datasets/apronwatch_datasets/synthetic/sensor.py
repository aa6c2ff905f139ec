"""The camera: blur, noise, sharpening on the ground, and numbers."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float
from apronwatch_datasets.synthetic.spec import Look
from apronwatch_datasets.synthetic.strips import ROWS, each, over_rows
from apronwatch_datasets.synthetic.sun import Sun

_SHARPEN = 0.55
"""Operators sharpen their products: edges overshoot a little."""

_STEPS = 8192
# Zero is left to mean nothing at all.
_TONES = np.clip(
    np.round(255.0 * np.clip((np.arange(_STEPS) / _STEPS - 0.022) / 0.56, 0.0, 1.0) ** (1 / 1.4)), 1, 255
).astype(np.uint8)

_PAN = np.array([0.40, 0.38, 0.22], np.float32)


def expose(radiance: Float, look: Look, sun: Sun) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Radiance (H, W, 3) as numbers (H, W, B) of a product: 8 bits toned for the eye, or 11 bits linear."""
    light = radiance if look.bands == 3 else (radiance @ _PAN)[..., None]
    level = _blurred(light, look.blur_px)
    exposure = np.float32(1.0 / (1.15 * sun.direction[2] + 0.17))
    each(lambda strip: _add_noise(level[strip[0]], strip[1], exposure), _noise(level.shape, look.seed))
    soft = _blurred(level, 1.1)
    numbers = np.empty(level.shape, np.uint16 if look.bits == 11 else np.uint8)
    quantize = _linear if look.bits == 11 else _toned
    over_rows(len(level), lambda rows: quantize(numbers[rows], level[rows], soft[rows]))
    return numbers


def _blurred(light: Float, sigma_px: float) -> Float:
    blurred = cv2.GaussianBlur(light, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32).reshape(light.shape)


def _noise(shape: tuple[int, ...], seed: int) -> Iterator[tuple[slice, Float]]:
    """Strips of rows with their noise, drawn from one stream."""
    rng = np.random.default_rng([seed, 12])
    for top in range(0, shape[0], ROWS):
        rows = slice(top, min(top + ROWS, shape[0]))
        yield rows, rng.standard_normal((rows.stop - rows.start, *shape[1:]), np.float32)


def _add_noise(level: Float, shot: Float, exposure: np.float32) -> None:
    level *= exposure
    shot *= np.sqrt(np.maximum(level, 0.0) * np.float32(2.2e-5) + np.float32(2e-6))
    level += shot


def _linear(numbers: NDArray[np.uint16], level: Float, soft: Float) -> None:
    sharp = level + _SHARPEN * (level - soft)
    numbers[:] = np.clip(np.round(60.0 + 1750.0 * sharp), 1, 2047)


def _toned(numbers: NDArray[np.uint8], level: Float, soft: Float) -> None:
    sharp = level + _SHARPEN * (level - soft)
    numbers[:] = _TONES[np.clip(sharp * np.float32(_STEPS), 0, _STEPS - 1).astype(np.uint16)]
