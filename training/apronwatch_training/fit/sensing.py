"""What air and sensor do to a picture taken from above, as Albumentations transforms on the pixels alone.

Each draws its own strength. Geometry (turning, mirroring, zoom) belongs to Ultralytics' own steps, which carry boxes
and masks; clouds hide things, so `clouds` changes labels too.
"""

from typing import Any

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Haze(A.ImageOnlyTransform):
    """Air between sensor and ground: contrast fades towards the colour of the sky's light.

    Koschmieder's law for a flat scene: I = J t + A (1 - t), t the transmission, A the airlight, here bluish grey.
    """

    def __init__(self, thickness: tuple[float, float] = (0.05, 0.45), p: float = 0.5) -> None:
        super().__init__(p=p)
        self.thickness = thickness

    def get_params(self) -> dict[str, Any]:
        """A thickness, and an airlight per channel (BGR)."""
        light = self.py_random.uniform(0.55, 0.9)
        tint = self.py_random.uniform(0.0, 0.12)
        return {
            "amount": self.py_random.uniform(*self.thickness),
            "airlight": np.array([light + tint, light + tint / 3, light], dtype=np.float32) * 255,
        }

    def apply(self, img: Picture, amount: float, airlight: NDArray[np.float32], **params: Any) -> Picture:
        """The hazy picture."""
        return _bytes(img * np.float32(1.0 - amount) + airlight * np.float32(amount))


class Misregistration(A.ImageOnlyTransform):
    """Bands that were taken a moment apart: each channel shifted by a fraction of a pixel or a few."""

    def __init__(self, shift_px: float = 1.5, p: float = 0.2) -> None:
        super().__init__(p=p)
        self.shift_px = shift_px

    def get_params(self) -> dict[str, Any]:
        """A shift per channel; the middle one (green) stays."""
        reach = self.shift_px
        shifts = [
            (self.py_random.uniform(-reach, reach), self.py_random.uniform(-reach, reach)) for _ in range(2)
        ]
        return {"shifts": [shifts[0], (0.0, 0.0), shifts[1]]}

    def apply(self, img: Picture, shifts: list[tuple[float, float]], **params: Any) -> Picture:
        """The picture with shifted channels."""
        size = img.shape[1], img.shape[0]
        channels = [
            cv2.warpAffine(
                np.ascontiguousarray(img[..., k]),
                np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float32),
                size,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            for k, (dx, dy) in enumerate(shifts)
        ]
        return np.ascontiguousarray(np.stack(channels, axis=-1))


class Stretch(A.ImageOnlyTransform):
    """Sun and exposure: another black point, another white point, another gamma, as another scene's stretch gives."""

    def __init__(self, reach: float = 0.15, gamma: tuple[float, float] = (0.65, 1.5), p: float = 0.7) -> None:
        super().__init__(p=p)
        self.reach, self.gamma = reach, gamma

    def get_params(self) -> dict[str, Any]:
        """Black and white points as shares of the range, and a gamma."""
        low, high = np.log(self.gamma)
        return {
            "black": self.py_random.uniform(-self.reach, self.reach),
            "white": 1.0 + self.py_random.uniform(-2 * self.reach, self.reach),
            "power": float(np.exp(self.py_random.uniform(low, high))),
        }

    def apply(self, img: Picture, black: float, white: float, power: float, **params: Any) -> Picture:
        """The picture, stretched anew."""
        levels = np.clip((np.arange(256, dtype=np.float32) / 255 - black) / (white - black), 0.0, 1.0)
        return cv2.LUT(img, _bytes(255 * levels**power))  # type: ignore[return-value]


class SensorNoise(A.ImageOnlyTransform):
    """Noise of the light itself (its variance grows with the signal) and of the read-out (it does not)."""

    def __init__(self, shot: float = 0.6, read: float = 4.0, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.shot, self.read = shot, read

    def get_params(self) -> dict[str, Any]:
        """Strengths and a seed."""
        return {
            "shot": self.py_random.uniform(0.0, self.shot),
            "read": self.py_random.uniform(0.0, self.read),
            "seed": self.py_random.getrandbits(32),
        }

    def apply(self, img: Picture, shot: float, read: float, seed: int, **params: Any) -> Picture:
        """The noisy picture."""
        spread = np.sqrt(shot**2 * img.astype(np.float32) + read**2)
        noise = np.random.default_rng(seed).standard_normal(img.shape, dtype=np.float32)
        return _bytes(img + spread * noise)


class CoarserSensor(A.ImageOnlyTransform):
    """The same ground by a sensor of fewer pixels, brought to this grid: area average down, cubic up."""

    def __init__(self, factor: tuple[float, float] = (1.0, 2.0), p: float = 0.4) -> None:
        super().__init__(p=p)
        self.factor = factor

    def get_params(self) -> dict[str, Any]:
        """How many times coarser."""
        return {"factor": self.py_random.uniform(*self.factor)}

    def apply(self, img: Picture, factor: float, **params: Any) -> Picture:
        """The picture, resampled twice."""
        height, width = img.shape[:2]
        size = max(1, round(width / factor)), max(1, round(height / factor))
        coarse = cv2.resize(img, size, interpolation=cv2.INTER_AREA)
        fine: Picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
        return fine


def _bytes(values: NDArray[Any]) -> Picture:
    clipped: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped
