"""Puts solids into the picture: shadows on the ground first, then the solids in their own light."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch_datasets.synthetic.frame import Float, Grid, Window, fill_union, in_colour
from apronwatch_datasets.synthetic.noise import ground_noise
from apronwatch_datasets.synthetic.solids import Fin, Paint, Part, Ring, Solid
from apronwatch_datasets.synthetic.sun import Sun

_FINEST_M = 0.12
"""Solids are drawn at about this pixel size and averaged down."""

_VAST_FROM_M = 150.0
"""Larger ones (large ships; no aircraft, no hangar) are drawn half as fine: they would take seconds."""

_NEAR_M = 0.5
"""A shadow that ends this far from a part cannot reach it, rounding included."""

_GRIMY_FROM_M = 13.0
"""Solids shorter than this are drawn without weathering: it would not show."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A solid at a place: east, north, and the heading of its nose clockwise from grid north."""

    solid: Solid
    east: float
    north: float
    heading_deg: float
    seed: int

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) affine from the body frame to east and north."""
        h = np.radians(self.heading_deg)
        return np.array([[np.sin(h), np.cos(h), self.east], [np.cos(h), -np.sin(h), self.north]])

    def to_ground(self, points: Ring) -> Ring:
        """Points of the body frame (N, 2) as east and north."""
        placed: Ring = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return placed

    @property
    def box(self) -> Ring:
        """(4, 2) corners of the truth's box, east and north: nose right, tail right, tail left, nose left."""
        half = np.array([self.solid.length_m, self.solid.width_m]) / 2
        return self.to_ground(np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half)


@dataclass(frozen=True, eq=False)
class _Patch:
    """A finer grid over a window of the picture."""

    window: Window
    scale: int
    shape: tuple[int, int]

    def rings(self, grid: Grid, outlines: list[Ring]) -> list[Ring]:
        corner = np.array([self.window[1].start, self.window[0].start])
        fine = (grid.to_pixels(np.vstack(outlines)) - corner) * self.scale
        return np.split(fine, np.cumsum([len(ring) for ring in outlines])[:-1])

    def reduce(self, fine: Float | NDArray[np.uint8]) -> Float:
        height, width = self.shape[0] // self.scale, self.shape[1] // self.scale
        reduced: Float = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        return reduced


def _patch(grid: Grid, points: Ring) -> _Patch | None:
    window = grid.window(grid.to_pixels(points))
    if window is None:
        return None
    finest_m = _FINEST_M if np.hypot(*np.ptp(points, axis=0)) < _VAST_FROM_M else 2 * _FINEST_M
    scale = int(np.clip(round(grid.gsd_m / finest_m), 2, 8))
    rows, columns = window
    return _Patch(window, scale, ((rows.stop - rows.start) * scale, (columns.stop - columns.start) * scale))


def throw_shadow(light: Float, grid: Grid, placed: Placed, sun: Sun) -> None:
    """Darken `light` (H, W; share of the sun's beam that arrives) where the solid stands in the way."""
    swept = [s for part in placed.solid.parts if part.casts for s in _sweep(placed, part, sun, 0.0)]
    swept += [_fin_shadow(placed, fin, sun, 0.0) for fin in placed.solid.fins]
    if not swept:
        return
    patch = _patch(grid, np.vstack(swept))
    if patch is None:
        return
    mask = _mask(patch.rings(grid, swept), _whole(patch))
    shade = 1.0 - patch.reduce(mask) / np.float32(255)
    np.minimum(light[patch.window], shade, out=light[patch.window])


@dataclass(frozen=True, eq=False)
class Seen:
    """How a solid looks from above: `share` (h, w, 1) of each pixel of a window that it fills, with its light."""

    window: Window
    share: Float
    light: Float

    def lay_over(self, radiance: Float) -> None:
        """Paint it over the radiance (H, W, 3) of the picture."""
        radiance[self.window] = radiance[self.window] * (1.0 - self.share) + self.light


