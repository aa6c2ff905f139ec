"""The lattice: one owner for each point, whole objects for each owner, the same tile for the same ground."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from apronwatch.errors import TileTooSmall
from apronwatch.lattice import GUARD_PX, LEAST_STRIDE_PX, Lattice, overlap_for

UTM = "EPSG:32637"
GSDS_M = st.sampled_from([0.1, 0.3, 1 / 3, 0.487, 0.5, 0.6, 0.7, 1.0, 1.2])


@st.composite
def lattices(draw):
    gsd_m = draw(GSDS_M)
    overlap_px = 32 * draw(st.integers(0, 9))
    tile_px = overlap_px + draw(st.integers(LEAST_STRIDE_PX, 800))
    crs = draw(st.sampled_from([UTM, None]))
    west, south = (0.0, 0.0) if crs is None else draw(st.tuples(*[st.floats(-4e6, 9e6)] * 2))
    size = draw(st.tuples(*[st.floats(0.05, 4.0)] * 2)) * np.array(tile_px * gsd_m)
    south -= size[1] if crs is None else 0.0
    return Lattice(gsd_m, tile_px, overlap_px, (west, south, west + size[0], south + size[1]), crs)


def inside_core(tile, points, lattice):
    """Half open, but for the outermost cores, which own the scene's own east and north edge too."""
    west, south, east, north = tile.core
    x, y = points.T
    last = lattice.last
    on_x = (x >= west) & ((x < east) | ((tile.i == last[0]) & (x <= east)))
    return on_x & (y >= south) & ((y < north) | ((tile.j == last[1]) & (y <= north)))


def awkward_points(lattice, rng):
    """Anywhere in the scene, and on the edges and corners of cores and the floats beside them."""
    low, high = np.array(lattice.bounds).reshape(2, 2)
    anywhere = rng.uniform(low, high, (40, 2))
    edges = np.array([tile.core for tile in lattice.tiles()])
    xs, ys = np.unique(edges[:, ::2]), np.unique(edges[:, 1::2])
    beside = [np.concatenate([v, np.nextafter(v, -np.inf), np.nextafter(v, np.inf)]) for v in (xs, ys)]
    corners = np.stack([rng.choice(beside[0], 200), rng.choice(beside[1], 200)], axis=1)
    on_edge = np.stack([rng.choice(beside[0], 40), rng.uniform(low[1], high[1], 40)], axis=1)
    points = np.concatenate([anywhere, corners, on_edge])
    return points[((points >= low) & (points <= high)).all(axis=1)]


@given(lattices(), st.integers(0, 2**32 - 1))
def test_each_point_has_exactly_one_owner_and_it_is_the_tile_whose_core_holds_it(lattice, seed):
    points = awkward_points(lattice, np.random.default_rng(seed))
    tiles = lattice.tiles()
    holds = np.array([inside_core(tile, points, lattice) for tile in tiles])
    np.testing.assert_array_equal(holds.sum(axis=0), 1)
    ij = np.array([(tile.i, tile.j) for tile in tiles])
    np.testing.assert_array_equal(lattice.owner(points), ij[holds.argmax(axis=0)])


@given(lattices())
def test_cores_tile_the_scene_without_gap_or_overlap(lattice):
    cores = np.array([tile.core for tile in lattice.tiles()])
    west, south, east, north = lattice.bounds
    total = ((cores[:, 2] - cores[:, 0]) * (cores[:, 3] - cores[:, 1])).sum()
    assert total == pytest.approx((east - west) * (north - south), rel=1e-6)
    np.testing.assert_array_equal(
        np.concatenate([cores[:, :2].min(axis=0), cores[:, 2:].max(axis=0)]), lattice.bounds
    )


