"""Laws of what was seen: nothing is lost between tiles, and nothing is seen that was not shown."""

import math
import random
import tracemalloc

import numpy as np
import pytest
import shapely
import shapely.affinity
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.visibility import ObservedGrid, VisibilityMeter

UTM = "EPSG:32637"
EAST, NORTH = 240_000.0, 3_923_000.0


def tiling(bounds, gsd_m, tile_px, overlap_px):
    """(core, to_plane) of every tile whose core touches the bounds, on an endless lattice."""
    step, tile, half = (px * gsd_m for px in (tile_px - overlap_px, tile_px, overlap_px / 2))
    first = [math.floor((edge - half) / step) for edge in bounds[:2]]
    last = [math.floor((edge - half) / step) for edge in bounds[2:]]
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            core = (i * step + half, j * step + half, (i + 1) * step + half, (j + 1) * step + half)
            yield core, Affine(gsd_m, 0, i * step, 0, -gsd_m, j * step + tile)


def measured(zones, tiles, tile_px, valid_at=None, crs=UTM):
    """Visibility after showing tiles; `valid_at(x, y)` tells which pixel centres are valid."""
    meter = VisibilityMeter(zones, crs)
    for core, to_plane in tiles:
        valid = np.ones((tile_px, tile_px), dtype=bool)
        if valid_at is not None:
            x = to_plane.c + (np.arange(tile_px) + 0.5) * to_plane.a
            y = to_plane.f + (np.arange(tile_px) + 0.5) * to_plane.e
            valid = np.broadcast_to(valid_at(x[None, :], y[:, None]), valid.shape)
        meter.add(core, to_plane, valid)
    return meter.result()


tilings = st.tuples(
    st.sampled_from([0.3, 0.5, 0.7, 1.0, 1.5]), st.sampled_from([(256, 64), (320, 96), (512, 128)])
)
offsets = st.tuples(st.floats(-400, 400), st.floats(-400, 400))
sizes = st.floats(0.01, 300)


@st.composite
def zones(draw):
    """Triangles, L-shapes, holes and pairs, from a centimetre to 300 m, anywhere near the origin."""
    x, y = draw(offsets)
    width, height = draw(sizes), draw(sizes)
    unit = draw(
        st.sampled_from(
            [
                shapely.Polygon([(0, 0), (1, 0.1), (0.4, 1)]),
                shapely.Polygon([(0, 0), (1, 0), (1, 0.3), (0.3, 0.3), (0.3, 1), (0, 1)]),
                shapely.Polygon(shapely.box(0, 0, 1, 1).exterior, [shapely.box(0.2, 0.3, 0.7, 0.9).exterior]),
                shapely.union_all([shapely.box(0, 0, 0.2, 1), shapely.Point(0.7, 0.5).buffer(0.25)]),
            ]
        )
    )
    return shapely.transform(unit, lambda xy: xy * [width, height] + [EAST + x, NORTH + y])


@settings(max_examples=60)
@given(zone=zones(), other=zones(), lattice=tilings)
def test_a_zone_in_valid_tiles_is_seen_wholly(zone, other, lattice):
    gsd_m, (tile_px, overlap_px) = lattice
    both = shapely.union_all([zone, other])
    tiles = tiling(both.bounds, gsd_m, tile_px, overlap_px)
    seen = measured({"a": zone, "b": other, "*": both}, tiles, tile_px)
    assert seen.fractions == pytest.approx({"a": 1.0, "b": 1.0, "*": 1.0}, abs=1e-9)
    assert seen.areas_m2 == pytest.approx({"a": zone.area, "b": other.area, "*": both.area}, rel=1e-6)
    assert seen.grid.fraction(zone) == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=40)
