"""The ground: its albedo (share of light given back, red green blue) before anything stands on it."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from apronwatch_datasets.synthetic.frame import Float, Grid, Window, coverage, in_colour
from apronwatch_datasets.synthetic.noise import ground_noise
from apronwatch_datasets.synthetic.spec import Base, Marking, Stain, Surface
from apronwatch_datasets.synthetic.strips import WORKERS, each, over_rows

_BLOCK = 192

_GRASS = {
    "steppe": np.array([0.112, 0.124, 0.074], np.float32),
    "desert": np.array([0.292, 0.252, 0.196], np.float32),
}
_DRY = {
    "steppe": np.array([0.182, 0.170, 0.116], np.float32),
    "desert": np.array([0.325, 0.284, 0.226], np.float32),
}
_SOIL = np.array([0.262, 0.226, 0.172], np.float32)
_PAVED = {
    "concrete": np.array([0.350, 0.334, 0.298], np.float32),
    "asphalt": np.array([0.128, 0.126, 0.124], np.float32),
    "gravel": np.array([0.270, 0.245, 0.205], np.float32),
    "sand": np.array([0.385, 0.340, 0.262], np.float32),
    "riprap": np.array([0.235, 0.225, 0.205], np.float32),
}
_PAINT = {
    "white": np.array([0.62, 0.62, 0.60], np.float32),
    "yellow": np.array([0.58, 0.42, 0.10], np.float32),
}


def draw_ground(base: Base, grid: Grid) -> Float:
    """Albedo (H, W, 3) of grass, pavements, stains and markings, in that order."""
    weather = _Weather.over(base, grid)
    albedo = _terrain(base, grid, weather)
    for surface in base.surfaces:
        _pave(albedo, base, grid, surface, weather)
    over_rows(
        grid.height, lambda rows: _stains(albedo, base, grid, weather, rows), -(-grid.height // WORKERS)
    )
    for marking in base.markings:
        _mark(albedo, base, grid, marking)
    return np.clip(albedo, 0.02, 0.9, out=albedo)


@dataclass(frozen=True, eq=False)
class _Weather:
    """What rain, wheels and growth did to the ground, as noise (H, W)."""

    wash: Float
    blotches: Float
    grain: Float

    @classmethod
    def over(cls, base: Base, grid: Grid) -> "_Weather":
        shape, to_local, seed = grid.shape, grid.local_matrix(base), base.seed + 40
        kinds = (
            ((75.0, 31.0, 13.0, 5.0), seed, 0.8),
            ((37.0, 15.0), seed + 2, 1.0),
            ((3.1, 1.3, 0.65), seed + 1, 0.9),
        )
        return cls(*each(lambda kind: ground_noise(shape, to_local, *kind), kinds))


def _terrain(base: Base, grid: Grid, weather: _Weather) -> Float:
    to_local, grain = grid.local_matrix(base), weather.grain
    kinds = (((190.0, 90.0, 41.0, 17.0), base.seed, 0.75), ((23.0, 9.0, 3.7, 1.9), base.seed + 1, 0.9))
    broad, spots = each(lambda kind: ground_noise(grid.shape, to_local, *kind), kinds)
    albedo = np.empty((*grid.shape, 3), np.float32)
    over_rows(
        grid.height,
        lambda rows: _grow(albedo[rows], base.terrain, broad[rows], spots[rows], grain[rows]),
    )
    return albedo


def _grow(albedo: Float, terrain: str, broad: Float, spots: Float, grain: Float) -> None:
    dry = _smoothstep(0.55 * broad + 0.30 * spots + 0.12 * grain, -1.4, 1.6)
    bare = np.float32(0.8) * _smoothstep(0.55 * spots - 0.7 * broad + 0.25 * grain, 1.05, 3.0)
    tone = 1.0 + 0.06 * grain + 0.045 * spots
    grown = tone * (1.0 - bare)
    dry *= grown
    colours = np.column_stack([_GRASS[terrain], _DRY[terrain] - _GRASS[terrain], _SOIL])
    cv2.transform(cv2.merge([grown, dry, tone * bare]), colours, dst=albedo)


def _pave(albedo: Float, base: Base, grid: Grid, surface: Surface, weather: _Weather) -> None:
    for window, share in _blocks(grid, base.to_grid(surface.outline.buffer(2.5))):
        _blend(albedo, window, 0.35 * share, _SOIL)
    each(
        lambda block: _blend(albedo, *block, _pavement(base, grid, surface, block[0], weather)),
        _blocks(grid, base.to_grid(surface.outline)),
    )


def _blocks(grid: Grid, geometry: BaseGeometry) -> Iterator[tuple[Window, Float]]:
    """Pieces of the picture that a geometry touches, with its share of their pixels."""
    found = coverage(grid, geometry)
    if found is None:
        return
    (rows, columns), share = found
    for top in range(0, share.shape[0], _BLOCK):
        for left in range(0, share.shape[1], _BLOCK):
            piece = share[top : top + _BLOCK, left : left + _BLOCK]
            if piece.any():
                row, column = rows.start + top, columns.start + left
                yield (slice(row, row + piece.shape[0]), slice(column, column + piece.shape[1])), piece


def _pavement(base: Base, grid: Grid, surface: Surface, window: Window, weather: _Weather) -> Float:
    """Albedo of a surface over a window: weathering, slabs of different pours, joints."""
    to_local = _window_matrix(grid.local_matrix(base), window)
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    wash = weather.wash[window]
    tone = 1.0 + 0.050 * wash + 0.024 * weather.grain[window]
    if surface.slab_m:
        tone *= _slabs(shape, _turned(to_local, surface.slab_rotation_deg), surface, grid.gsd_m)
    elif surface.kind == "asphalt":
        tone *= 1.0 + 0.16 * _smoothstep(weather.blotches[window], 0.9, 1.3)
    if surface.kind == "riprap":
        # Boulders: bright tops and dark gaps.
        tone *= np.clip(1.0 + 0.34 * weather.grain[window], 0.25, 1.7)
    warm = np.array([0.012, 0.0, -0.014], np.float32)
    plain = surface.tone * _PAVED[surface.kind]
    return in_colour(tone.astype(np.float32), plain) * in_colour(wash, warm, np.ones(3, np.float32))


def _slabs(shape: tuple[int, int], to_slabs: NDArray[np.float64], surface: Surface, gsd_m: float) -> Float:
    rng = np.random.default_rng([surface.seed, 7])
    (a, b, c), (d, e, f) = to_slabs.tolist()
    column, row = np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32)[:, None]
    u, v = a * column + b * row + c, d * column + e * row + f
    iu, iv = np.floor(u / surface.slab_m).astype(np.int16), np.floor(v / surface.slab_m).astype(np.int16)
    each = 0.017 * rng.standard_normal((256, 256)).astype(np.float32)
    renewed = rng.random((256, 256))
    each += np.where(renewed < 0.008, 0.10, 0.0) - np.where(renewed > 0.993, 0.10, 0.0)
    lanes = 0.038 * rng.standard_normal(256).astype(np.float32)
    days = 0.022 * rng.standard_normal((256, 64)).astype(np.float32)
    tone = 1.0 + each[iv & 255, iu & 255] + lanes[(iv // 2) & 255] + days[(iv // 2) & 255, (iu // 9) & 63]
    joint_m = 0.11
    reach = max(gsd_m, joint_m)
    for along in (u, v):
        off = np.abs(along - surface.slab_m * np.round(along / surface.slab_m))
        tone *= 1.0 - 0.42 * (joint_m / reach) * np.clip(1.2 - off / reach, 0.0, 1.0)
    drawn: Float = tone.astype(np.float32)
    return drawn


def _stains(albedo: Float, base: Base, grid: Grid, weather: _Weather, rows: slice) -> None:
    """The stains over some rows of the picture."""
    for stain in base.stains:
        _stain(albedo, base, grid, stain, weather, rows)


def _stain(albedo: Float, base: Base, grid: Grid, stain: Stain, weather: _Weather, rows: slice) -> None:
    reach = 1.5 * np.array([stain.width_m, stain.length_m])
    box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach
    angle = np.radians(stain.heading_deg)
    across, along = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
    corners = np.array([stain.x_m, stain.y_m]) + box[:, :1] * across + box[:, 1:] * along
    placed = corners @ base.matrix[:, :2].T + base.matrix[:, 2]
    window = grid.window(grid.to_pixels(placed))
    if window is None:
        return
    top, bottom = max(window[0].start, rows.start), min(window[0].stop, rows.stop)
    if top >= bottom:
        return
    to_local = _window_matrix(grid.local_matrix(base), window)
    column = np.arange(window[1].stop - window[1].start, dtype=np.float32)
    row = np.arange(top - window[0].start, bottom - window[0].start, dtype=np.float32)[:, None]
    window = (slice(top, bottom), window[1])
    # To the stain's own axes, in half widths and half lengths.
    axes = np.array([across / (0.5 * stain.width_m), along / (0.5 * stain.length_m)])
    to_stain = axes @ (to_local - [[0.0, 0.0, stain.x_m], [0.0, 0.0, stain.y_m]])
    # Python's numbers keep single precision single.
    across2, along2 = ((a * column + b * row + c) ** 2 for a, b, c in to_stain.tolist())
    ragged = np.clip(0.75 + 0.45 * weather.grain[window], 0.0, 1.6)
    weight = stain.strength * np.exp(-across2 - along2 * along2) * ragged
    albedo[window] *= in_colour(np.clip(1.0 - weight, 0.25, 1.2).astype(np.float32))


def _mark(albedo: Float, base: Base, grid: Grid, marking: Marking) -> None:
    for piece in _dashes(marking):
        if marking.colour == "yellow" and grid.gsd_m < 0.9:
            _paint(
                albedo,
                base,
                grid,
                piece,
                3.0 * marking.width_m,
                0.30,
                np.array([0.10, 0.10, 0.10], np.float32),
            )
        _paint(albedo, base, grid, piece, marking.width_m, 1.0 - marking.worn, _PAINT[marking.colour])


def _paint(
    albedo: Float, base: Base, grid: Grid, line: LineString, width_m: float, strength: float, paint: Float
) -> None:
    # A line thinner than a pixel is drawn a pixel wide and as much fainter.
    drawn_m = max(width_m, 0.8 * grid.gsd_m)
    band = line.buffer(drawn_m / 2, cap_style="flat", join_style="mitre")
    for window, share in _blocks(grid, base.to_grid(band)):
        _blend(albedo, window, share * np.float32(strength * width_m / drawn_m), paint)


def _dashes(marking: Marking) -> list[LineString]:
    if marking.dash_m is None:
        return [marking.line]
    on, off = marking.dash_m
    starts = np.arange(0.0, marking.line.length, on + off)
    return [substring(marking.line, start, min(start + on, marking.line.length)) for start in starts]


def _blend(albedo: Float, window: Window, share: Float, colour: Float) -> None:
    under = albedo[window]
    if colour.ndim == 1:
        under *= in_colour(1.0 - share)
        under += in_colour(share, colour)
    else:
        under += (colour - under) * in_colour(share)


def _window_matrix(matrix: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    corner = np.array([window[1].start, window[0].start], dtype=np.float64)
    return np.hstack([matrix[:, :2], (matrix[:, :2] @ corner + matrix[:, 2])[:, None]])


def _turned(matrix: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned: NDArray[np.float64] = np.array([[c, -s], [s, c]]) @ matrix
    return turned


def _smoothstep(value: Float, low: float, high: float) -> Float:
    t = np.clip((value - low) / np.float32(high - low), 0.0, 1.0)
    smooth: Float = t * t * (3.0 - 2.0 * t)
    return smooth