def seen(placed: Placed, light: Float, grid: Grid, sun: Sun) -> Seen | None:
    """How a solid looks, dimmed where `light` (H, W) says that something shades it; None outside the picture."""
    outlines = [placed.to_ground(part.outline) for part in placed.solid.parts]
    outlines += [placed.to_ground(_fin_top(fin)) for fin in placed.solid.fins]
    patch = _patch(grid, np.vstack(outlines))
    if patch is None:
        return None
    fine = np.zeros((*patch.shape, 3), np.float32)
    solid = np.zeros(patch.shape, np.uint8)
    finish, casters = _Finish(placed, grid, patch), _Casters(placed.solid, outlines)
    for number, part in enumerate(placed.solid.parts):
        ring = patch.rings(grid, [outlines[number]])[0]
        region = _region(ring, patch.shape)
        if region is None:
            continue
        mask = _mask([ring], region)
        lit = _self_shadow(placed, number, casters, patch, region, grid, sun)
        cv2.copyTo(_shade(part, finish, region, lit, sun), mask, fine[region])
        solid[region] |= mask
    for fin in placed.solid.fins:
        mask = _mask(patch.rings(grid, [placed.to_ground(_fin_top(fin))]), _whole(patch))
        fine[mask > 0] = np.array(fin.paint.albedo, np.float32) * (
            0.75 * sun.beam * sun.direction[2] + sun.sky
        )
        solid |= mask
    share = patch.reduce(solid)[..., None] / np.float32(255)
    under = light[patch.window][..., None]
    beam = patch.reduce(fine) * (0.22 + 0.78 * np.where(share > 0, under, 1.0))
    return Seen(patch.window, share, np.asarray(beam, np.float32))


def _region(ring: Ring, shape: tuple[int, int]) -> Window | None:
    low, high = np.floor(ring.min(axis=0)).astype(int) - 1, np.ceil(ring.max(axis=0)).astype(int) + 2
    c0, r0 = np.maximum(low, 0)
    c1, r1 = np.minimum(high, shape[::-1])
    return (slice(int(r0), int(r1)), slice(int(c0), int(c1))) if c0 < c1 and r0 < r1 else None


def _whole(patch: _Patch) -> Window:
    return slice(0, patch.shape[0]), slice(0, patch.shape[1])


def _mask(rings: list[Ring], region: Window) -> NDArray[np.uint8]:
    """255 inside any of the rings (pixels of the patch), over a region of it."""
    mask = np.zeros((region[0].stop - region[0].start, region[1].stop - region[1].start), np.uint8)
    corner = np.array([region[1].start, region[0].start])
    fill_union(mask, [ring - corner for ring in rings])
    return mask


class _Finish:
    """Body coordinates and grime over a patch, and the albedo of a paint over a region of it."""

    def __init__(self, placed: Placed, grid: Grid, patch: _Patch) -> None:
        step = grid.gsd_m / patch.scale
        east = grid.west + patch.window[1].start * grid.gsd_m + step / 2 - placed.east
        north = grid.north - patch.window[0].start * grid.gsd_m - step / 2 - placed.north
        turn = placed.matrix[:, :2].T
        self.to_body = np.hstack([turn @ np.diag([step, -step]), (turn @ [east, north])[:, None]])
        column = np.arange(patch.shape[1], dtype=np.float32)
        row = np.arange(patch.shape[0], dtype=np.float32)[:, None]
        self.x, self.y = (
            np.float32(m[0]) * column + np.float32(m[1]) * row + np.float32(m[2]) for m in self.to_body
        )
        self.grime = np.ones(patch.shape, np.float32)
        if placed.solid.length_m > _GRIMY_FROM_M:
            self.grime += 0.030 * ground_noise(patch.shape, self.to_body, (4.0, 1.3), placed.seed % 6)
        self.shape, self.placed = patch.shape, placed
        self._spots: dict[tuple[float, int], Float] = {}

    def albedo(self, paint: Paint, region: Window) -> Float:
        grime = self.grime[region]
        albedo = in_colour(grime, np.array(paint.albedo, np.float32))
        for number, colour in enumerate(paint.spots):
            spotted = self._pattern(paint.spot_m, number)[region] > 0.25 + 0.3 * number
            cv2.copyTo(in_colour(grime, np.array(colour, np.float32)), spotted.astype(np.uint8), albedo)
        return albedo

    def _pattern(self, spot_m: float, number: int) -> Float:
        if (spot_m, number) not in self._spots:
            seed = self.placed.seed % 6 + 11 + number
            self._spots[spot_m, number] = ground_noise(
                self.shape, self.to_body, (spot_m, spot_m / 2.3), seed, 0.6
            )
        return self._spots[spot_m, number]


def _shade(part: Part, finish: _Finish, region: Window, lit: Float | float, sun: Sun) -> Float:
    """Radiance of a part's surface over a region of the patch."""
    x, y = finish.x[region], finish.y[region]
    h = math.radians(finish.placed.heading_deg)
    # Python's numbers keep single precision single.
    east, north, up = sun.direction.tolist()
    forward, right = east * math.sin(h) + north * math.cos(h), east * math.cos(h) - north * math.sin(h)
    nx, ny = np.float32(part.tilt[0]), np.asarray(part.tilt[1], np.float32)
    if part.relief == "tube":
        radius = np.interp(x, part.radii[:, 0], part.radii[:, 1]).astype(np.float32)
        ny = np.clip((y - part.axis_y_m) / np.maximum(radius, 0.05), -0.99, 0.99)
        nx = np.float32(0.0)
    nz = np.sqrt(1.0 - nx * nx - ny * ny)
    facing = np.maximum(0.0, nx * forward + ny * right + nz * up)
    towards = (nx * forward + ny * right + nz * (up + 1.0)) / math.sqrt(2.0 + 2.0 * up)
    eighth = np.square(np.square(np.square(np.maximum(0.0, towards))))
    glint = np.square(np.square(eighth)) * eighth
    light = _tinted(lit * facing, sun.beam) + _tinted(0.55 + 0.45 * nz, sun.sky)
    mirrored = _tinted(0.55 * part.paint.gloss * lit * glint, sun.beam)
    colour = finish.albedo(part.paint, region)
    if light.ndim == 1:
        return np.asarray(cv2.transform(colour, np.column_stack([np.diag(light), mirrored])), np.float32)
    colour *= light
    colour += mirrored
    return colour


