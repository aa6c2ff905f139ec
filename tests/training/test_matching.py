import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.geometry import pair_iou, rotated_boxes
from apronwatch.taxonomy import class_id
from apronwatch_datasets.records import UNCLASSED, Objects, horizontal_boxes
from apronwatch_training.evaluate.matching import Matches, Truth, match_by_centre, match_by_iou


def upright(*corners):
    """Boxes from (x0, y0, x1, y1)."""
    return horizontal_boxes(*np.array(corners, dtype=float).reshape(-1, 4).T)


def shifted(overlap):
    """A 10 x 10 box whose IoU with the one at the origin is `overlap`."""
    d = 10 * (1 - overlap) / (1 + overlap)
    return upright((d, 0, 10 + d, 10))


def scene(seed, truths=12, extra=10):
    """Random crowded boxes: detections are jittered truths and strays."""
    rng = np.random.default_rng(seed)
    boxes = rotated_boxes(
        *rng.uniform(0, 60, (2, truths)),
        rng.uniform(8, 20, truths),
        rng.uniform(6, 12, truths),
        rng.uniform(0, 3, truths),
    )
    again = boxes[rng.integers(0, truths, truths)] + rng.normal(0, 1.2, (truths, 1, 2))
    strays = rotated_boxes(
        *rng.uniform(0, 60, (2, extra)),
        rng.uniform(8, 20, extra),
        rng.uniform(6, 12, extra),
        rng.uniform(0, 3, extra),
    )
    found = np.concatenate([again, strays])
    return found, rng.permutation(len(found)) / len(found), boxes, rng.random(truths) < 0.25


def dota_rule(found, scores, truths, difficult, threshold):
    """The published rule, one detection and one object at a time, with another library's polygons."""
    taken, verdict = set(), {}
    for d in sorted(range(len(found)), key=lambda k: -scores[k]):
        one = shapely.Polygon(found[d])
        overlaps = []
        for corners in truths:
            other = shapely.Polygon(corners)
            overlaps.append(one.intersection(other).area / one.union(other).area)
        best = int(np.argmax(overlaps)) if overlaps else -1
        if not overlaps or overlaps[best] <= threshold:
            verdict[d] = "false"
        elif difficult[best]:
            verdict[d] = "not judged"
        else:
            verdict[d] = "false" if best in taken else "hit"
            taken.add(best)
    return [verdict[d] for d in range(len(found))]


def verdicts(matches):
    return [
        "hit" if h else "false" if j else "not judged"
        for h, j in zip(matches.hit, matches.judged, strict=True)
    ]


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_it_is_the_rule_of_dota(seed):
    found, scores, truths, difficult = scene(seed)
    truth = Truth.of(truths, difficult=difficult)
    for threshold, matches in zip(
        (0.3, 0.5, 0.75), match_by_iou(found, scores, truth, (0.3, 0.5, 0.75)), strict=True
    ):
        assert verdicts(matches) == dota_rule(found, scores, truths, difficult, threshold)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_the_order_of_detections_and_objects_does_not_matter(seed):
    found, scores, truths, difficult = scene(seed)
    rng = np.random.default_rng(seed)
    d, t = rng.permutation(len(found)), rng.permutation(len(truths))
    one = match_by_iou(found, scores, Truth.of(truths, difficult=difficult))[0]
    other = match_by_iou(found[d], scores[d], Truth.of(truths[t], difficult=difficult[t]))[0]
    assert np.array(verdicts(one))[d].tolist() == verdicts(other)
    np.testing.assert_array_equal(one.found_at[t], other.found_at)


def test_the_overlap_must_be_above_the_threshold():
    # Half of the box: both areas and their overlap are exact in binary, so the IoU is 0.5 and not nearly so.
    half = upright((0, 0, 10, 5))
    truth = Truth.of(upright((0, 0, 10, 10)))
    at, above = match_by_iou(half, [0.9], truth, (0.5, 0.499))
    assert verdicts(at) == ["false"]
    assert verdicts(above) == ["hit"]


def test_a_repeat_is_false_even_where_it_overlaps_a_free_object():
    truth = Truth.of(np.concatenate([upright((0, 0, 10, 10)), shifted(0.6)]))
    found = np.concatenate([upright((0, 0, 10, 10)), upright((0, 0, 10, 10.5))])
    matches = match_by_iou(found, [0.9, 0.8], truth)[0]
    assert verdicts(matches) == ["hit", "false"]
    assert matches.truth.tolist() == [0, 0]
    assert matches.found_at.tolist() == [0.9, -np.inf]


def test_a_difficult_object_is_neither_hit_nor_missed():
    truth = Truth.of(upright((0, 0, 10, 10)), difficult=True)
    matches = match_by_iou(np.concatenate([shifted(0.9), shifted(0.8)]), [0.9, 0.8], truth)[0]
    assert verdicts(matches) == ["not judged", "not judged"]
    assert matches.to_find == 0


