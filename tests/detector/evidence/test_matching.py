"""Objects of two countings are the same where their centres lie within half of the longer length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.detections import Detections
from apronwatch.evidence.matching import match
from apronwatch.geometry import rotated_boxes

PLACES = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)), max_size=12)


def boxes(places: list[tuple[float, float]], length: float = 20.0, unit_m: float = 1.0) -> Detections:
    x, y = np.array(places, dtype=float).reshape(-1, 2).T
    n = len(x)
    shapes = rotated_boxes(x, y, np.full(n, length), np.full(n, length / 2), np.zeros(n))
    crs = "EPSG:32637" if unit_m == 1.0 else None
    return Detections(shapes, np.full(n, 0.5), np.zeros(n), crs=crs, unit_m=unit_m)  # type: ignore[arg-type]


@given(PLACES, PLACES)
def test_every_box_is_matched_once_or_told(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    matched = match(boxes(first), boxes(second))
    assert matched.both + len(matched.lost) == len(first)
    assert matched.both + len(matched.gained) == len(second)
    # None that is left could have been matched with another that is left.
    for centre in matched.lost.centres:
        assert all(np.linalg.norm(centre - other) > 10 - 1e-9 for other in matched.gained.centres)


@given(PLACES)
def test_the_same_boxes_are_the_same(places: list[tuple[float, float]]) -> None:
    matched = match(boxes(places), boxes(places[::-1]))
    assert (matched.both, len(matched.lost), len(matched.gained)) == (len(places), 0, 0)


@pytest.mark.parametrize(("apart_m", "both"), [(9.9, 1), (10.1, 0)])
@pytest.mark.parametrize("unit_m", [1.0, 0.5])
def test_half_the_length_on_the_ground(apart_m: float, both: int, unit_m: float) -> None:
    first = boxes([(50.0, 50.0)], 20.0 / unit_m, unit_m)
    second = boxes([(50.0 + apart_m / unit_m, 50.0)], 8.0 / unit_m, unit_m)
    assert match(first, second).both == match(second, first).both == both


def test_the_nearest_are_taken_first() -> None:
    matched = match(boxes([(0.0, 0.0), (9.0, 0.0)]), boxes([(8.0, 0.0)]))
    assert matched.lost.centres.tolist() == [[0.0, 0.0]]


def test_planes_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="cannot be matched"):
        match(boxes([(0.0, 0.0)]), boxes([(0.0, 0.0)], unit_m=0.5))
