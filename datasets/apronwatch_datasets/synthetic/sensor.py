"""The camera: blur, noise, sharpening on the ground, and numbers."""

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float
from apronwatch_datasets.synthetic.spec import Look
from apronwatch_datasets.synthetic.sun import Sun

_BLUR_PX = 0.72
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
    rng = np.random.default_rng([look.seed, 12])
    light = radiance if look.bands == 3 else (radiance @ _PAN)[..., None]
    blurred = cv2.GaussianBlur(light, (0, 0), _BLUR_PX, borderType=cv2.BORDER_REFLECT).reshape(light.shape)
    exposure = np.float32(1.0 / (1.15 * sun.direction[2] + 0.17))
    level = blurred * exposure
    shot = rng.standard_normal(level.shape, np.float32)
    shot *= np.sqrt(np.maximum(level, 0.0) * np.float32(2.2e-5) + np.float32(2e-6))
    level += shot
    soft = cv2.GaussianBlur(level, (0, 0), 1.1, borderType=cv2.BORDER_REFLECT).reshape(level.shape)
    level += _SHARPEN * (level - soft)
    if look.bits == 11:
        return np.clip(np.round(60.0 + 1750.0 * level), 1, 2047).astype(np.uint16)
    steps = np.clip(level * np.float32(_STEPS), 0, _STEPS - 1).astype(np.uint16)
    toned: NDArray[np.uint8] = _TONES[steps]
    return toned