@given(zone=zones(), lattice=tilings, cut=st.floats(0, 1))
def test_half_a_plane_without_data_leaves_its_share(zone, lattice, cut):
    gsd_m, (tile_px, overlap_px) = lattice
    west, south, east, north = zone.bounds
    edge = west + cut * (east - west)
    tiles = list(tiling(zone.bounds, gsd_m, tile_px, overlap_px))
    seen = measured({"a": zone}, tiles, tile_px, lambda x, y: (x < edge) | np.zeros_like(y, dtype=bool))
    exact = zone.intersection(shapely.box(west - 1, south - 1, edge, north + 1)).area
    # A pixel can be wrong only where the zone's edge or the cut runs through it (a line of length L crosses
    # at most 2 L / gsd and one more a corner), and enters twice: among the valid ones and among all.
    edge_px = 2 * (zone.length + north - south) / gsd_m + shapely.get_num_coordinates(zone)
    assert abs(seen.fractions["a"] * zone.area - exact) <= 2 * edge_px * gsd_m**2
    everything = measured({"a": zone}, tiles, tile_px, lambda x, y: (x < edge) == (y < math.inf))
    nothing = measured({"a": zone}, tiles, tile_px, lambda x, y: (x >= edge) == (y < math.inf))
    assert everything.fractions["a"] + nothing.fractions["a"] == pytest.approx(1.0, abs=1e-9)


def test_the_share_of_a_large_rectangle_is_exact_to_a_pixel():
    zone = shapely.box(EAST, NORTH, EAST + 1000, NORTH + 400)
    tiles = tiling(zone.bounds, 0.5, 640, 160)
    seen = measured({"a": zone}, tiles, 640, lambda x, y: (x < EAST + 250.25) & (y > 0))
    assert seen.fractions["a"] == pytest.approx(0.25, abs=0.5 / 1000)
    assert seen.grid.fraction(zone) == pytest.approx(0.25, abs=1.0 / 1000)


def test_ground_that_no_tile_shows_is_unseen():
    near = shapely.box(EAST, NORTH, EAST + 50, NORTH + 50)
    far = shapely.box(EAST + 5000, NORTH, EAST + 5050, NORTH + 50)
    tiles = list(tiling(near.bounds, 0.5, 256, 64))
    seen = measured({"near": near, "far": far}, tiles, 256)
    assert seen.fractions == {"near": 1.0, "far": 0.0}
    dark = measured({"near": near, "far": far}, tiles, 256, lambda x, y: (x > math.inf) | (y > math.inf))
    assert dark.fractions == {"near": 0.0, "far": 0.0}
    assert not dark.grid.contains(np.array([[EAST + 1, NORTH + 1]])).any()
    assert VisibilityMeter({"near": near}, UTM).result().fractions == {"near": 0.0}


def test_the_order_of_tiles_changes_nothing():
    zone = shapely.Point(EAST, NORTH).buffer(300)
    tiles = list(tiling(zone.bounds, 0.3, 256, 64))
    rng = random.Random(3)

    def speckled(x, y):
        return np.sin(x * 0.37) * np.cos(y * 0.21) > -0.3

    reference = measured({"a": zone}, tiles, 256, speckled)
    assert 0.1 < reference.fractions["a"] < 0.9
    for _ in range(3):
        rng.shuffle(tiles)
        again = measured({"a": zone}, tiles, 256, speckled)
        assert again.fractions == reference.fractions
        assert again.grid.to_bytes() == reference.grid.to_bytes()


@pytest.mark.parametrize(("valid", "expected"), [(True, 1.0), (False, 0.0)])
def test_a_zone_smaller_than_a_pixel_takes_the_pixel_it_lies_in(valid, expected):
    tiny = shapely.box(100.71, 100.71, 100.72, 100.72)
    mask = np.zeros((256, 256), dtype=bool)
    to_plane = Affine(1.5, 0, 0, 0, -1.5, 384)
    column, row = int(100.715 / 1.5), int((384 - 100.715) / 1.5)
    mask[row, column] = valid
    mask[row, column + 1] = not valid
    meter = VisibilityMeter({"tiny": tiny}, UTM)
    meter.add((50.0, 50.0, 300.0, 300.0), to_plane, mask)
    assert meter.result().fractions["tiny"] == expected


def test_only_the_core_counts():
    zone = shapely.box(0, 0, 100, 100)
    mask = np.zeros((200, 200), dtype=bool)
    mask[:, :100] = True  # x from -50 to 50
    meter = VisibilityMeter({"a": zone}, UTM)
    meter.add((0.0, 0.0, 25.0, 100.0), Affine(1, 0, -50, 0, -1, 150), mask)
    seen = meter.result()
    assert seen.fractions["a"] == pytest.approx(0.25)
    assert seen.grid.contains(np.array([[24.5, 50.0], [25.5, 50.0], [-0.5, 50.0]])).tolist() == [
        True,
        False,
        False,
    ]


def test_pictures_have_fractions_and_no_grid():
    zone = shapely.box(0, -50, 100, 0)
    meter = VisibilityMeter({"image": zone}, None)
    meter.add((0.0, -50.0, 50.0, 0.0), Affine(0.5, 0, 0, 0, -0.5, 0), np.ones((100, 100), dtype=bool))
    seen = meter.result()
    assert seen.grid is None
    assert seen.fractions == {"image": pytest.approx(0.5)}


def test_zones_without_area_are_refused():
    with pytest.raises(ValueError, match="line"):
        VisibilityMeter({"line": shapely.LineString([(0, 0), (1, 1)])}, UTM)


def disc_grid(x, y, radius):
    """The cells of a disc, shown in tiles of 256 px at 1 m."""
    grid = ObservedGrid(UTM)
    for core, to_plane in tiling((x - radius, y - radius, x + radius, y + radius), 1.0, 256, 64):
        px = to_plane.c + np.arange(256) + 0.5
        py = to_plane.f - np.arange(256) - 0.5
        grid.add(core, to_plane, np.hypot(px[None, :] - x, py[:, None] - y) < radius)
    return grid


def in_disc(points, x, y, radius):
    centres = np.floor(points) + 0.5
    return np.hypot(centres[:, 0] - x, centres[:, 1] - y) < radius


@settings(max_examples=15)
@given(
    discs=st.lists(
        st.tuples(st.integers(-900, 900), st.integers(-900, 900), st.integers(1, 500)), min_size=2, max_size=3
    ),
    seed=st.integers(0, 2**32 - 1),
)
def test_union_and_contains_agree_with_the_discs_that_were_shown(discs, seed):
    grids = [disc_grid(*disc) for disc in discs]
    points = np.random.default_rng(seed).uniform(-1500, 1500, (500, 2))
    expected = [in_disc(points, *disc) for disc in discs]
    united = grids[0]
    for grid in grids[1:]:
        united = united.union(grid)
    assert (grids[0].contains(points) == expected[0]).all()
    assert (united.contains(points) == np.logical_or.reduce(expected)).all()
    assert ObservedGrid.from_bytes(united.to_bytes()) == united
    assert united == grids[-1].union(united)


def test_the_fraction_of_the_grid_is_the_share_of_cells():
    grid = disc_grid(0, 0, 300)
    square = shapely.box(-300, -300, 300, 300)
    assert grid.fraction(square) == pytest.approx(math.pi / 4, abs=2e-3)
    assert grid.fraction(shapely.box(-20.4, -10.2, 30.3, 40.7)) == 1.0
    assert grid.fraction(shapely.box(400, 400, 500, 500)) == 0.0
    assert grid.fraction(shapely.box(0.2, 0.2, 0.3, 0.3)) == 1.0


def test_a_line_of_cells_between_cores_is_never_lost():
    # 0.7 m pixels: edges of cores fall between whole metres, some within rounding of a cell's centre.
    area = (EAST - 200, NORTH - 200, EAST + 200, NORTH + 200)
    for gsd_m in (0.3, 0.7, 1.1, 1.5):
        grid = ObservedGrid(UTM)
        for core, to_plane in tiling(area, gsd_m, 96, 32):
            grid.add(core, to_plane, np.ones((96, 96), dtype=bool))
        x, y = np.meshgrid(np.arange(EAST - 199.5, EAST + 199), np.arange(NORTH - 199.5, NORTH + 199))
        assert grid.contains(np.stack([x.ravel(), y.ravel()], axis=1)).all()


