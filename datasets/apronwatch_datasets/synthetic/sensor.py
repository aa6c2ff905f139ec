"""The camera: blur, noise, sharpening on the ground, and numbers."""

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float
from apronwatch_datasets.synthetic.spec import Look
from apronwatch_datasets.synthetic.strips import over_rows
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
    over_rows(len(level), lambda rows: _add_noise(level[rows], exposure, [look.seed, 12, rows.start]))
    soft = _blurred(level, 1.1)
    numbers = np.empty(level.shape, np.uint16 if look.bits == 11 else np.uint8)
    quantize = _linear if look.bits == 11 else _toned
    over_rows(len(level), lambda rows: quantize(numbers[rows], level[rows], soft[rows]))
    return numbers


def _blurred(light: Float, sigma_px: float) -> Float:
    # To 2.5 standard deviations: OpenCV's own four would take twice as long for the last half per cent.
    side = 2 * int(np.ceil(2.5 * sigma_px)) + 1
    blurred = cv2.GaussianBlur(light, (side, side), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32).reshape(light.shape)


def _add_noise(level: Float, exposure: np.float32, seed: list[int]) -> None:
    """Of photons and of the electronics; each strip of rows draws from a stream of its own."""
    level *= exposure
    shot = np.random.Generator(np.random.SFC64(seed)).standard_normal(level.shape, np.float32)
    shot *= np.sqrt(np.maximum(level, 0.0) * np.float32(2.2e-5) + np.float32(2e-6))
    level += shot


def _linear(numbers: NDArray[np.uint16], level: Float, soft: Float) -> None:
    sharp = level + _SHARPEN * (level - soft)
    numbers[:] = np.clip(np.round(60.0 + 1750.0 * sharp), 1, 2047)


def _toned(numbers: NDArray[np.uint8], level: Float, soft: Float) -> None:
    sharp = level + _SHARPEN * (level - soft)
    numbers[:] = _TONES[np.clip(sharp * np.float32(_STEPS), 0, _STEPS - 1).astype(np.uint16)]
