from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.engines import decoding
from apronwatch.engines.decoding import anchor_count, corners, decode
from apronwatch.errors import EngineFailed, ModelInvalid
from apronwatch.taxonomy import class_id
from tests.detector.engines.conftest import raw_head

SIDE = st.floats(2, 300)


@given(st.floats(-50, 700), st.floats(-50, 700), SIDE, SIDE, st.floats(-7, 7))
def test_corners_keep_centre_sides_and_direction(
    x: float, y: float, w: float, h: float, angle: float
) -> None:
    box = corners(np.array([[x, y, w, h]]), np.array([angle]))[0]
    np.testing.assert_allclose(box.mean(axis=0), (x, y), atol=1e-9)
    along, across = box[1] - box[0], box[2] - box[1]
    np.testing.assert_allclose(along, w * np.array([np.cos(angle), np.sin(angle)]), atol=1e-9)
    np.testing.assert_allclose(np.hypot(*across), h, atol=1e-9)
    assert abs(along @ across) < 1e-6 * w * h


def test_a_quarter_turn_points_down_the_picture() -> None:
    box = corners(np.array([[100.0, 50.0, 40.0, 10.0]]), np.array([np.pi / 2]))[0]
    assert np.ptp(box[:, 1]) == pytest.approx(40)
    assert box[1, 1] > box[0, 1]  # y grows downwards, as the picture's rows do


def test_a_side_of_nothing_keeps_its_object(five) -> None:
    found = decode(raw_head(five, (30, 30, 20, -1, 0, 0, 0.9)), (64, 64), five, 0.05)[0]
    assert len(found.detections) == 1


@pytest.mark.parametrize(("side", "anchors"), [(640, 80**2 + 40**2 + 20**2), (1024, 21_504), (32, 21)])
def test_anchors_of_the_raw_head(side: int, anchors: int) -> None:
    assert anchor_count(side, side) == anchors


def test_each_output_becomes_its_class(five) -> None:
    raw = raw_head(five, *((8 + 10 * k, 8 + 10 * k, 6, 6, 0, k, 0.5 + 0.05 * k) for k in range(5)))
    found = decode(raw, (64, 64), five, 0.05)[0].detections
    assert [class_id("ship"), class_id("vehicle_large")] == found.classes[:2].tolist()
    assert sorted(found.classes) == [0, 1, 2, 3, 4]
    assert np.all(np.diff(found.scores) < 0)


def test_what_is_most_of_all_a_tank_is_no_plane(five) -> None:
    raw = raw_head(five, (30, 30, 20, 20, 0, 5, 0.8))
    raw[0, 4, 0] = 0.6
    assert len(decode(raw, (64, 64), five, 0.05)[0].detections) == 0


def test_the_floor_is_included(five) -> None:
    raw = raw_head(five, (10, 10, 5, 5, 0, 0, 0.25), (40, 40, 5, 5, 0, 0, 0.2499))
    assert len(decode(raw, (64, 64), five, 0.25)[0].detections) == 1


def test_suppression_is_within_the_superclass(five) -> None:
    boxes = [
        (30, 30, 20, 20, 0, output, score)
        for output, score in ((0, 0.9), (1, 0.8), (2, 0.7), (3, 0.6), (4, 0.5))
    ]
    found = decode(raw_head(five, *boxes), (64, 64), five, 0.05)[0].detections
    assert [round(float(s), 2) for s in found.scores] == [0.9, 0.7, 0.5]


def test_tiles_of_a_batch_are_apart(five) -> None:
    raw = np.concatenate(
        [raw_head(five, (30, 30, 20, 20, 0, 0, 0.9)), raw_head(five), raw_head(five, (9, 9, 5, 5, 0, 4, 0.4))]
    )
    assert [len(tile.detections) for tile in decode(raw, (64, 64), five, 0.05)] == [1, 0, 1]


@pytest.mark.parametrize(("cap", "kept", "saturated"), [(3, 3, True), (4, 4, True), (5, 4, False)])
def test_reaching_the_cap_is_said(five, cap: int, kept: int, saturated: bool) -> None:
    raw = raw_head(five, *((8 + 12 * k, 30, 6, 6, 0, 0, 0.9 - 0.1 * k) for k in range(4)))
    tile = decode(raw, (64, 64), replace(five, max_boxes_per_tile=cap), 0.05)[0]
    assert (len(tile.detections), tile.saturated) == (kept, saturated)
    assert tile.detections.scores[0] == pytest.approx(0.9)


def test_too_many_candidates_are_said(five, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_CANDIDATES", 2)
    raw = raw_head(five, *((8 + 12 * k, 30, 6, 6, 0, 0, 0.5 + 0.1 * k) for k in range(4)))
    tile = decode(raw, (64, 64), five, 0.05)[0]
    assert tile.saturated
    np.testing.assert_allclose(tile.detections.scores, (0.8, 0.7), atol=1e-6)


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 4, -1])
def test_numbers_that_are_none_are_no_empty_list(five, fault: float, row: int) -> None:
    raw = raw_head(five)
    raw[0, row, 17] = fault
    with pytest.raises(EngineFailed, match="1 of 1 tiles"):
        decode(raw, (64, 64), five, 0.05)


@pytest.mark.parametrize("shape", [(1, 300, 7), (1, 10, 84), (1, 11, 83), (11, 84)])
def test_another_head_is_refused(five, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelInvalid, match="one-to-many"):
        decode(np.zeros(shape, dtype=np.float32), (64, 64), five, 0.05)


def test_scores_that_are_no_probabilities_are_refused(five) -> None:
    with pytest.raises(ModelInvalid, match="0 to 1"):
        decode(raw_head(five, (30, 30, 20, 20, 0, 0, 3.7)), (64, 64), five, 0.05)