def test_an_observed_square_of_ten_kilometres_stays_small():
    tracemalloc.start()
    grid = ObservedGrid(UTM)
    for core, to_plane in tiling((EAST, NORTH, EAST + 10_000, NORTH + 10_000), 0.5, 1024, 160):
        grid.add(core, to_plane, np.ones((1024, 1024), dtype=bool))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4_000_000
    assert len(grid.to_bytes()) < 20_000
    assert grid.fraction(shapely.box(EAST, NORTH, EAST + 10_000, NORTH + 10_000)) == pytest.approx(
        1.0, abs=1e-9
    )


def test_grids_of_different_planes_are_not_united():
    with pytest.raises(ValueError, match="EPSG:32638"):
        ObservedGrid(UTM).union(ObservedGrid("EPSG:32638"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 other", b"AWG1 torn", ObservedGrid(UTM).to_bytes()[:-6]])
def test_bytes_that_are_no_grid_are_refused(data):
    with pytest.raises(ValueError, match="grid"):
        ObservedGrid.from_bytes(data)


def test_an_empty_grid_survives():
    empty = ObservedGrid.from_bytes(ObservedGrid(UTM).to_bytes())
    assert empty.crs == UTM
    assert not empty.contains(np.zeros((3, 2))).any()
    assert empty.contains(np.zeros((0, 2))).shape == (0,)
    assert empty.fraction(shapely.box(0, 0, 1, 1)) == 0.0


@pytest.mark.parametrize(("side_m", "gsd_m"), [(20.0, 0.3), (20.0, 1.0), (10_000.0, 1.5)])
@pytest.mark.parametrize("angle_deg", [0.0, 27.0])
@pytest.mark.parametrize("share", [0.0, 0.07, 0.49, 0.93, 1.0])
def test_one_stand_and_a_whole_base_alike(
    side_m: float, gsd_m: float, angle_deg: float, share: float
) -> None:
    """Cloud and snow meet along a line across a square: both shares are right to a pixel along that line."""
    stand = shapely.affinity.rotate(shapely.box(0, 0, side_m, side_m), angle_deg)
    stand = shapely.affinity.translate(stand, EAST + 3.3, NORTH + 4.4)
    west, south, east, north = stand.bounds
    cut = west + share * (east - west)
    truth = stand.intersection(shapely.box(cut, south - 1, east + 1, north + 1)).area / stand.area
    meter = VisibilityMeter({"stand": stand}, None)
    for core, to_plane in tiling(stand.bounds, gsd_m, 1024, 64):
        x = to_plane.c + (np.arange(1024) + 0.5) * to_plane.a
        cloudy = np.broadcast_to(x < cut, (1024, 1024))
        meter.add(core, to_plane, ~cloudy, {"snow": ~cloudy, "haze": np.zeros_like(cloudy)})
    seen = meter.result()
    along_the_line = gsd_m * 1.5 * side_m / stand.area
    # At the rim of the zone pixels are in or out by their centre: a share of a part is a share of its pixels.
    assert seen.fractions["stand"] == pytest.approx(truth, abs=along_the_line + 1e-9)
    assert seen.noted.get("snow", {}).get("stand", 0.0) == seen.fractions["stand"]
    assert "haze" not in seen.noted


def test_what_is_told_of_hidden_ground_is_not_told() -> None:
    """A reader passes only what is clear: a zone that was wholly hidden has no share of anything."""
    meter = VisibilityMeter({"a": shapely.box(EAST, NORTH, EAST + 50, NORTH + 50)}, UTM)
    nothing = np.zeros((100, 100), bool)
    meter.add(
        (EAST, NORTH, EAST + 50, NORTH + 50),
        Affine(0.5, 0, EAST, 0, -0.5, NORTH + 50),
        nothing,
        {"snow": nothing},
    )
    assert (meter.result().fractions, meter.result().noted) == ({"a": 0.0}, {})
