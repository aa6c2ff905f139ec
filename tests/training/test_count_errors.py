import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch_training.evaluate.count_errors import count_errors

TRUE, COUNTED = [20.0, 14.0, 0.0, 7.0, 31.0], [18.0, 15.0, 1.0, 7.0, 27.0]
LOW, HIGH = [15, 12, 0, 5, 24], [22, 18, 2, 9, 30]

counts = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=30)


def test_five_counts_worked_out_apart_from_this_code():
    found = count_errors(TRUE, COUNTED, LOW, HIGH)
    assert found.mae == pytest.approx(1.6)
    assert found.rmse == pytest.approx(2.0976176963403033)
    assert found.bias == pytest.approx(-0.8)
    assert found.wape == pytest.approx(1 / 9)
    assert found.relative_total_error == pytest.approx(-1 / 18)
    assert found.r2 == pytest.approx(0.9613492621222769)
    assert found.coverage == pytest.approx(0.8)
    assert found.interval_score == pytest.approx(9.0)
    assert (found.counts, found.intervals, found.true_total, found.counted_total) == (5, 5, 72.0, 68.0)
    json.dumps(found.to_dict(), allow_nan=False)


@given(counts)
def test_laws(pairs):
    true, counted = np.array(pairs, dtype=float).T
    found = count_errors(true, counted)
    assert abs(found.bias) <= found.mae + 1e-9
    assert found.mae <= found.rmse + 1e-9
    assert found.bias * len(pairs) == pytest.approx(found.counted_total - found.true_total)
    if true.sum():
        assert found.wape >= abs(found.relative_total_error) - 1e-9


@given(counts)
def test_a_perfect_count(pairs):
    true = np.array(pairs, dtype=float)[:, 0]
    found = count_errors(true, true, true, true)
    assert (found.mae, found.rmse, found.bias, found.coverage, found.interval_score) == (0, 0, 0, 1, 0)


def test_an_interval_pays_for_its_width_and_for_what_it_misses():
    inside = count_errors([10], [10], [8], [14], level=0.8)
    below = count_errors([5], [10], [8], [14], level=0.8)
    above = count_errors([15], [10], [8], [14], level=0.8)
    assert inside.interval_score == pytest.approx(6)
    assert below.interval_score == pytest.approx(6 + 2 / 0.2 * 3)
    assert above.interval_score == pytest.approx(6 + 2 / 0.2 * 1)
    assert (inside.coverage, below.coverage, above.coverage) == (1, 0, 0)


def test_counts_without_an_interval_are_left_out_of_the_coverage():
    found = count_errors([10, 20], [10, 20], [8, np.nan], [12, np.nan])
    assert (found.intervals, found.coverage) == (1, 1.0)
    assert count_errors([10], [10]).coverage is None


def test_what_is_not_defined_is_none():
    empty_places = count_errors([0, 0], [1, 0])
    assert (empty_places.wape, empty_places.relative_total_error, empty_places.r2) == (None, None, None)
    assert empty_places.mae == 0.5
    nothing = count_errors([], [])
    assert (nothing.counts, nothing.mae, nothing.bias) == (0, None, None)


def test_what_cannot_be_compared():
    with pytest.raises(ValueError, match="expected the same"):
        count_errors([1, 2], [1])
    with pytest.raises(ValueError, match="low <= high"):
        count_errors([1], [1], [3], [2])