@given(lattices(), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_a_tile_shows_whole_what_lies_in_its_core_grown_by_the_guard(lattice, seed, share):
    assume(lattice.overlap_px >= 2 * GUARD_PX)
    rng = np.random.default_rng(seed)
    longest_m = (lattice.overlap_px - 2 * GUARD_PX) * lattice.gsd_m * share
    low, high = np.array(lattice.bounds).reshape(2, 2)
    grow, noise = GUARD_PX * lattice.gsd_m, 1e-6 * lattice.gsd_m
    for tile in lattice.tiles():
        core_low, core_high = np.array(tile.core).reshape(2, 2)
        centre = np.clip(rng.uniform(core_low - grow, core_high + grow, (20, 2)), low, high)
        # Of an object at the scene's edge nobody sees more than lies in the scene.
        most_low = np.maximum(centre - longest_m / 2, low)
        most_high = np.minimum(centre + longest_m / 2, high)
        assert (most_low >= np.array(tile.bounds[:2]) - noise).all()
        assert (most_high <= np.array(tile.bounds[2:]) + noise).all()


@given(lattices(), st.integers(0, 2**32 - 1))
def test_the_same_ground_gives_the_same_tile_whatever_the_crop(lattice, seed):
    rng = np.random.default_rng(seed)
    assume(lattice.crs is not None)
    tile_m = lattice.tile_px * lattice.gsd_m
    low = np.array(lattice.bounds[:2])
    crops = []
    for _ in range(2):
        around = rng.uniform(0.0, 2.0, (2, 2)) * tile_m
        bounds = (*(low - tile_m - around[0]), *(low + 2 * tile_m + around[1]))
        crops.append(Lattice(lattice.gsd_m, lattice.tile_px, lattice.overlap_px, bounds, lattice.crs))
    # A tile or more from the edge of both.
    points = rng.uniform(low, low + tile_m, (10, 2))
    owners = [crop.owner(points) for crop in crops]
    np.testing.assert_array_equal(*owners)
    for i, j in owners[0]:
        one, other = (crop.tile(i, j) for crop in crops)
        assert one.bounds == other.bounds
        inner = (crops[0].first < (i, j)) & (crops[0].last > (i, j))
        inner &= (crops[1].first < (i, j)) & (crops[1].last > (i, j))
        if inner.all():
            assert one.core == other.core


@given(lattices())
def test_tiles_lie_on_the_pixel_grid_and_only_where_they_add_something(lattice):
    step = lattice.stride_px * lattice.gsd_m
    tiles = lattice.tiles()
    for tile in tiles:
        pixels = np.array(tile.bounds) / lattice.gsd_m
        np.testing.assert_allclose(pixels, np.round(pixels), atol=1e-6)
        to_plane = tile.to_plane
        assert (to_plane.c, to_plane.f) == (tile.bounds[0], tile.bounds[3])
        far = (to_plane.c + tile.size_px * to_plane.a, to_plane.f + tile.size_px * to_plane.e)
        assert far == pytest.approx((tile.bounds[2], tile.bounds[1]))
    bounds = np.array([tile.bounds for tile in tiles])
    west, south, east, north = lattice.bounds
    noise = 1e-6 * step
    assert (bounds[:, :2].min(axis=0) <= np.array([west, south]) + noise).all()
    assert (bounds[:, 2:].max(axis=0) >= np.array([east, north]) - noise).all()
    # Without its last column (or row) the scene would not be covered.
    first, last = lattice.first, lattice.last
    for axis, reached in ((0, east), (1, north)):
        if last[axis] > first[axis]:
            assert bounds[:, axis + 2].max() - step < reached


@st.composite
def areas(draw, lattice):
    west, south, east, north = lattice.bounds
    reach = 0.3 * max(east - west, north - south)
    points = draw(
        st.lists(
            st.tuples(st.floats(west - reach, east + reach), st.floats(south - reach, north + reach)),
            min_size=1,
            max_size=4,
        )
    )
    # From a single point to a large polygon.
    hull = shapely.MultiPoint(points).convex_hull
    return draw(st.sampled_from([hull, hull.buffer(0.01 * reach), hull.buffer(reach)]))


@given(lattices(), st.data())
def test_a_tile_is_made_exactly_if_its_grown_core_touches_the_area(lattice, data):
    area = data.draw(areas(lattice))
    grow = GUARD_PX * lattice.gsd_m
    expected = [
        tile
        for tile in lattice.tiles()
        if shapely.box(*np.add(tile.core, [-grow, -grow, grow, grow])).intersects(area)
    ]
    assert lattice.tiles(area) == expected


def test_no_area_no_tiles():
    lattice = Lattice(0.5, 640, 96, (0, 0, 3000, 3000), UTM)
    assert lattice.tiles(shapely.Polygon()) == []
    assert lattice.tiles(shapely.box(9000, 9000, 9100, 9100)) == []


def test_points_beyond_the_scene_belong_to_its_outermost_tiles():
    lattice = Lattice(0.5, 640, 96, (0, 0, 3000, 3000), UTM)
    owners = lattice.owner(np.array([[-500.0, -500.0], [9e5, 9e5]]))
    np.testing.assert_array_equal(owners, [lattice.first, lattice.last])


@pytest.mark.parametrize(("gsd_m", "overlap_px"), [(0.3, 288), (0.6, 160), (1.0, 96), (1.2, 96)])
def test_overlap_for_the_longest_aircraft(gsd_m, overlap_px):
    assert overlap_for(73.3, gsd_m) == overlap_px


@given(st.floats(1.0, 400.0), st.floats(0.1, 3.0))
def test_overlap_is_the_least_multiple_of_32_above_what_is_needed(longest_m, gsd_m):
    overlap_px = overlap_for(longest_m, gsd_m)
    needed = longest_m / gsd_m + 2 * GUARD_PX
    assert overlap_px % 32 == 0
    assert overlap_px - 32 <= needed < overlap_px


def test_a_small_picture_is_one_tile_from_its_top_left_corner():
    lattice = Lattice(0.5, 1024, 160, (0.0, -400.0, 512.0, 0.0), None)
    (tile,) = lattice.tiles()
    assert tile.bounds == (0.0, -512.0, 512.0, 0.0)
    assert tile.core == (0.0, -400.0, 512.0, 0.0)


def test_tiles_too_small_for_the_longest_object_are_refused_with_the_remedy():
    with pytest.raises(TileTooSmall, match="larger tiles or a coarser GSD"):
        Lattice(0.3, 256, overlap_for(73.3, 0.3), (0, 0, 100, 100), UTM)


@pytest.mark.parametrize(
    ("gsd_m", "overlap_px", "bounds"),
    [(0.0, 32, (0, 0, 9, 9)), (0.3, 33, (0, 0, 9, 9)), (0.3, -32, (0, 0, 9, 9)), (0.3, 32, (9, 0, 0, 9))],
)
def test_impossible_lattices_are_refused(gsd_m, overlap_px, bounds):
    with pytest.raises(ValueError, match="no lattice"):
        Lattice(gsd_m, 640, overlap_px, bounds, UTM)