def test_what_lies_in_an_ignored_region_is_not_judged_unless_it_is_a_hit():
    truth = Truth.of(upright((0, 0, 10, 10)), ignore=upright((-5, -5, 40, 40)))
    found = np.concatenate([upright((0, 0, 10, 10)), upright((20, 20, 28, 28)), upright((38, 20, 46, 28))])
    matches = match_by_iou(found, [0.5, 0.9, 0.9], truth)[0]
    assert verdicts(matches) == ["hit", "not judged", "false"]


@settings(max_examples=200)
@given(st.integers(0, 10**6))
def test_a_box_that_overlaps_another_by_half_has_its_centre_in_it(seed):
    """Why regions to ignore need the centre only."""
    rng = np.random.default_rng(seed)
    a, b = (
        rotated_boxes(*rng.uniform(0, 4, (2, 50)), *rng.uniform(2, 9, (2, 50)), rng.uniform(0, 3, 50))
        for _ in "ab"
    )
    half = pair_iou(a, b) >= 0.5
    inside = shapely.intersects(shapely.polygons(b), shapely.points(a.mean(axis=1)))
    assert inside[half].all()


def test_a_plane_parked_askew_matches_its_horizontal_label_by_centre_and_not_by_overlap():
    plane = rotated_boxes(50, 50, 32, 30, np.radians(45))
    nose, wing, tail, other_wing = (np.roll(plane[0], -1, axis=0) + plane[0]) / 2
    tips = np.stack([nose, wing, tail, other_wing])
    label = Truth.of(upright((*tips.min(axis=0), *tips.max(axis=0))))
    assert verdicts(match_by_iou(plane, [0.9], label, (0.55,))[0]) == ["false"]
    assert verdicts(match_by_centre(plane, [0.9], label)) == ["hit"]


@pytest.mark.parametrize(
    ("box", "verdict"),
    [
        ((10, 0, 50, 20), "hit"),  # a quarter of the width aside: the border of the central half
        ((10.1, 0, 50.1, 20), "false"),
        ((0, -5, 40, 15), "hit"),
        ((0, -5.1, 40, 14.9), "false"),
        ((10, 5, 30, 15), "hit"),  # half as long
        ((10.1, 5, 29.9, 15), "false"),
        ((-20, 0, 60, 20), "hit"),  # twice as long
        ((-20.1, 0, 60.1, 20), "false"),
    ],
)
def test_the_limits_of_a_centre_match(box, verdict):
    assert verdicts(match_by_centre(upright(box), [1.0], Truth.of(upright((0, 0, 40, 20))))) == [verdict]


def test_the_nearest_centre_is_matched():
    truth = Truth.of(upright((0, 0, 40, 40), (15, 0, 55, 40)))
    matches = match_by_centre(upright((14, 0, 54, 40), (2, 0, 42, 40)), [0.9, 0.8], truth)
    assert matches.truth.tolist() == [1, 0]
    assert verdicts(matches) == ["hit", "hit"]


def test_nothing_found_and_nothing_there():
    none = np.zeros((0, 4, 2))
    one = upright((0, 0, 4, 4))
    for match in (lambda *a: match_by_iou(*a)[0], match_by_centre):
        assert match(none, [], Truth.of(none)).to_find == 0
        assert match(none, [], Truth.of(one)).found_at.tolist() == [-np.inf]
        assert verdicts(match(one, [0.5], Truth.of(none))) == ["false"]


def test_scenes_are_joined_with_their_objects_numbered_on():
    parts = [
        match_by_iou(upright((0, 0, 4, 4)), [0.5], Truth.of(upright((50, 0, 54, 4), (0, 0, 4, 4))))[0],
        match_by_iou(upright((0, 0, 4, 4), (90, 0, 94, 4)), [0.7, 0.2], Truth.of(upright((0, 0, 4, 4))))[0],
    ]
    joined = Matches.concatenate(parts)
    assert joined.truth.tolist() == [1, 2, -1]
    assert joined.found_at.tolist() == [-np.inf, 0.5, 0.7]
    assert joined.to_find == 3
    with pytest.raises(ValueError, match="nothing to concatenate"):
        Matches.concatenate([])


def test_the_truth_of_a_labelled_image():
    boxes = upright((0, 0, 4, 4), (10, 0, 14, 4), (20, 0, 24, 4), (30, 0, 34, 4))
    plane, ship = class_id("plane"), class_id("ship")
    objects = Objects.of(
        boxes,
        ["plane", "plane", "ship", "wagon"],
        [plane, plane, ship, UNCLASSED],
        difficult=[False, True, False, False],
    )
    truth = Truth.labelled(objects, plane)
    np.testing.assert_array_equal(truth.polygons, boxes[:2])
    assert truth.difficult.tolist() == [False, True]
    np.testing.assert_array_equal(truth.ignore, boxes[3:])