def _tinted(strength: Float | float, colour: Float) -> Float:
    """(h, w, 3), or (3,) where the strength is a single number, as on a flat top in full light."""
    strength = np.asarray(strength, np.float32)
    return in_colour(strength, colour) if strength.ndim else strength * colour


class _Casters:
    """Which parts of a solid can shade which others, by the boxes around them."""

    def __init__(self, solid: Solid, outlines: list[Ring]) -> None:
        rings = outlines[: len(solid.parts)]
        self.low = np.array([ring.min(axis=0) for ring in rings])
        self.high = np.array([ring.max(axis=0) for ring in rings])
        self.top = np.array([part.top_m if part.casts else -np.inf for part in solid.parts])

    def above(self, number: int, level_m: float, sun: Sun) -> NDArray[np.intp]:
        """Later parts that rise above a level and whose shadow on it comes near part `number`."""
        later = np.flatnonzero(self.top[number + 1 :] > level_m + 0.25) + number + 1
        reach = (self.top[later, None] - level_m) * sun.shadow_per_m
        begins = self.low[later] + np.minimum(0.0, reach) - _NEAR_M < self.high[number]
        ends = self.high[later] + np.maximum(0.0, reach) + _NEAR_M > self.low[number]
        near: NDArray[np.intp] = later[(begins & ends).all(axis=1)]
        return near


def _self_shadow(
    placed: Placed, number: int, casters: _Casters, patch: _Patch, region: Window, grid: Grid, sun: Sun
) -> Float | float:
    """Share of the beam that reaches a flat part past those that rise above it; 1 where nothing does."""
    receiver = placed.solid.parts[number]
    if receiver.relief == "tube":
        return 1.0
    level = receiver.top_m
    above = casters.above(number, level, sun)
    swept = [ring for k in above for ring in _sweep(placed, placed.solid.parts[k], sun, level)]
    swept += [
        _fin_shadow(placed, fin, sun, level) for fin in placed.solid.fins if fin.side[:, 1].max() > level
    ]
    if not swept:
        return 1.0
    lit: Float = 1.0 - _mask(patch.rings(grid, swept), region).astype(np.float32) / np.float32(255)
    return lit


def _sweep(placed: Placed, part: Part, sun: Sun, level_m: float) -> list[Ring]:
    """Rings, east and north, that together are the shadow of a part on a plane at `level_m`."""
    low, high = part.base_m, part.top_m
    if part.relief == "tube":
        # A lying cylinder of radius r is r / sin(elevation) across in its shadow, less than its box would be.
        up = sun.direction[2]
        middle, reach = (low + high) / 2, (high - low) / 2 * (1.0 - up) / np.sqrt(1.0 - up * up)
        low, high = middle - reach, middle + reach
    step = sun.shadow_per_m
    ground = placed.to_ground(part.outline)
    near, far = ground + max(0.0, low - level_m) * step, ground + max(0.0, high - level_m) * step
    following = np.arange(1, len(near) + 1) % len(near)
    sides = np.stack([near, near[following], far[following], far], axis=1)
    return [near, far, *sides]


def _fin_shadow(placed: Placed, fin: Fin, sun: Sun, level_m: float) -> Ring:
    height = np.maximum(0.0, fin.side[:, 1] - level_m)[:, None]
    y = fin.y_m + fin.cant * (fin.side[:, 1] - fin.side[:, 1].min())
    return placed.to_ground(np.column_stack([fin.side[:, 0], y])) + height * sun.shadow_per_m


def _fin_top(fin: Fin) -> Ring:
    low, high = fin.side[:, 0].min(), fin.side[:, 0].max()
    rise = fin.cant * float(np.ptp(fin.side[:, 1]))
    half = fin.thickness_m / 2
    inner, outer = sorted((fin.y_m, fin.y_m + rise))
    return np.array([[low, inner - half], [high, inner - half], [high, outer + half], [low, outer + half]])
