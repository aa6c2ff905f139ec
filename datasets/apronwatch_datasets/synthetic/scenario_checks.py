"""What a scenario may ask of its layout: known parameters, pictures of a size, in the zone, all objects in sight.

Each check raises `ValueError` with the key, what was found and what was expected.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.frame import Grid
from apronwatch_datasets.synthetic.spec import Base, Look, Parked

SIDE_PX = (16, 20_000)
"""Shortest and longest side of a picture; OpenCV resamples none of 32,768 pixels."""

AREA_PX = 100_000_000
"""Largest picture: drawing takes some 60 to 90 bytes a pixel."""

_EAST_M = (100_000.0, 900_000.0)
_NORTH_M = {"EPSG:326": (0.0, 9_400_000.0), "EPSG:327": (1_100_000.0, 10_000_000.0)}
"""UTM reaches from 80 degrees south to 84 north, each hemisphere with northings of its own."""


def check_parameters(layout: Callable[..., Base], given: Mapping[str, Any]) -> None:
    """Parameters of a layout: known, and of the type that its signature says; a whole number will do for a float."""
    known = {name: p.annotation for name, p in inspect.signature(layout).parameters.items() if name != "seed"}
    for name, value in given.items():
        if name not in known:
            expected = ", ".join(known) or "none"
            raise ValueError(f"parameters.{name}: no such parameter, this layout has {expected}")
        if type(value) is not known[name] and not (known[name] is float and type(value) is int):
            raise ValueError(f"parameters.{name}: expected {known[name].__name__}, found {value!r:.60}")


def check_zone(crs: str, point: tuple[float, float], key: str) -> None:
    """East and north (metres) that UTM has."""
    north_m = _NORTH_M[crs[:8]]
    if not (_EAST_M[0] <= point[0] <= _EAST_M[1] and north_m[0] <= point[1] <= north_m[1]):
        raise ValueError(
            f"{key}: reaches east {point[0]:.6g} m, north {point[1]:.6g} m, outside {crs}; expected east "
            f"{_EAST_M[0]:.0f} to {_EAST_M[1]:.0f}, north {north_m[0]:.0f} to {north_m[1]:.0f}"
        )


def check_extent(base: Base, look: Look, key: str) -> None:
    """A look's picture: of a size that can be drawn, and within the zone."""
    west, south, east, north = look.extent_m
    for corner in ((west, south), (east, north)):
        place = (base.origin[0] + corner[0], base.origin[1] + corner[1])
        check_zone(base.crs, place, f"{key}.extent_m")
    grid = Grid.of(base, look)
    sides = sorted((grid.width, grid.height))
    if sides[0] < SIDE_PX[0] or sides[1] > SIDE_PX[1] or grid.width * grid.height > AREA_PX:
        raise ValueError(
            f"{key}.extent_m: {grid.width} x {grid.height} pixels at gsd_m = {look.gsd_m:g}; expected sides of "
            f"{SIDE_PX[0]} to {SIDE_PX[1]} and at most {AREA_PX // 1_000_000} million pixels"
        )


def check_shown(base: Base, extents_m: Sequence[tuple[float, ...]], alone: Sequence[Parked]) -> None:
    """Each object at a place of its own reaches into at least one look: it is never silently absent."""
    for number, single in enumerate(alone):
        solid = solid_of(single.type_name, 0)
        reach_m = float(np.hypot(solid.length_m, solid.width_m)) / 2
        x, y = base.matrix[:, :2] @ [single.x_m, single.y_m]
        if not any(
            w - reach_m < x < e + reach_m and s - reach_m < y < n + reach_m for w, s, e, n in extents_m
        ):
            raise ValueError(
                f"objects.{number}.at_m: [{single.x_m:g}, {single.y_m:g}] lies outside every look; "
                "expected a place that at least one extent_m shows"
            )
