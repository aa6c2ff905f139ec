"""Exactly once: whatever the tiles, an object that they show counts once, and none is swallowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.geometry import pair_iou, rotated_boxes
from apronwatch.lattice import Lattice
from apronwatch.merging import merge
from apronwatch.taxonomy import class_id
from tests.detector.ideal import air_base, lattice_over, look, tally

BASE = air_base()
CAR, LORRY, PLANE = class_id("vehicle_small"), class_id("vehicle_large"), class_id("plane")

# Cores meet where x, or y, is a multiple of 200 m.
LATTICE = Lattice(0.5, 500, 100, (-975.0, -975.0, 975.0, 975.0), "EPSG:32637")
EDGE_M = 225.0


def merged(boxes, tiles, classes=None, scores=None):
    scores = np.linspace(0.9, 0.5, len(boxes)) if scores is None else scores
    classes = np.full(len(boxes), CAR) if classes is None else classes
    return merge(np.asarray(boxes), scores, classes, np.array(tiles), LATTICE).tolist()


def car(x, y=100.0):
    return rotated_boxes(x, y, 1.9, 4.6, 0.0)[0]


grids = st.fixed_dictionaries(
    {
        "offset_m": st.tuples(st.floats(-5e3, 5e3), st.floats(-5e3, 5e3)),
        "tile_px": st.integers(640, 1536),
        "margin_m": st.floats(0.0, 60.0),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def seen_under(gsd_m, grid, crs="EPSG:32637"):
    rng = np.random.default_rng(grid["seed"])
    truth = BASE.shifted(np.array(grid["offset_m"]))
    lattice = lattice_over(truth, gsd_m, grid["tile_px"], grid["margin_m"], crs)
    seen = look(truth, lattice, rng)
    return truth, lattice, seen.select(rng.permutation(len(seen)))


def joined(seen, lattice):
    return merge(seen.polygons, seen.scores, seen.classes, seen.tile_ij, lattice)


def test_the_base_is_dense_and_hard():
    apart = np.linalg.norm(np.diff(BASE.polygons.mean(axis=1), axis=0), axis=1)
    echelon = BASE.polygons[371:407]
    assert len(BASE) >= 417
    assert (apart < 3.0).sum() > 200
    assert pair_iou(echelon[:1], echelon[1:2])[0] == pytest.approx(0.124, abs=0.001)
    assert np.linalg.norm(np.diff(BASE.polygons, axis=1), axis=2).max() == pytest.approx(73.3)


# Derandomised: a Gaussian jitter has no bound, and one grid in some ten thousand parts a car from itself.
@settings(max_examples=250, derandomize=True)
@given(grids)
def test_each_object_counts_exactly_once_at_30_cm_under_any_grid(grid):
    truth, lattice, seen = seen_under(0.3, grid)
    result = tally(truth, seen, joined(seen, lattice))
    assert (result.count, result.duplicates, result.losses) == (len(BASE), 0, 0)


@settings(max_examples=25, derandomize=True)
@given(grids)
def test_each_object_counts_exactly_once_in_pictures_without_georeference(grid):
    truth = BASE.shifted(-BASE.polygons.min(axis=(0, 1)) * [1, 0] - [0, BASE.polygons[..., 1].max()])
    lattice = lattice_over(truth, 0.3, grid["tile_px"], 0.0, None)
    seen = look(truth, lattice, np.random.default_rng(grid["seed"]))
    assert tally(truth, seen, joined(seen, lattice)).count == len(BASE)


@pytest.mark.parametrize(("gsd_m", "mean_error", "worst_error"), [(0.5, 0.05, 1), (1.0, 0.2, 3)])
def test_error_where_a_jitter_of_one_pixel_is_half_a_car(gsd_m, mean_error, worst_error):
    rng = np.random.default_rng(11)
    errors = []
    for _ in range(60):
        grid = {
            "offset_m": rng.uniform(-5e3, 5e3, 2),
            "tile_px": int(rng.integers(640, 1537)),
            "margin_m": rng.uniform(0, 60),
            "seed": int(rng.integers(2**32)),
        }
        truth, lattice, seen = seen_under(gsd_m, grid)
        errors.append(abs(tally(truth, seen, joined(seen, lattice)).count - len(BASE)))
    assert np.mean(errors) <= mean_error
    assert max(errors) <= worst_error


@settings(max_examples=30)
@given(grids, st.sampled_from([0.3, 1.0]))
def test_the_order_of_tiles_and_boxes_does_not_matter(grid, gsd_m):
    _, lattice, seen = seen_under(gsd_m, grid)
    kept = joined(seen, lattice)
    assert (np.diff(kept) > 0).all()
    order = np.random.default_rng(grid["seed"]).permutation(len(seen))
    np.testing.assert_array_equal(np.sort(order[joined(seen.select(order), lattice)]), kept)


@settings(max_examples=30, derandomize=True)
@given(grids, st.floats(0.3, 1.0))
def test_a_miss_in_one_tile_costs_no_other_object(grid, recall):
    """What only one tile found still counts, if its centre lies in that tile's grown core."""
    truth, lattice, seen = seen_under(0.3, grid)
    rng = np.random.default_rng(grid["seed"])
    seen = seen.select(np.flatnonzero(rng.random(len(seen)) < recall))
    owned = (lattice.owner(seen.polygons.mean(axis=1)) == seen.tile_ij).all(axis=1)
    found_by_owner = len(np.unique(seen.truth[owned]))
    result = tally(truth, seen, joined(seen, lattice))
    assert result.count >= found_by_owner - 2
    assert result.duplicates <= 1


