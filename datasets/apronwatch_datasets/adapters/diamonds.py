"""Aircraft labelled by four points, nose, wing tip, tail, wing tip, as oriented boxes."""

import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Polygons
from apronwatch.geometry import rotated_boxes

NOSE, TAIL = 0, 2


def boxes_around(points: NDArray[np.float64]) -> Polygons:
    """Smallest box (N, 4, 2) along each aircraft's axis that holds its four points (N, 4, 2).

    The axis runs from tail to nose; along it the wing tips count too, for swept wings may reach behind the tail.
    The first side of a box runs forward along the left of the aircraft as the picture shows it. Aircraft whose nose
    and tail coincide have no axis: their box has no area.
    """
    if not len(points):
        return np.zeros((0, 4, 2))
    axis = points[:, NOSE] - points[:, TAIL]
    angle = np.arctan2(axis[:, 1], axis[:, 0])
    centre = (points[:, NOSE] + points[:, TAIL]) / 2
    forward = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    sideways = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    local = points - centre[:, None]
    u = (local * forward[:, None]).sum(axis=-1)
    v = (local * sideways[:, None]).sum(axis=-1)
    length, width = np.ptp(u, axis=1), np.ptp(v, axis=1)
    middle = (
        centre
        + forward * ((u.max(axis=1) + u.min(axis=1)) / 2)[:, None]
        + sideways * ((v.max(axis=1) + v.min(axis=1)) / 2)[:, None]
    )
    length[(axis == 0).all(axis=1)] = 0.0
    return rotated_boxes(middle[:, 0], middle[:, 1], length, width, angle)
