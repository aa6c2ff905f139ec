"""Oriented boxes: overlap exact for every pose, boxes that stay the boxes they were."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.geometry import areas, envelopes, min_area_boxes, pair_iou, polygons_to_shapely, rotated_boxes

# Centre x, y, width, height, radians of both boxes, and their intersection over union. From the methods brief of the
# project (section 1), computed there with shapely.
KNOWN = {
    "identical": ((0, 0, 50, 33, 0.3), (0, 0, 50, 33, 0.3), 1.0),
    "square turned by 45 degrees": ((0, 0, 40, 40, 0), (0, 0, 40, 40, np.pi / 4), 0.7071067811865477),
    "plane 16x15 m turned by 45": ((0, 0, 53, 50, 0), (0, 0, 53, 50, np.pi / 4), 0.7056585805049865),
    "fighter 19x14 m turned by 30": ((0, 0, 63, 47, 0), (0, 0, 63, 47, np.pi / 6), 0.712218050787808),
    "touching": ((0, 0, 60, 40, 0), (0, 40, 60, 40, 0), 0.0),
    "shifted by a third": ((0, 0, 60, 40, 0), (20, 0, 60, 40, 0), 0.5),
    "shifted by 0.538": ((0, 0, 60, 40, 0), (32.31, 0, 60, 40, 0), 0.29996750081247964),
    "half cut at a seam": ((0, 0, 100, 60, 0), (-25, 0, 50, 60, 0), 0.5),
    "thin cross": ((0, 0, 100, 10, np.pi / 4), (0, 0, 100, 10, -np.pi / 4), 0.05263157894736843),
    "two F-16 in a row at 45, 13 m apart": (
        (0, 0, 50.333333333333336, 33.333333333333336, np.pi / 4),
        (30.641293851417064, -30.641293851417057, 50.333333333333336, 33.333333333333336, np.pi / 4),
        0.0,
    ),
    "two F-16 in a row at 45, 11 m apart": (
        (0, 0, 50.333333333333336, 33.333333333333336, np.pi / 4),
        (25.927248643506747, -25.927248643506744, 50.333333333333336, 33.333333333333336, np.pi / 4),
        0.0,
    ),
    "two lorries at 45, 4 m apart": (
        (0, 0, 40, 8.333333333333334, np.pi / 4),
        (9.428090415820634, -9.428090415820634, 40, 8.333333333333334, np.pi / 4),
        0.0,
    ),
}
AT_UTM = np.array([354_321.5, 3_921_234.25])


def random_boxes(rng, n, spread=15.0):
    return rotated_boxes(
        rng.normal(0, spread, n), rng.normal(0, spread, n), *rng.uniform(1, 60, (2, n)), rng.uniform(-7, 7, n)
    )


@pytest.mark.parametrize("name", KNOWN)
def test_iou_of_known_pairs(name):
    a, b, expected = KNOWN[name]
    first, second = rotated_boxes(*a), rotated_boxes(*b)
    assert pair_iou(first, second)[0] == pytest.approx(expected, abs=1e-12)
    assert pair_iou(second, first)[0] == pytest.approx(expected, abs=1e-12)
    # Coordinates of 4e6 m are a multiple of 5e-10 m: no more can be asked.
    assert pair_iou(first + AT_UTM, second + AT_UTM)[0] == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_iou_agrees_with_shapely_whatever_the_winding_and_the_first_corner(seed):
    rng = np.random.default_rng(seed)
    a, b = random_boxes(rng, 40), random_boxes(rng, 40)
    one, two = polygons_to_shapely(a), polygons_to_shapely(b)
    shared = shapely.area(shapely.intersection(one, two))
    expected = shared / (shapely.area(one) + shapely.area(two) - shared)
    np.testing.assert_allclose(pair_iou(a, b), expected, atol=1e-9)
    for one, other in ((a[:, ::-1], b), (a, b[:, ::-1]), (a[:, ::-1], b[:, ::-1])):
        first, second = rng.integers(4, size=2)
        np.testing.assert_allclose(
            pair_iou(np.roll(one, first, axis=1), np.roll(other, second, axis=1)), expected, atol=1e-9
        )


@given(st.integers(0, 2**32 - 1))
def test_iou_of_quadrilaterals_that_are_no_rectangles(seed):
    rng = np.random.default_rng(seed)
    a, b = (random_boxes(rng, 40) + rng.normal(0, 2.0, (40, 4, 2)) for _ in range(2))
    one, two = polygons_to_shapely(a), polygons_to_shapely(b)
    simple = shapely.is_valid(one) & shapely.is_valid(two)
    shared = shapely.area(shapely.intersection(one[simple], two[simple]))
    expected = shared / (shapely.area(one[simple]) + shapely.area(two[simple]) - shared)
    np.testing.assert_allclose(pair_iou(a[simple], b[simple]), expected, atol=1e-9)


def test_boxes_without_area_or_place_overlap_nothing():
    box = rotated_boxes(0, 0, 10, 4, 0.2)
    line, point = rotated_boxes(0, 0, 10, 0, 0.2), rotated_boxes(0, 0, 0, 0, 0)
    for odd in (line, point, np.full_like(box, np.nan), np.full_like(box, np.inf)):
        assert pair_iou(box, odd)[0] == pair_iou(odd, box)[0] == pair_iou(odd, odd)[0] == 0.0


def test_more_pairs_than_fit_one_chunk_keep_their_order():
    rng = np.random.default_rng(3)
    a, b = random_boxes(rng, 20_000), random_boxes(rng, 20_000)
    some = rng.integers(0, 20_000, 50)
    np.testing.assert_allclose(pair_iou(a, b)[some], pair_iou(a[some], b[some]), atol=1e-12)
    assert len(pair_iou(a[:0], b[:0])) == 0


def test_rotated_boxes_turn_from_x_to_y_and_broadcast():
    up = rotated_boxes(1.0, 2.0, 4.0, 2.0, np.pi / 2)
    np.testing.assert_allclose(up[0], [[2, 0], [2, 4], [0, 4], [0, 0]], atol=1e-12)
    assert rotated_boxes([0, 1, 2], 0, 4, 2, 0).shape == (3, 4, 2)


@given(st.integers(0, 2**32 - 1), st.integers(0, 8))
def test_smallest_box_around_a_box_and_points_in_it_is_that_box(seed, inside):
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, 20)
    weights = rng.dirichlet(np.ones(4), (20, inside))
    points = np.concatenate([weights @ boxes, boxes], axis=1) + AT_UTM
    found = min_area_boxes(points)
    np.testing.assert_allclose(pair_iou(found, boxes + AT_UTM), 1.0, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(3, 9))
def test_smallest_box_holds_every_point_and_is_no_larger_than_shapelys(seed, count):
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 10, (10, count, 2))
    boxes = min_area_boxes(points)
    grown = shapely.buffer(polygons_to_shapely(boxes), 1e-6)
    assert shapely.covers(grown, shapely.multipoints(points)).all()
    shapelys = shapely.area(shapely.oriented_envelope(shapely.multipoints(points)))
    assert (areas(boxes) <= shapelys * (1 + 1e-9)).all()


def test_areas_and_envelopes():
    box = rotated_boxes(5, 5, 4, 2, np.pi / 2)
    assert areas(box)[0] == pytest.approx(8)
    assert areas(box[:, ::-1])[0] == pytest.approx(8)
    np.testing.assert_allclose(envelopes(box), [[4, 3, 6, 7]], atol=1e-12)
