"""Solids made of parts, and how they are shaded and throw shadows.

A body frame has x forward and y to starboard (right), in metres, zero at the centre of the truth's box.
Heights are above the ground. Pictures are taken from straight above.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]
"""Outline of a part: (K, 2) metres in the body frame."""


@dataclass(frozen=True)
class Paint:
    """A finish: albedo (red, green, blue), further colours in spots of `spot_m`, gloss (0 matt to 1)."""

    albedo: tuple[float, ...]
    spots: tuple[tuple[float, ...], ...] = ()
    spot_m: float = 3.0
    gloss: float = 0.2


@dataclass(frozen=True, eq=False)
class Part:
    """A prism with a flat or tilted top, or a tube that lies along x.

    Attributes:
        outline: seen from above.
        base_m, top_m: heights of its underside and its top.
        paint: its finish.
        relief: `flat`, or `tube`: a cylinder about `axis_y_m` whose radius at x is interpolated from `radii`.
        tilt: slope of a flat top, the forward and starboard components of its normal.
        radii: (K, 2) x and radius, x ascending, for a tube.
        casts: whether it throws a shadow (markings painted on a solid do not).
    """

    outline: Ring
    base_m: float
    top_m: float
    paint: Paint
    relief: Literal["flat", "tube"] = "flat"
    tilt: tuple[float, float] = (0.0, 0.0)
    axis_y_m: float = 0.0
    radii: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    casts: bool = True


@dataclass(frozen=True, eq=False)
class Fin:
    """A thin upright plate at `y_m`: its side view (K, 2) as x and height; from above one sees its edge."""

    side: Ring
    y_m: float
    thickness_m: float
    paint: Paint
    cant: float = 0.0


@dataclass(frozen=True, eq=False)
class Solid:
    """Something that can stand on the ground.

    Attributes:
        class_name: a name of `taxonomy.CLASSES`, or None for buildings.
        type_name: what it is.
        length_m, width_m: sides of the truth's box, along and across the heading.
        parts: in the order in which they are painted, low to high.
        fins: upright plates.
    """

    class_name: str | None
    type_name: str
    length_m: float
    width_m: float
    parts: tuple[Part, ...]
    fins: tuple[Fin, ...] = ()


def tube(
    stations: NDArray[np.float64], axis_y_m: float, centre_m: float, paint: Paint, flatten: float = 1.0
) -> Part:
    """A tube with the radii (K, 2: x, radius) of `stations`, its axis at height `centre_m`."""
    ordered = stations[np.argsort(stations[:, 0], kind="stable")]
    x = np.linspace(ordered[0, 0], ordered[-1, 0], 40)
    x = np.union1d(x, ordered[:, 0])
    radius = np.interp(x, ordered[:, 0], ordered[:, 1])
    outline = np.vstack(
        [np.column_stack([x, axis_y_m - radius]), np.column_stack([x, axis_y_m + radius])[::-1]]
    )
    high = float(radius.max()) * flatten
    return Part(
        outline,
        centre_m - high,
        centre_m + high,
        paint,
        "tube",
        axis_y_m=axis_y_m,
        radii=np.column_stack([x, radius]),
    )


def box(x_m: float, y_m: float, length_m: float, width_m: float) -> Ring:
    """Rectangle about a centre."""
    corners: Ring = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [length_m / 2, width_m / 2] + [x_m, y_m]
    return corners


def mirrored(outline: Ring) -> Ring:
    """The same outline on the other side."""
    other: Ring = outline[::-1] * [1.0, -1.0]
    return other


def moved(part: Part, by: NDArray[np.float64]) -> Part:
    """A part (2,) metres forward and to starboard."""
    radii = part.radii + np.array([by[0], 0.0]) if len(part.radii) else part.radii
    return replace(part, outline=part.outline + by, axis_y_m=part.axis_y_m + by[1], radii=radii)
