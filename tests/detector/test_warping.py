"""A tile's pixels lie where the projection says, and what is brought there is what was there."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from apronwatch.lattice import Tile
from apronwatch.warping import Placer, warp

PLANE = "EPSG:32637"
CENTRE = (300_000.0, 3_920_000.0)
SIZE_PX = 256


def tile_at(west: float, north: float, gsd_m: float) -> Tile:
    side = SIZE_PX * gsd_m
    bounds = (west, north - side, west + side, north)
    return Tile(0, 0, bounds, bounds, gsd_m, SIZE_PX)


def raster_grid(crs: str, gsd_m: float, rotation_deg: float = 0.0) -> Affine:
    """A grid of about `gsd_m` in any CRS, its corner at `CENTRE`."""
    to_crs = Transformer.from_crs(PLANE, crs, always_xy=True)
    x, y = to_crs.transform(*CENTRE)
    ahead = to_crs.transform(CENTRE[0] + 1.0, CENTRE[1] + 1.0)
    turn = Affine.translation(x, y) @ Affine.rotation(rotation_deg)
    return turn @ Affine.scale(abs(ahead[0] - x) * gsd_m, -abs(ahead[1] - y) * gsd_m)


GRIDS = st.tuples(
    st.sampled_from([PLANE, "EPSG:32636", "EPSG:32638", "EPSG:3857", "EPSG:4326"]),
    st.sampled_from([0.3, 0.5, 1.0, 2.0]),
    st.sampled_from([0.0, 30.0, 90.0, 180.0, -71.0]),
)
TILES = st.builds(
    tile_at,
    st.floats(CENTRE[0] - 3000, CENTRE[0] + 3000),
    st.floats(CENTRE[1] - 3000, CENTRE[1] + 3000),
    st.sampled_from([0.3, 0.5, 1.0]),
)


@settings(max_examples=40)
@given(grid=GRIDS, tile=TILES, seed=st.integers(0, 99))
def test_pixels_lie_where_the_projection_says(grid: tuple[str, float, float], tile: Tile, seed: int) -> None:
    crs, gsd_m, rotation_deg = grid
    affine = raster_grid(crs, gsd_m, rotation_deg)
    placement = Placer(PLANE, crs, affine).place(tile)
    rows, columns = np.random.default_rng(seed).integers(0, SIZE_PX, (2, 50))
    for row, column in zip(rows, columns, strict=True):
        east, north = tile.to_plane @ (column + 0.5, row + 0.5)
        x, y = Transformer.from_crs(PLANE, crs, always_xy=True).transform(east, north)
        there = ~affine @ (x, y)
        found = placement.columns[row, column], placement.rows[row, column]
        assert found == pytest.approx(there, abs=0.01)


@settings(max_examples=30)
@given(grid=GRIDS, tile=TILES)
def test_the_scale_is_that_of_the_two_grids(grid: tuple[str, float, float], tile: Tile) -> None:
    crs, gsd_m, rotation_deg = grid
    if crs == "EPSG:4326" and rotation_deg % 90:
        return  # degrees of longitude and latitude are of unlike length: such a grid is sheared
    scale = Placer(PLANE, crs, raster_grid(crs, gsd_m, rotation_deg)).place(tile).scale
    assert scale == pytest.approx((tile.gsd_m / gsd_m,) * 2, rel=0.3)


@pytest.mark.parametrize(("shift_px", "lies_on_it"), [((0, 0), True), ((37, -5), True), ((0.5, 0), False)])
def test_a_raster_on_the_lattice_is_read_as_it_is(shift_px: tuple[float, float], lies_on_it: bool) -> None:
    grid = Affine(1.0, 0.0, CENTRE[0], 0.0, -1.0, CENTRE[1])
    tile = tile_at(CENTRE[0] + shift_px[0], CENTRE[1] - shift_px[1], 1.0)
    offset = Placer(PLANE, PLANE, grid).place(tile).offset
    assert offset == (shift_px if lies_on_it else None)


def brought(crs: str, gsd_m: float, rotation_deg: float, tile: Tile, of_ground) -> tuple[np.ndarray, ...]:
    """A raster whose pixels are a function of the ground, brought onto a tile; with that function at the tile."""
    affine = raster_grid(crs, gsd_m, rotation_deg)
    placement = Placer(PLANE, crs, affine).place(tile)
    window, shape = placement.source()
    rows, columns = np.indices((int(window.height), int(window.width))) + 0.5
    columns, rows = columns + window.col_off, rows + window.row_off
    x = affine.a * columns + affine.b * rows + affine.c
    y = affine.d * columns + affine.e * rows + affine.f
    ground = Transformer.from_crs(crs, PLANE, always_xy=True).transform(x, y)
    pixels = of_ground(*ground).astype(np.float32)[..., None]
    warped, valid = warp(pixels, np.ones(pixels.shape[:2], bool), window, shape, placement)
    assert valid.all()
    tile_rows, tile_columns = np.indices((SIZE_PX, SIZE_PX)) + 0.5
    east, north = tile.bounds[0] + tile_columns * tile.gsd_m, tile.bounds[3] - tile_rows * tile.gsd_m
    return warped[..., 0], of_ground(east, north)


@pytest.mark.parametrize("crs", [PLANE, "EPSG:32636", "EPSG:3857", "EPSG:4326"])
@pytest.mark.parametrize(("gsd_m", "rotation_deg"), [(0.3, 0.0), (0.5, 30.0), (1.0, 180.0), (2.0, -71.0)])
def test_a_slope_stays_where_it_is(crs: str, gsd_m: float, rotation_deg: float) -> None:
    """Shrinking, growing and turning move nothing: less than 0.06 px of the coarser grid on average, 0.15 px anywhere.

    OpenCV's cubic kernel (a = -0.75) bends a slope by up to 0.1 px between pixels, and it rounds to 1/32 px.
    """
    tile = tile_at(CENTRE[0] + 11.3, CENTRE[1] + 7.7, 1.0)
    for of_ground in (lambda east, north: east - CENTRE[0], lambda east, north: north - CENTRE[1]):
        found, expected = brought(crs, gsd_m, rotation_deg, tile, of_ground)
        off_px = (found - expected)[4:-4, 4:-4] / max(1.0, gsd_m)
        assert abs(off_px.mean()) < 0.06
        assert np.abs(off_px).max() < 0.15


def test_shrinking_averages() -> None:
    """A checkerboard of 0.25 m becomes even grey at 1 m, not the moiré of a point sample."""

    def checkers(east, north):
        return 200.0 * ((np.floor(east / 0.25) + np.floor(north / 0.25)) % 2)

    tile = tile_at(CENTRE[0] + 10.0, CENTRE[1] + 10.0, 1.0)
    affine = Affine(0.25, 0.0, CENTRE[0], 0.0, -0.25, CENTRE[1])
    placement = Placer(PLANE, PLANE, affine).place(tile)
    window, shape = placement.source()
    rows, columns = np.indices((int(window.height), int(window.width)))
    pixels = checkers(0.125 + columns * 0.25, 0.125 + rows * 0.25).astype(np.float32)[..., None]
    warped, _ = warp(pixels, np.ones(pixels.shape[:2], bool), window, shape, placement)
    assert np.abs(warped - 100.0).max() < 2.0


def test_pixels_without_value_do_not_colour_their_neighbours() -> None:
    tile = tile_at(CENTRE[0], CENTRE[1], 1.0)
    affine = Affine(0.7, 0.0, CENTRE[0], 0.0, -0.7, CENTRE[1])
    placement = Placer(PLANE, PLANE, affine).place(tile)
    window, shape = placement.source()
    pixels = np.full((int(window.height), int(window.width), 3), 90, np.uint8)
    valid = np.ones(pixels.shape[:2], bool)
    valid[100:140, 50:200] = False
    pixels[~valid] = 255
    warped, seen = warp(pixels, valid, window, shape, placement)
    assert (warped[seen] == 90).all()
    hidden_m2, lost_m2 = (~valid).sum() * 0.49, (~seen).sum()
    assert lost_m2 == pytest.approx(hidden_m2, rel=0.03)


def test_a_scene_across_the_antimeridian_is_one_piece() -> None:
    """Its columns run on beyond 180 degrees; the plane's own longitudes jump there."""
    affine = Affine(1e-5, 0.0, 179.99, 0.0, -1e-5, 65.0)
    to_plane = Transformer.from_crs("EPSG:4326", "EPSG:32660", always_xy=True)
    west, north = to_plane.transform(179.998, 64.998)
    placement = Placer("EPSG:32660", "EPSG:4326", affine).place(tile_at(west, north, 1.0))
    assert (np.diff(placement.columns, axis=1) > 0).all()
    assert placement.columns.min() > 700
    assert placement.columns.max() < 2000
