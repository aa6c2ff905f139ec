"""Haze, and clouds with the shadows they throw."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float, Grid
from apronwatch_datasets.synthetic.noise import ground_noise
from apronwatch_datasets.synthetic.spec import Look
from apronwatch_datasets.synthetic.strips import each, over_rows
from apronwatch_datasets.synthetic.sun import Sun

_CLOUD_BASE_M = 420.0
_MASKED_FROM = 0.30
"""Opacity from which a pixel counts as cloud."""


@dataclass(frozen=True, eq=False)
class Clouds:
    """(H, W) each: opacity, brightness, share of the beam that reaches the ground, True under cloud."""

    opacity: Float
    brightness: Float
    beam: Float
    mask: NDArray[np.bool_]


def draw_clouds(look: Look, grid: Grid, sun: Sun) -> Clouds | None:
    """Clouds over about `look.cloud_cover` of the picture; None for a clear sky."""
    if look.cloud_cover <= 0.0:
        return None
    away = np.round(sun.shadow_per_m * _CLOUD_BASE_M / grid.gsd_m * [1.0, -1.0]).astype(int)
    # Drawn on a larger field, so that clouds outside the picture throw their shadows into it.
    margin = np.abs(away)
    shape = (grid.height + 2 * margin[1], grid.width + 2 * margin[0])
    to_sky = np.array([[grid.gsd_m, 0.0, 0.0], [0.0, -grid.gsd_m, 0.0]])
    (dx, dy), (mx, my) = away, margin
    inside = (slice(my, my + grid.height), slice(mx, mx + grid.width))
    kinds = (
        ((170.0, 88.0, 43.0, 21.0, 10.0, 5.0), look.seed + 77, 0.66),
        ((60.0, 27.0, 12.0), look.seed + 78, 0.8),
    )
    field, wisps = each(lambda kind: ground_noise(shape, to_sky, *kind), kinds)
    field += 0.12 * wisps
    level = np.quantile(field[inside][::4, ::4], 1.0 - look.cloud_cover)
    # At the level opacity is `_MASKED_FROM`: 0.363 of the way up the smooth step.
    thick = np.clip((field - level) / 0.95 + 0.363, 0.0, 1.0).astype(np.float32)
    soft = cv2.GaussianBlur(thick * thick * (3 - 2 * thick), (0, 0), 1.5 / grid.gsd_m)
    opacity = np.asarray(soft, np.float32)
    thrown = (slice(my - dy, my - dy + grid.height), slice(mx - dx, mx - dx + grid.width))
    shadow = cv2.GaussianBlur(opacity[thrown], (0, 0), 4.0 / grid.gsd_m)
    seen = np.ascontiguousarray(opacity[inside])
    body = np.clip(0.70 + 0.13 * (field - level) + 0.05 * wisps, 0.45, 1.15)[inside]
    return Clouds(
        seen,
        np.ascontiguousarray(body, np.float32),
        (1.0 - 0.88 * shadow).astype(np.float32),
        seen > _MASKED_FROM,
    )


def through_air(radiance: Float, look: Look, sun: Sun, clouds: Clouds | None) -> None:
    """Make of the radiance (H, W, 3) what arrives above the air: clouds cover, haze dims and adds bluish light."""
    white = sun.beam * np.float32(sun.direction[2]) + sun.sky
    passing = np.exp(-np.float32(look.haze) * np.array([0.35, 0.48, 0.70], np.float32))
    glow = (
        np.float32(look.haze)
        * np.array([0.060, 0.082, 0.118], np.float32)
        * np.float32(0.4 + sun.direction[2])
    )

    def pass_through(rows: slice) -> None:
        seen = radiance[rows]
        if clouds is not None:
            bright = (0.72 * clouds.brightness[rows])[..., None] * white
            seen += (bright - seen) * (0.97 * clouds.opacity[rows])[..., None]
        seen *= passing
        seen += glow

    over_rows(len(radiance), pass_through)
