"""Clouds and their shadows pasted over a sample; what a cloud hides is no longer asked for."""

import random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from ultralytics.data.augment import BaseTransform

from apronwatch_training.fit.loss import MASK
from apronwatch_training.fit.regions import EVERYTHING

OPAQUE = 0.55
"""From this cover on, what lies under a cloud cannot be told."""

_HIDDEN_SHARE = 0.5


class Clouds(BaseTransform):
    """Pastes clouds; ground under opaque cloud becomes unknown, objects mostly under it lose their labels.

    Args:
        p: share of samples.
        cover: least and greatest share of a picture under cloud.
        shadow: how much of the light a shadow takes, at most.
    """

    def __init__(
        self, p: float = 0.1, cover: tuple[float, float] = (0.05, 0.5), shadow: float = 0.55
    ) -> None:
        self.p, self.cover, self.shadow = p, cover, shadow

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Paste over one sample, before it is formatted."""
        if random.random() >= self.p:
            return labels
        picture: NDArray[np.uint8] = labels["img"]
        cover, shadow = _cloud_and_shadow(picture.shape[:2], random.uniform(*self.cover))
        shade = shadow * np.float32(random.uniform(0.2, self.shadow))
        labels["img"] = _painted(picture, cover, shade, random.uniform(215, 255))
        opaque = cover > OPAQUE
        mask: NDArray[np.uint8] = labels[MASK].copy()
        mask[opaque] = EVERYTHING
        labels[MASK] = mask
        return _without_hidden(labels, opaque)


def _cloud_and_shadow(
    shape: tuple[int, int], share: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two views of one sky: what stands over the picture, and what stands between it and the sun."""
    down, right = (int(random.uniform(0.05, 0.3) * side) for side in shape)
    height, width = shape
    sky = cloud_field((height + down, width + right), share, random.getrandbits(32))
    first, second = sky[:height, :width], sky[down:, right:]
    return (first, second) if random.random() < 0.5 else (second, first)


def cloud_field(shape: tuple[int, int], share: float, seed: int) -> NDArray[np.float32]:
    """Cover (H, W), 0 clear to 1 opaque, of which about `share` is cloud: noise of several scales, cut at a level."""
    rng = np.random.default_rng(seed)
    field = np.zeros(shape, dtype=np.float32)
    for octave in range(6):
        cells = 2 ** (octave + 1) + 1
        noise = rng.standard_normal((cells, cells)).astype(np.float32)
        field += cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(0.62**octave)
    level = np.quantile(field, 1.0 - share)
    softness = 0.35 * float(field.std())
    cover: NDArray[np.float32] = np.clip((field - level) / softness + 0.5, 0.0, 1.0).astype(np.float32)
    return cover


def _painted(
    picture: NDArray[np.uint8], cover: NDArray[np.float32], shade: NDArray[np.float32], white: float
) -> NDArray[np.uint8]:
    ground = picture * (1.0 - shade * (1.0 - cover))[..., None]
    painted = ground * (1.0 - cover[..., None]) + np.float32(white) * cover[..., None]
    drawn: NDArray[np.uint8] = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    return drawn


def _without_hidden(labels: dict[str, Any], opaque: NDArray[np.bool_]) -> dict[str, Any]:
    instances = labels["instances"]
    height, width = opaque.shape
    instances.denormalize(width, height)
    hidden = np.array(
        [_share(segment, opaque) > _HIDDEN_SHARE for segment in instances.segments], dtype=np.bool_
    )
    if hidden.any():
        labels["instances"], labels["cls"] = instances[~hidden], labels["cls"][~hidden]
    return labels


def _share(segment: NDArray[np.float32], opaque: NDArray[np.bool_]) -> float:
    """Share of a polygon's pixels under opaque cloud."""
    corner = np.floor(segment.min(axis=0)).astype(int)
    low = np.maximum(corner, 0)
    high = np.minimum(np.ceil(segment.max(axis=0)).astype(int) + 1, opaque.shape[::-1])
    if (high <= low).any():
        return 0.0
    inside = np.zeros((high - low)[::-1], dtype=np.uint8)
    cv2.fillPoly(inside, [np.round(segment - low).astype(np.int32)], 1)
    return float(opaque[low[1] : high[1], low[0] : high[0]][inside > 0].mean()) if inside.any() else 0.0
