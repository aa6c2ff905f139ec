"""Headings go round, lengths keep their sign, and nothing is said of what a label does not tell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.geometry import rotated_boxes
from apronwatch_training.evaluate.box_errors import SMALL_M, Pairs, box_errors, turned_by
from apronwatch_training.evaluate.scoring import score
from tests.training.scored import looked

angles = st.floats(-720, 720)


def boxes(degrees: object, length: object = 40.0, width: object = 16.0) -> np.ndarray:
    turned = np.radians(np.atleast_1d(np.asarray(degrees, dtype=float)))
    ones = np.ones(len(turned))
    return rotated_boxes(100 * ones, 100 * ones, length * ones, width * ones, turned)


def pairs(found: np.ndarray, labels: np.ndarray, lengths_m: object = 30.0) -> Pairs:
    return Pairs(found, labels, np.broadcast_to(np.asarray(lengths_m, dtype=float), len(labels)))


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [(0, 0, 0), (179, 1, 2), (1, 179, 2), (10, 55, 45), (0, 90, 90), (20, 200, 0), (-30, 350, 20)],
)
def test_headings_go_round_after_half_a_turn(first: float, second: float, apart: float) -> None:
    assert turned_by(boxes(first), boxes(second)) == pytest.approx([apart], abs=1e-6)


@given(angles, angles)
def test_no_heading_is_more_than_a_quarter_off(first: float, second: float) -> None:
    there, back = turned_by(boxes(first), boxes(second)), turned_by(boxes(second), boxes(first))
    assert 0 <= there[0] <= 90
    assert there == pytest.approx(back, abs=1e-6)
    assert turned_by(boxes(first), boxes(second), modulo=90.0)[0] == pytest.approx(
        min(there[0], 90 - there[0]), abs=1e-6
    )


@given(angles, st.floats(0, 90))
def test_a_known_turn_is_measured(label: float, turn: float) -> None:
    every, _ = box_errors(pairs(boxes([label + turn]), boxes([label])), "iou")
    assert every.heading.objects == 1
    assert every.heading.median == pytest.approx(turn, abs=1e-6)
    assert every.square.objects == 0


def test_which_side_is_written_first_does_not_matter() -> None:
    label, across = boxes(30.0), boxes(120.0, length=16.0, width=40.0)
    assert turned_by(label, across) == pytest.approx([0.0], abs=1e-6)
    assert turned_by(label, np.roll(label, 1, axis=1)) == pytest.approx([0.0], abs=1e-6)


def test_a_span_greater_than_the_length_is_the_heading_of_both() -> None:
    label = boxes(10.0, length=30.0, width=40.0)  # flies along 10 degrees, its wings along 100
    every, _ = box_errors(pairs(boxes(15.0, length=30.0, width=40.0), label), "iou")
    assert every.heading.median == pytest.approx(5.0)
    mistaken, _ = box_errors(pairs(boxes(10.0, length=40.0, width=30.0), label), "iou")
    assert (mistaken.heading.median, mistaken.across) == (pytest.approx(90.0), 1)


def test_a_square_label_has_no_longer_side() -> None:
    labels = boxes([20.0, 20.0, 20.0], width=38.0)
    every, _ = box_errors(pairs(boxes([25.0, 112.0, 200.0], width=42.0), labels), "centre")
    assert (every.heading.objects, every.heading.median, every.across) == (0, None, 0)
    assert every.square.objects == 3
    assert every.square.median == pytest.approx(2.0)  # 5, 2 and 0 degrees
    edge, _ = box_errors(pairs(boxes(0.0, width=36.0), boxes(0.0, width=36.0)), "centre")
    assert (edge.square.objects, edge.heading.objects) == (0, 1)  # 40 over 36: more than 10 % apart


def test_lengths_keep_their_sign() -> None:
    labels = boxes([0.0] * 5)
    found = boxes([0.0] * 5, length=40.0 * np.array([1.1, 1.1, 1.2, 1.0, 3.0]))
    every, _ = box_errors(pairs(found, labels), "centre")
    assert every.length_bias == pytest.approx(0.1)
    assert every.length_error == pytest.approx((0.48, np.std([0.1, 0.1, 0.2, 0.0, 2.0], ddof=1)))
    assert every.length_sd == pytest.approx(
        1.4826 * 0.1, rel=1e-4
    )  # the one of three times the length counts once
    short, _ = box_errors(pairs(boxes([0.0], length=30.0), boxes([0.0])), "centre")
    assert (short.length_bias, short.length_sd, short.length_error) == (pytest.approx(-0.25), None, None)


def test_small_aircraft_are_told_of_apart() -> None:
    labels, found = boxes([0.0] * 4), boxes([0.0, 8.0, 8.0, 0.0])
    every, small = box_errors(pairs(found, labels, [14.9, 15.0, 19.9, 20.0]), "centre")
    assert (every.lengths_m, every.objects) == (None, 4)
    assert (small.lengths_m, small.objects) == (SMALL_M, 2)
    assert small.heading.median == pytest.approx(8.0)


def test_nothing_found_nothing_said() -> None:
    for each in box_errors(pairs(boxes([]), boxes([])), "iou"):
        assert (each.objects, each.heading.median, each.square.p90, each.length_bias) == (0, None, None, None)


def test_a_box_far_off_is_a_pair_by_its_centre_alone() -> None:
    scene = looked([0.9], oriented=True)
    turned = replace(scene.detections, polygons=rotated_boxes([20.0], [20.0], [40.0], [12.0], [0.0]))
    labels = replace(
        scene.image,
        objects=scene.image.objects.at(rotated_boxes([20.0], [20.0], [40.0], [12.0], [np.radians(50)])),
    )
    (found,) = score([replace(scene, detections=turned, image=labels)])
    assert [(b.matched_by, b.objects) for b in found.boxes] == [
        ("centre", 1),
        ("centre", 0),
        ("iou", 0),
        ("iou", 0),
    ]
    assert found.boxes[0].heading.median == pytest.approx(50.0)


def test_upright_and_difficult_labels_and_what_does_not_count_are_left_out() -> None:
    (upright,) = score([looked([0.9], oriented=False)])
    assert upright.boxes == ()
    scene = looked([0.9, 0.8, 0.7, 0.6, 0.1], oriented=True, side_px=36.0)  # 18 m
    objects = replace(
        scene.image.objects,
        oriented=np.array([True, True, False, True, True]),
        difficult=np.array([True, False, False, False, False]),
    )
    (found,) = score([replace(scene, image=replace(scene.image, objects=objects))])
    assert [b.objects for b in found.boxes] == [2, 2, 2, 2]