def test_an_object_where_four_cores_meet_counts_once():
    box = car(EDGE_M, EDGE_M)
    tiles = [(0, 0), (0, 1), (1, 0), (1, 1)]
    nudges = np.array([[-0.4, -0.4], [0.3, -0.5], [-0.2, 0.4], [0.5, 0.1]])
    kept = merged(box + nudges[:, None], tiles)
    assert len(kept) == 1


def test_the_owner_is_kept_even_with_a_lower_score():
    boxes = [car(EDGE_M + 1.0), car(EDGE_M + 1.0)]
    assert merged(boxes, [(0, 0), (1, 0)], scores=[0.9, 0.2]) == [1]
    assert merged(boxes, [(1, 0), (0, 0)], scores=[0.2, 0.9]) == [0]


def test_without_an_owner_the_better_score_is_kept():
    # Each tile places the object in the other one's core.
    boxes = [car(EDGE_M + 0.3), car(EDGE_M - 0.3)]
    assert merged(boxes, [(0, 0), (1, 0)], scores=[0.4, 0.6]) == [1]


def test_boxes_of_one_tile_are_never_joined():
    assert merged([car(100.0), car(100.0)], [(0, 0), (0, 0)]) == [0, 1]
    assert merged([car(EDGE_M), car(EDGE_M), car(EDGE_M)], [(0, 0), (0, 0), (1, 0)])[:1] != [2]
    assert len(merged([car(EDGE_M), car(EDGE_M), car(EDGE_M)], [(0, 0), (0, 0), (1, 0)])) == 2


def test_one_box_does_not_swallow_two_neighbours():
    # Cars 2 m apart on both sides of an edge; one tile puts a single box between them.
    boxes = [car(EDGE_M - 1.0), car(EDGE_M + 1.0), car(EDGE_M + 0.1)]
    assert len(merged(boxes, [(0, 0), (0, 0), (1, 0)])) == 2


def test_a_row_across_an_edge_pairs_each_with_itself_not_with_its_neighbour():
    # Each car of the second tile lies nearer to its neighbour's box than to its own; nearest first would leave ten.
    places = EDGE_M + 2.0 * np.arange(-4, 5)
    boxes = [car(x) for x in places] + [car(x + 1.1) for x in places]
    assert len(merged(boxes, [(0, 0)] * 9 + [(1, 0)] * 9)) == 9


@pytest.mark.parametrize("heading_deg", [0, 45, 90])
def test_transports_in_echelon_from_different_tiles_stay_two(heading_deg):
    # 40 m transports at a pitch of 30 m: the boxes overlap by 0.124.
    along = np.radians(heading_deg)
    step = 15.0 * np.array([np.cos(along), np.sin(along)])
    centre = np.array([EDGE_M, 100.0])
    one, two = (rotated_boxes(*at, 40, 40, along + np.pi / 4)[0] for at in (centre - step, centre + step))
    seen = [one, two, one, two]
    assert len(merged(seen, [(0, 0), (0, 0), (1, 0), (1, 0)], [PLANE] * 4)) == 2
    assert len(merged([one, two], [(0, 0), (1, 0)], [PLANE] * 2)) == 2


def test_large_boxes_of_one_object_may_differ_by_a_quarter_of_its_length():
    one, two = rotated_boxes([EDGE_M - 5, EDGE_M + 5], 100.0, 60, 60, 0.3)
    assert len(merged([one, two], [(0, 0), (1, 0)], [PLANE] * 2)) == 1


def test_only_boxes_of_one_superclass_are_joined():
    boxes, tiles = [car(EDGE_M), car(EDGE_M)], [(0, 0), (1, 0)]
    assert len(merged(boxes, tiles, [CAR, LORRY])) == 1
    assert len(merged(boxes, tiles, [PLANE, class_id("helicopter")])) == 1
    assert len(merged(boxes, tiles, [CAR, PLANE])) == 2


def test_boxes_of_unlike_size_are_two_objects():
    large, small = rotated_boxes(EDGE_M, 100.0, [60, 6], [60, 6], 0.0)
    assert len(merged([large, small], [(0, 0), (1, 0)], [PLANE] * 2)) == 2


def test_what_lies_beyond_the_guard_belongs_to_the_neighbour():
    # The guard is 8 px, 4 m: a part of an object cut by the tile's edge has its centre beyond it.
    assert merged([car(EDGE_M + 3.9)], [(0, 0)]) == [0]
    assert merged([car(EDGE_M + 4.1)], [(0, 0)]) == []


def test_the_outermost_tiles_keep_what_leans_out_of_the_scene():
    corner = rotated_boxes(-975.2, -975.2, 4.6, 1.9, 0.0)[0]
    (i, j) = LATTICE.first
    assert merged([corner], [(i, j)]) == [0]


def test_a_box_without_width_neither_breaks_nor_drops_others():
    flat = rotated_boxes(EDGE_M, 100.0, 4.6, 0.0, 0.0)[0]
    kept = merged([flat, car(EDGE_M), car(EDGE_M)], [(0, 0), (0, 0), (1, 0)])
    assert {1, 2} & set(kept)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_boxes_that_lie_nowhere_are_refused(bad):
    box = car(100.0)
    box[1, 0] = bad
    with pytest.raises(ValueError, match="not finite"):
        merged([car(90.0), box], [(0, 0), (0, 0)])
    with pytest.raises(ValueError, match="not finite"):
        merged([car(90.0)], [(0, 0)], scores=np.array([bad]))


def test_nothing_gives_nothing():
    assert merged(np.zeros((0, 4, 2)), np.zeros((0, 2))) == []
