"""Ships at their berths: alongside or end-on to the quay, or abreast of those that already lie there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.solids import Solid
from apronwatch_datasets.synthetic.spec import Base, Parked, Stand

_FENDER_M = 1.1
"""Least gap to the quay or to the next ship of a raft; up to half as much again, by chance."""


def moor(base: Base, parked: Sequence[Parked]) -> list[Parked]:
    """Move each ship at a berth to where it lies; all else stays as it is.

    Ships of a raft (stands at one place) lie one outside the other, without gaps, in the order of their stands.

    Raises:
        ValueError: a ship that is too long, or too broad, for its berth.
    """
    berths = {stand.id: stand for stand in base.stands if stand.mooring != "free"}
    rafts: dict[tuple[float, float], list[int]] = defaultdict(list)
    for number, ship in enumerate(parked):
        if ship.stand in berths:
            rafts[berths[ship.stand].x_m, berths[ship.stand].y_m].append(number)
    moored = list(parked)
    for raft in rafts.values():
        out_m = 0.0
        for number in sorted(raft, key=lambda n: parked[n].stand):
            ship = parked[number]
            moored[number], out_m = _at_berth(berths[ship.stand], ship, out_m)
    return moored


def _at_berth(stand: Stand, ship: Parked, out_m: float) -> tuple[Parked, float]:
    """A ship `out_m` off its quay, and how far out the next one may begin."""
    solid = solid_of(ship.type_name, ship.seed)
    _check(stand, ship, solid)
    rng = np.random.default_rng([ship.seed, 77])
    alongside = stand.mooring in ("port", "starboard")
    depth_m = solid.width_m if alongside else solid.length_m
    gap_m = _FENDER_M * rng.uniform(1.0, 1.5)
    outward = np.radians(
        stand.heading_deg + {"port": 90, "starboard": -90, "stern": 0, "bow": 180}[stand.mooring]
    )
    away = np.array([np.sin(outward), np.cos(outward)])
    slack_m, yaw_deg = (1.5, 0.25) if alongside else (0.12, 0.9 if solid.length_m < 20 else 0.25)
    slide, yaw = rng.uniform(-slack_m, slack_m), rng.uniform(-yaw_deg, yaw_deg)
    place = (
        [stand.x_m, stand.y_m] + (out_m + gap_m + depth_m / 2) * away + slide * np.array([-away[1], away[0]])
    )
    there = replace(
        ship, x_m=float(place[0]), y_m=float(place[1]), heading_deg=float((stand.heading_deg + yaw) % 360.0)
    )
    return there, out_m + gap_m + depth_m


def _check(stand: Stand, ship: Parked, solid: Solid) -> None:
    alongside = stand.mooring in ("port", "starboard")
    size, word = (solid.length_m, "long") if alongside else (solid.width_m, "broad")
    if size > stand.max_span_m:
        raise ValueError(
            f"{ship.type_name} is {size:.1f} m {word}, its berth {stand.id} takes {stand.max_span_m:.1f} m"
        )
