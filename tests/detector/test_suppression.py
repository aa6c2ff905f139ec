"""Suppression inside a tile: the greedy rule, exactly, for any number of boxes."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.engines.suppression import suppress
from apronwatch.geometry import polygons_to_shapely, rotated_boxes
from apronwatch.taxonomy import class_id, superclass_ids


def greedy_by_shapely(polygons, scores, classes, iou):
    """The rule, word for word."""
    shapes, groups = polygons_to_shapely(polygons), superclass_ids(classes)
    kept = []
    for box in np.argsort(-scores, kind="stable"):
        rivals = [k for k in kept if groups[k] == groups[box]]
        shared = shapely.area(shapely.intersection(shapes[rivals], shapes[box]))
        if not (shared / (shapely.area(shapes[rivals]) + shapely.area(shapes[box]) - shared) > iou).any():
            kept.append(box)
    return kept


def candidates(count, rng, per_object=10):
    objects = max(1, count // per_object)
    of = rng.integers(0, objects, count)
    centre, length = rng.uniform(0, 300, (2, objects)), rng.uniform(15, 60, objects)
    boxes = rotated_boxes(
        *(centre[:, of] + rng.normal(0, 3, (2, count))),
        length[of],
        length[of] * rng.uniform(0.2, 1, count),
        rng.uniform(0, np.pi, objects)[of] + rng.normal(0, 0.2, count),
    )
    return boxes, rng.random(count), rng.integers(0, 5, objects)[of]


@pytest.mark.parametrize("count", [1, 40, 300, 900])
@pytest.mark.parametrize("iou", [0.2, 0.4, 0.7])
def test_the_greedy_rule_is_kept_across_blocks(count, iou):
    boxes, scores, classes = candidates(count, np.random.default_rng(count))
    np.testing.assert_array_equal(
        suppress(boxes, scores, classes, iou), greedy_by_shapely(boxes, scores, classes, iou)
    )


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_arrival_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    boxes, scores, classes = candidates(60, rng)
    order = rng.permutation(60)
    shuffled = order[suppress(boxes[order], scores[order], classes[order])]
    np.testing.assert_array_equal(shuffled, suppress(boxes, scores, classes))


def test_a_row_of_lorries_at_45_degrees_stays_whole():
    # Their axis-aligned hulls overlap by 0.36; 9 of 20 were left when those were compared.
    step = 4 / 0.3 / np.sqrt(2) * np.arange(20)
    boxes = rotated_boxes(step, -step, 40.0, 25 / 3, np.pi / 4)
    assert len(suppress(boxes, np.linspace(0.9, 0.3, 20), np.full(20, class_id("vehicle_large")))) == 20


def test_more_than_300_objects_are_all_kept():
    x, y = np.meshgrid(np.arange(40) * 20.0, np.arange(40) * 20.0)
    boxes = rotated_boxes(x.ravel(), y.ravel(), 15, 7, 0.3)
    assert len(suppress(boxes, np.full(1600, 0.5), np.full(1600, 2))) == 1600


def test_thirty_thousand_candidates_on_one_object_leave_one():
    rng = np.random.default_rng(5)
    boxes = rotated_boxes(*rng.normal(500, 0.5, (2, 30_000)), 40, 30, 0.2)
    scores = rng.random(30_000)
    assert suppress(boxes, scores, np.zeros(30_000, dtype=int)).tolist() == [scores.argmax()]


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [("plane", "helicopter", 1), ("vehicle_small", "vehicle_large", 1), ("plane", "ship", 2)],
)
def test_only_boxes_of_one_superclass_compete(one, other, left):
    boxes = np.repeat(rotated_boxes(0, 0, 20, 15, 0.1), 2, axis=0)
    assert len(suppress(boxes, [0.5, 0.6], [class_id(one), class_id(other)])) == left


def test_of_equal_scores_the_earlier_box_is_kept():
    boxes = np.repeat(rotated_boxes(0, 0, 20, 15, 0.1), 3, axis=0)
    assert suppress(boxes, [0.5, 0.5, 0.5], [0, 0, 0]).tolist() == [0]


def test_the_threshold_itself_is_still_allowed():
    boxes = rotated_boxes([0, 20], 0, 60, 40, 0)  # overlap by exactly 0.5
    assert len(suppress(boxes, [0.5, 0.6], [0, 0], 0.5)) == 2
    assert len(suppress(boxes, [0.5, 0.6], [0, 0], 0.49)) == 1


def test_boxes_without_area_place_or_score_are_left_out_and_take_nobody_along():
    good = rotated_boxes([0, 100], 0, 20, 15, 0.1)
    flat = rotated_boxes(0, 0, 20, 0, 0.1)
    nowhere, endless = good[:1].copy(), good[:1].copy()
    nowhere[0, 2, 1], endless[0, 1, 0] = np.nan, np.inf
    boxes = np.concatenate([flat, nowhere, endless, good, good[1:]])
    scores = [0.99, 0.99, 0.99, 0.5, 0.6, np.nan]
    assert suppress(boxes, scores, np.zeros(6, dtype=int)).tolist() == [4, 3]


def test_nothing_gives_nothing():
    kept = suppress(np.zeros((0, 4, 2)), np.zeros(0), np.zeros(0, dtype=int))
    assert kept.shape == (0,)
    assert kept.dtype == np.intp
