"""Which objects of two countings are the same: by their centres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from apronwatch.detections import Detections

REACH_SHARE = 0.5
"""Centres of one object lie within this share of the longer of its two boxes."""


@dataclass(frozen=True, eq=False)
class Matched:
    """Two sets of boxes compared.

    Attributes:
        lost: those of the first that are not in the second.
        gained: those of the second that are not in the first.
        both: how many are in both.
    """

    lost: Detections
    gained: Detections
    both: int


def match(first: Detections, second: Detections) -> Matched:
    """What is left of two sets when `pairs` are taken out.

    Raises:
        ValueError: they do not.
    """
    a, b = pairs(first, second)
    return Matched(_without(first, a), _without(second, b), len(a))


def pairs(first: Detections, second: Detections) -> tuple[list[int], list[int]]:
    """Pairs of one class by centre, the nearest in turn, each box once. Both lie in one plane.

    Raises:
        ValueError: they do not.
    """
    if (first.crs, first.unit_m) != (second.crs, second.unit_m):
        raise ValueError(f"boxes in {first.crs} and in {second.crs} cannot be matched")
    if not len(first) or not len(second):
        return [], []
    lengths = first.lengths_m, second.lengths_m
    furthest = REACH_SHARE * max(lengths[0].max(), lengths[1].max()) / first.unit_m
    near = cKDTree(first.centres).sparse_distance_matrix(
        cKDTree(second.centres), furthest, output_type="ndarray"
    )
    reach = REACH_SHARE * np.maximum(lengths[0][near["i"]], lengths[1][near["j"]])
    alike = first.classes[near["i"]] == second.classes[near["j"]]
    near = near[alike & (near["v"] * first.unit_m <= reach)]
    chosen: tuple[list[int], list[int]] = [], []
    taken: tuple[set[int], set[int]] = set(), set()
    for i, j, _ in sorted(near.tolist(), key=lambda pair: (pair[2], pair[0], pair[1])):
        if i not in taken[0] and j not in taken[1]:
            for k, row in enumerate((i, j)):
                taken[k].add(row)
                chosen[k].append(row)
    return chosen


def _without(boxes: Detections, rows: list[int]) -> Detections:
    left: NDArray[np.bool_] = np.ones(len(boxes), dtype=np.bool_)
    left[rows] = False
    return boxes.select(left)
