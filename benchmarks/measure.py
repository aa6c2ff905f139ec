"""What the benchmarks share: timing in turn, comparing centres, rows of a table."""

import time
from collections.abc import Callable, Mapping
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

ROUNDS = 7

WEIGHTS = "plane-26n-obb-seed"
"""What is timed, and shown beyond an edge: one class, one pass at 1 m, so that all boxes are planes."""

Row = tuple[str, str, str, str]
"""What, its value, its least and greatest, what is aimed at."""

HEADER = ("what", "value", "least to greatest", "aim")


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of each call and round, after one warm-up of each; round by round, for a shared machine drifts."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio_row(what: str, above: list[float], below: list[float], aim: str) -> Row:
    """The ratio of two timings, taken round by round."""
    return figure_row(what, [a / b for a, b in zip(above, below, strict=True)], "{:.2f}", aim)


def figure_row(what: str, values: list[float], form: str, aim: str = "") -> Row:
    """The median with the least and the greatest."""
    return what, form.format(median(values)), f"{form.format(min(values))} to {form.format(max(values))}", aim


def matched(
    found: NDArray[np.float64], true: NDArray[np.float64], reach_m: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (found, true) one to one by least distance of the centres (N, 2), each within its `reach_m` (M,)."""
    distance = np.linalg.norm(found[:, None] - true[None], axis=2)
    near = distance <= reach_m
    pairs = linear_sum_assignment(np.where(near, distance, 1e6))
    kept = near[pairs]
    return pairs[0][kept], pairs[1][kept]
