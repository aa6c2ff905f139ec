"""Results come in order, no more than so many ahead, and errors where they belong."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.ahead import in_order


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4), st.integers(0, 6))
def test_results_come_in_the_order_of_the_items(items, threads, ahead):
    def work(item):
        time.sleep(item / 10_000)
        return item

    assert list(in_order(work, items, threads=threads, ahead=ahead)) == items


def test_no_more_is_begun_than_was_allowed():
    begun = []
    results = in_order(lambda k: begun.append(k) or k, range(100), threads=2, ahead=3)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(begun) <= 5
    results.close()


def test_an_error_comes_in_its_items_place():
    def work(item):
        if item == 3:
            raise OSError("gone")
        return item

    results = in_order(work, range(9), threads=3, ahead=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(results)
    assert threading.active_count() < 20
