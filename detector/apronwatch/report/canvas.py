"""Text, lines and instruments on a picture: what every overlay and chip draws with."""

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

from apronwatch.report.view import View
from apronwatch.report.words import FONT, FONT_BOLD

Colour = tuple[int, int, int]
Pixels = NDArray[np.uint8]

CLASS_COLOURS: dict[str, Colour] = {
    "plane": (255, 176, 0),
    "helicopter": (86, 180, 233),
    "vehicle_small": (0, 214, 143),
    "vehicle_large": (255, 122, 200),
    "ship": (240, 228, 66),
}
"""Lighter cousins of Okabe and Ito's palette; on a black edge each stands out on sand and on water."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
ALARM: Colour = (213, 94, 0)
INK: Colour = (20, 20, 20)
PALE: Colour = (90, 90, 90)

_SHIFT = 4
_FAR_PX = 30_000.0


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib; laid out by Pillow itself, to look alike everywhere."""
    return ImageFont.truetype(FONT_BOLD if bold else FONT, size, layout_engine=ImageFont.Layout.BASIC)


def line(pixels: Pixels, points: NDArray[np.float64], colour: Colour, width: int) -> None:
    """Draw a smooth closed line through points (N, 2) on a black edge into `pixels` (H, W, 3)."""
    near = np.clip(points, -_FAR_PX, _FAR_PX)
    fixed = [np.round(near * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)]
    cv2.polylines(pixels, fixed, True, BLACK, width + (2 if width > 1 else 1), cv2.LINE_AA, _SHIFT)
    cv2.polylines(pixels, fixed, True, colour, width, cv2.LINE_AA, _SHIFT)


def fill(mask: Pixels, rings: Sequence[NDArray[np.float64]]) -> None:
    """Set a mask (H, W) to 1 inside polygons given by all their rings (N, 2), in place; holes stay out."""
    fixed = [np.round(np.clip(ring, -_FAR_PX, _FAR_PX)).astype(np.int32) for ring in rings]
    here = np.zeros_like(mask)
    cv2.fillPoly(here, fixed, 1)
    np.maximum(mask, here, out=mask)


def hatch(pixels: Pixels, where: NDArray[np.bool_], period: int) -> None:
    """Darken what was not observed and lay diagonal stripes over it, in place."""
    height, width = where.shape
    stripe = (np.arange(height)[:, None] + np.arange(width)) % period < max(2, period // 6)
    pixels[where] = (pixels[where] * 0.45).astype(np.uint8)
    pixels[where & stripe] = (190, 190, 190)


def tag(draw: ImageDraw.ImageDraw, at: tuple[float, float], lines: Sequence[str], size: int) -> None:
    """White lines on a dark plate with its upper left corner at `at`; the first is bold."""
    width, height = tag_size(lines, size)
    x, y = at
    draw.rectangle((x, y, x + width, y + height), fill=(0, 0, 0, 190))
    for k, text in enumerate(lines):
        draw.text(
            (x + size * 0.4, y + size * (0.2 + 1.25 * k)), text, font=font(size, bold=k == 0), fill=WHITE
        )


def tag_size(lines: Sequence[str], size: int) -> tuple[float, float]:
    """Width and height of a tag's plate."""
    widths = [font(size, bold=k == 0).getlength(text) for k, text in enumerate(lines)]
    return max(widths, default=0.0) + size * 0.8, size * (0.4 + 1.25 * len(lines))


def scale_bar(draw: ImageDraw.ImageDraw, view: View, unit: float) -> None:
    """A bar of a round number of metres at the lower right of a view."""
    size = round(17 * unit)
    longest = view.width * 0.22 * view.metres_across
    metres = max(step for step in _round_lengths(longest) if step <= longest)
    length = metres / view.metres_across
    label = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    width = max(length, font(size, bold=True).getlength(label)) + 2 * size
    x1, y1 = view.width - 0.8 * size, view.height - 0.8 * size
    draw.rectangle((x1 - width, y1 - 2.5 * size, x1, y1), fill=(0, 0, 0, 190))
    centre = x1 - width / 2
    draw.text((centre, y1 - 2.3 * size), label, font=font(size, bold=True), fill=WHITE, anchor="ma")
    left, right, bar = centre - length / 2, centre + length / 2, y1 - 0.65 * size
    draw.line((left, bar, right, bar), fill=WHITE, width=max(2, round(3 * unit)))
    for x in (left, right):
        draw.line((x, bar - 0.35 * size, x, bar + 0.35 * size), fill=WHITE, width=max(2, round(3 * unit)))


def _round_lengths(longest: float) -> list[float]:
    power = 10.0 ** math.floor(math.log10(longest))
    return [power * factor for factor in (0.5, 1, 2, 5)]


def north_arrow(draw: ImageDraw.ImageDraw, view: View, unit: float) -> None:
    """An arrow to true north at the upper right of a view; nothing where north is not known."""
    if view.north is None:
        return
    radius = 34 * unit
    cx, cy = view.width - 1.35 * radius, 1.35 * radius
    draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=(0, 0, 0, 190))
    ahead = np.array(view.north)
    across = np.array((-ahead[1], ahead[0]))
    centre = np.array((cx, cy))
    tip, tail = centre + 0.5 * radius * ahead, centre - 0.75 * radius * ahead
    wings = [tail + 0.33 * radius * across, centre - 0.45 * radius * ahead, tail - 0.33 * radius * across]
    draw.polygon([tuple(p) for p in (tip, *wings)], fill=WHITE)
    draw.text(
        tuple(centre + 0.74 * radius * ahead),
        "N",
        font=font(round(15 * unit), bold=True),
        fill=WHITE,
        anchor="mm",
    )


def furniture_room(view: View, unit: float) -> list[BaseGeometry]:
    """The corners of a view where north arrow and scale bar stand."""
    right, bottom = view.width, view.height
    arrow = shapely.box(right - 84 * unit, 0, right, 84 * unit)
    bar = shapely.box(0.7 * right, bottom - 62 * unit, right, bottom)
    return [bar] if view.north is None else [arrow, bar]


def banner(text: str, width: int, unit: float) -> Image.Image:
    """A strip across a picture that says what must not be missed."""
    size = round(22 * unit)
    strip = Image.new("RGB", (width, round(size * 1.9)), ALARM)
    ImageDraw.Draw(strip).text(
        (width / 2, strip.height / 2), text, font=font(size, bold=True), fill=WHITE, anchor="mm"
    )
    return strip


def stack(parts: Sequence[Image.Image], width: int) -> Image.Image:
    """Pictures one under another on white, each in the middle of `width`."""
    sheet = Image.new("RGB", (width, sum(p.height for p in parts)), WHITE)
    y = 0
    for part in parts:
        sheet.paste(part, ((width - part.width) // 2, y))
        y += part.height
    return sheet
