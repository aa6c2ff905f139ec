"""Haze, and clouds with the shadows they throw."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float, Grid, in_colour
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
    cv2.scaleAdd(wisps, 0.12, field, dst=field)
    field -= np.float32(np.quantile(field[inside][::4, ::4], 1.0 - look.cloud_cover))
    thick = np.empty_like(field)

    def thicken(rows: slice) -> None:
        # At 0 opacity is `_MASKED_FROM`: 0.363 of the way up the smooth step.
        t = np.clip(field[rows] / np.float32(0.95) + np.float32(0.363), 0.0, 1.0)
        thick[rows] = t * t * (3 - 2 * t)

    over_rows(len(field), thicken)
    opacity = np.asarray(cv2.GaussianBlur(thick, (0, 0), 1.5 / grid.gsd_m), np.float32)
    thrown = (slice(my - dy, my - dy + grid.height), slice(mx - dx, mx - dx + grid.width))
    beam = _blurred_widely(opacity[thrown], 4.0 / grid.gsd_m)
    seen = np.ascontiguousarray(opacity[inside])
    body = np.empty_like(seen)

    def shape_up(rows: slice) -> None:
        lit = 0.70 + 0.13 * field[inside][rows] + 0.05 * wisps[inside][rows]
        np.clip(lit, 0.45, 1.15, out=body[rows])
        beam[rows] = 1.0 - 0.88 * beam[rows]

    over_rows(grid.height, shape_up)
    return Clouds(
        seen,
        body,
        beam,
        seen > _MASKED_FROM,
    )


def _blurred_widely(field: Float, sigma_px: float) -> Float:
    """A blur of many pixels, made at a quarter of the size: nothing fine is left to lose."""
    size = field.shape[::-1]
    small = cv2.resize(field, tuple(-(-n // 4) for n in size), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma_px / 4)
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), np.float32)


def through_air(radiance: Float, look: Look, sun: Sun, clouds: Clouds | None) -> None:
    """Make of the radiance (H, W, 3) what arrives above the air: clouds cover, haze dims and adds bluish light."""
    white = sun.beam * np.float32(sun.direction[2]) + sun.sky
    passing = np.exp(-np.float32(look.haze) * np.array([0.35, 0.48, 0.70], np.float32))
    glow = (
        np.float32(look.haze)
        * np.array([0.060, 0.082, 0.118], np.float32)
        * np.float32(0.4 + sun.direction[2])
    )

    # For whole rows at once: see `in_colour`.
    passing, glow = (np.tile(colour, radiance.shape[1]) for colour in (passing, glow))

    def pass_through(rows: slice) -> None:
        seen = radiance[rows]
        if clouds is not None:
            bright = in_colour(clouds.brightness[rows], 0.72 * white)
            seen += (bright - seen) * in_colour(0.97 * clouds.opacity[rows])
        flat = seen.reshape(len(seen), -1)
        flat *= passing
        flat += glow

    over_rows(len(radiance), pass_through)
