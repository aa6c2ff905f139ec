"""Every row once, and results in order, however many threads there are."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apronwatch_datasets.synthetic.strips import each, over_rows


@given(st.integers(0, 700), st.integers(1, 200))
def test_every_row_is_worked_on_once(height: int, rows: int) -> None:
    times = np.zeros(height, int)

    def work(strip: slice) -> None:
        times[strip] += 1

    over_rows(height, work, rows)
    assert (times == 1).all()


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_at_first(n: int) -> int:
        time.sleep(0.02 if n == 0 else 0.0)
        return n * n

    assert each(slow_at_first, range(9)) == [n * n for n in range(9)]
