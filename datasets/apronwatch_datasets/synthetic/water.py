"""The sea: its colour, waves, glitter and foam, which lie differently at each look, and the wakes of ships."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from apronwatch_datasets.synthetic.frame import Float, Grid, Window, coverage, fill_union, in_colour
from apronwatch_datasets.synthetic.noise import ground_noise
from apronwatch_datasets.synthetic.rendering import Placed
from apronwatch_datasets.synthetic.spec import Base, Look, Water
from apronwatch_datasets.synthetic.strips import each, over_rows
from apronwatch_datasets.synthetic.sun import Sun

_COARSE_M = 4.0
"""Pixel size of what changes slowly: shelter, and distance from the beach."""

_DEEP = np.array([0.0150, 0.0330, 0.0430], np.float32)
_HARBOUR = np.array([0.0235, 0.0400, 0.0375], np.float32)
_SHALLOW = np.array([0.098, 0.128, 0.112], np.float32)
_SAND = np.array([0.250, 0.222, 0.175], np.float32)
_FOAM = np.array([0.52, 0.54, 0.55], np.float32)
_FRESNEL = 0.021
"""Share of light that still water throws back, from straight above."""


@dataclass(frozen=True)
class Wind:
    """What the wind does to the sea at one look; it blows towards `to_deg`, clockwise from grid north."""

    speed_m_s: float
    to_deg: float
    drift_m: tuple[float, float]
    seed: int

    @classmethod
    def of(cls, look: Look) -> "Wind":
        """Wind by chance, from the look's seed and hour: calm to fresh."""
        rng = np.random.default_rng([look.seed, int(look.time.timestamp()) // 60, 21])
        speed, to = float(rng.uniform(1.5, 8.5)), float(rng.uniform(0.0, 360.0))
        east, north = rng.uniform(0.0, 9000.0, 2)
        return cls(speed, to, (float(east), float(north)), int(rng.integers(1, 1 << 16)))

    @property
    def mean_square_slope(self) -> float:
        """Of the waves: Cox and Munk, Measurement of the roughness of the sea surface, JOSA 44 (1954)."""
        return 0.003 + 0.00512 * self.speed_m_s

    def frame(self, grid: Grid, window: Window, stretch: float) -> NDArray[np.float64]:
        """(2, 3) affine from the pixels of a window to metres along the wind and, `stretch` times shorter, across."""
        angle = np.radians(self.to_deg)
        turn = np.array([[np.sin(angle), np.cos(angle)], [np.cos(angle) / stretch, -np.sin(angle) / stretch]])
        corner = np.array([grid.west, grid.north]) + self.drift_m
        start = corner + grid.gsd_m * np.array([window[1].start + 0.5, -(window[0].start + 0.5)])
        return np.hstack([turn @ np.diag([grid.gsd_m, -grid.gsd_m]), (turn @ start)[:, None]])


@dataclass(frozen=True, eq=False)
class _Sea:
    """Fields (H, W) over a window.

    Attributes:
        share: of each pixel that is sea.
        lit: share of the sun's beam that arrives.
        exposed: to the open sea's waves, 0 to 1.
        beach_m, edge_m: distance from the nearest beach, and from anything that is not sea.
        slope, patches, fine: noise of waves, of gusts, and of what foam is torn by.
        wake: share of foam behind ships.
    """

    share: Float
    lit: Float
    exposed: Float
    beach_m: Float
    edge_m: Float
    slope: Float
    patches: Float
    fine: Float
    wake: Float

    def rows(self, rows: slice) -> "_Sea":
        """A strip of it."""
        return _Sea(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_water(
    radiance: Float, light: Float, base: Base, grid: Grid, look: Look, sun: Sun, ships: Sequence[Placed]
) -> None:
    """Paint the seas of a base over its ground's radiance (H, W, 3); `light` (H, W) is the beam's share."""
    wind = Wind.of(look)
    for water in base.waters:
        found = coverage(grid, base.to_grid(water.outline))
        if found is None:
            continue
        window, share = found
        sea = _sea(water, base, grid, window, share, light[window], wind, sun, ships)
        over_rows(share.shape[0], partial(_paint, radiance[window], sea, wind, sun))


def _paint(radiance: Float, sea: _Sea, wind: Wind, sun: Sun, rows: slice) -> None:
    strip = sea.rows(rows)
    if strip.share.any():
        radiance[rows] += (_light(strip, wind, sun) - radiance[rows]) * in_colour(strip.share)


def _sea(
    water: Water, base: Base, grid: Grid, window: Window, share: Float, light: Float, wind: Wind, sun: Sun,
    ships: Sequence[Placed],
) -> _Sea:  # fmt: skip
    exposed, beach_m = _coarse(water, base, grid, window)
    chop = tuple(c for c in (13.0, 6.1, 2.9, 1.5) if c >= 1.6 * grid.gsd_m)
    slope, swell, patches, fine = each(
        lambda n: ground_noise(share.shape, wind.frame(grid, window, n[0]), n[1], wind.seed + n[2], n[3]),
        (
            (2.6, chop, 0, 0.85),
            (4.5, (38.0, 21.0), 1, 1.0),
            (0.35, (210.0, 95.0, 38.0), 2, 0.8),
            (1.4, (2.6, 1.2), 3, 0.9),
        ),
    )

    def ruffle(rows: slice) -> None:
        slope[rows] *= 0.30 + 0.70 * exposed[rows]
        slope[rows] += 0.38 * exposed[rows] * swell[rows]

    over_rows(share.shape[0], ruffle)
    edge_px = cv2.distanceTransform((share > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    edge_m = np.minimum(edge_px, 1e4) * np.float32(grid.gsd_m)
    wake = _wakes(water, base, grid, window, ships, fine)
    lit = np.minimum(light, _wall_light(share, water.wall_m, sun, grid))
    return _Sea(share, lit, exposed, beach_m, edge_m, slope, patches, fine, wake)


def _light(sea: _Sea, wind: Wind, sun: Sun) -> Float:
    """Radiance of a strip: light from within the water, the sky's and the sun's reflections, foam."""
    level = sun.beam * np.float32(sun.direction[2])
    # Light wanders sideways in water: a shadow on it is never as dark as on land.
    seen = _body(sea) * in_colour(0.34 + 0.66 * sea.lit, level, sun.sky)
    rough = np.float32(min(1.0, 0.35 + wind.speed_m_s / 8.0))
    steep: Float = sea.slope * (rough + 0.30 * rough * np.tanh(sea.patches))
    facets = np.clip(1.0 + 0.26 * steep, 0.25, 3.0)
    seen *= in_colour(0.55 + 0.45 * facets)
    seen += in_colour(facets, (3.4 * _FRESNEL) * sun.sky)
    seen += in_colour(sea.lit * _glitter(steep, wind, sun), sun.beam)
    white = in_colour(sea.lit, _FOAM * level, _FOAM * sun.sky)
    white -= seen
    white *= in_colour(_foam(sea, wind))
    seen += white
    return seen


def _body(sea: _Sea) -> Float:
    """Albedo of the water itself: greenish in the harbour, blue outside, pale over sand."""
    beach: Float = np.exp(-sea.beach_m / 34.0 + 0.10 * sea.patches).astype(np.float32)
    body = in_colour(sea.exposed, _DEEP - _HARBOUR, _HARBOUR)
    shares: tuple[Float, Float] = np.minimum(1.05 * beach, 1.0), 3.0 * np.clip(beach - 0.72, 0.0, 0.33)
    for colour, share in zip((_SHALLOW, _SAND), shares, strict=True):
        body *= in_colour(1.0 - share)
        body += in_colour(share, colour)
    body *= in_colour(1.0 + 0.05 * sea.patches)
    return body


def _glitter(slope: Float, wind: Wind, sun: Sun) -> Float:
    """The sun's image in the waves, by the slopes of Cox and Munk, as an albedo."""
    half = (np.pi / 2 - np.arcsin(sun.direction[2])) / 2
    spread = wind.mean_square_slope
    away = np.tan(half) - np.float32(0.26 * np.sqrt(spread)) * np.tanh(slope)
    drawn: Float = np.exp(-away * away / spread) * (_FRESNEL / (4 * np.cos(half) ** 4 * spread))
    return drawn.astype(np.float32)


def _coarse(water: Water, base: Base, grid: Grid, window: Window) -> tuple[Float, Float]:
    """Exposure to the open sea (0 to 1), and the distance from the beaches in metres, over a window."""
    shape = window[0].stop - window[0].start, window[1].stop - window[1].start
    step = max(_COARSE_M, grid.gsd_m)
    margin = int(160.0 / step)
    west = grid.west + window[1].start * grid.gsd_m - margin * step
    north = grid.north - window[0].start * grid.gsd_m + margin * step
    columns, rows = (int(np.ceil(n * grid.gsd_m / step)) + 2 * margin for n in shape[::-1])
    coarse = Grid(grid.crs, west, north, step, columns, rows)
    shelter = cv2.GaussianBlur(_mask(coarse, base.to_grid(water.sheltered)), (0, 0), 28.0 / step)
    off_beach = (_mask(coarse, base.to_grid(water.shore.buffer(0.6 * step))) == 0).astype(np.uint8)
    # Without any beach in reach OpenCV gives the largest of all floats.
    beach_m = np.minimum(cv2.distanceTransform(off_beach, cv2.DIST_L2, 5), 1e4) * step
    # Pixel centres of the window, on the coarse grid.
    scale = grid.gsd_m / step
    to_coarse = np.array([[scale, 0.0, margin + scale / 2 - 0.5], [0.0, scale, margin + scale / 2 - 0.5]])
    exposed, off_m = (
        np.asarray(cv2.warpAffine(a, to_coarse, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
        for a in (1.0 - 0.86 * shelter, beach_m.astype(np.float32))
    )
    return exposed.astype(np.float32), off_m.astype(np.float32)


def _mask(grid: Grid, geometry: BaseGeometry) -> Float:
    mask = np.zeros(grid.shape, np.float32)
    found = coverage(grid, geometry)
    if found is not None:
        mask[found[0]] = found[1]
    return mask


def _foam(sea: _Sea, wind: Wind) -> Float:
    """Share of foam: along walls and rocks, as surf off the beach, as whitecaps in a fresh wind, in wakes."""
    force = min(1.0, wind.speed_m_s / 8.0)
    wash = np.clip(sea.fine - 0.25, 0.0, 1.0) * np.exp(-sea.edge_m / (1.2 + 2.6 * force))
    lines = np.sin(sea.beach_m * np.float32(2 * np.pi / 15.0) + 2.2 * sea.patches + wind.seed % 7)
    near = np.exp(-sea.beach_m / (10.0 + 12.0 * force))
    surf = np.clip(1.7 * lines + 0.5 * sea.fine - 1.05, 0.0, 1.0) * near
    foam = np.clip(0.9 * force * wash + (0.35 + 0.6 * force) * surf, 0.0, 0.95) * sea.exposed
    if wind.speed_m_s > 5.5:
        caps = np.clip(sea.fine + 0.45 * sea.patches - (4.7 - 0.22 * wind.speed_m_s), 0.0, 1.0)
        np.maximum(foam, 0.8 * caps * sea.exposed, out=foam)
    whole: Float = np.maximum(foam, sea.wake).astype(np.float32)
    return whole


def _wall_light(share: Float, wall_m: float, sun: Sun, grid: Grid) -> Float:
    """1 where the sun reaches the water past the quays, 0 in their shadow."""
    reach = sun.shadow_per_m * wall_m / grid.gsd_m * [1.0, -1.0]
    steps = max(1, int(np.ceil(np.abs(reach).max())))
    lit = share.copy()
    for step in range(1, steps + 1):
        dx, dy = np.round(reach * step / steps).astype(int)
        to, origin = (
            tuple(slice(max(0, s * d), n + min(0, s * d)) for d, n in zip((dy, dx), share.shape, strict=True))
            for s in (1, -1)
        )
        lit[to] = np.minimum(lit[to], share[origin])
    return lit


def _wakes(
    water: Water, base: Base, grid: Grid, window: Window, ships: Sequence[Placed], fine: Float
) -> Float:
    """Foam behind ships in the fairway: a churned trail, and the arms of Kelvin's wedge (19.5 degrees)."""
    wake = np.zeros(fine.shape, np.float32)
    lane = base.to_grid(water.fairway)
    corner = np.array([window[1].start, window[0].start])
    blur_px = 1.1 / grid.gsd_m
    for ship in ships:
        if ship.solid.class_name != "ship" or not shapely.intersects_xy(lane, ship.east, ship.north):
            continue
        for strength, ring in _wake_rings(ship.solid.length_m, ship.solid.width_m):
            pixels = grid.to_pixels(ship.to_ground(ring))
            piece = grid.window(pixels, margin_px=int(4 * blur_px) + 2)
            if piece is None:
                continue
            here = tuple(
                slice(max(0, s.start - c), max(0, s.stop - c))
                for s, c in zip(piece, corner[::-1], strict=True)
            )
            mask = np.zeros(wake[here].shape, np.uint8)
            fill_union(mask, [pixels - corner - [here[1].start, here[0].start]])
            soft = cv2.GaussianBlur(mask, (0, 0), blur_px).astype(np.float32) / np.float32(255)
            torn = strength * soft * np.clip(0.75 + 0.5 * fine[here], 0.1, 1.4)
            np.maximum(wake[here], torn, out=wake[here])
    return np.clip(wake, 0.0, 0.95)


def _wake_rings(length_m: float, width_m: float) -> list[tuple[float, NDArray[np.float64]]]:
    """Strengths and outlines, in the ship's frame, of the pieces of a wake, each fainter than the one before."""
    stern, half = -length_m / 2, width_m / 2
    reach = 60.0 + 3.0 * length_m
    rings = []
    for piece in range(8):
        near, far = stern - reach * piece / 8, stern - reach * (piece + 1) / 8
        fade = (1.0 - piece / 8) ** 1.6
        wide = half * (0.75 + 0.06 * piece)
        rings.append((0.62 * fade, np.array([[near, wide], [far, wide], [far, -wide], [near, -wide]])))
        for side in (-1, 1):
            y0, y1 = (
                side * (half + np.tan(np.radians(19.5)) * (length_m / 3 - x + stern)) for x in (near, far)
            )
            thick = side * (0.5 + 0.02 * length_m)
            rings.append(
                (0.34 * fade, np.array([[near, y0], [far, y1], [far, y1 - thick], [near, y0 - thick]]))
            )
    return rings
