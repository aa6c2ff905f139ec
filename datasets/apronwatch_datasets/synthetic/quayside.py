"""Solids of a harbour's works: gantry cranes, stacks of containers, pontoons."""

import numpy as np

from apronwatch_datasets.synthetic.cargo import CONTAINER_COLOURS, CONTAINER_M
from apronwatch_datasets.synthetic.solids import Paint, Part, box
from apronwatch_datasets.synthetic.spec import Building

_PLANKS = Paint((0.33, 0.285, 0.235), ((0.29, 0.25, 0.205),), spot_m=3.0, gloss=0.0)


def crane(spec: Building) -> list[Part]:
    """A gantry crane: legs on both rails, its boom along the heading, 0.62 of it ahead of the middle."""
    paint, dark = Paint(spec.albedo, gloss=0.3), Paint(tuple(0.6 * c for c in spec.albedo))
    gauge, width, top = 0.26 * spec.length_m, spec.width_m, 0.72 * spec.height_m
    middle = 0.12 * spec.length_m
    legs = [
        Part(box(x, y, 1.5, 1.5), 0.0, top, dark)
        for x in (-gauge / 2, gauge / 2)
        for y in (-width / 2 + 0.8, width / 2 - 0.8)
    ]
    sills = [Part(box(x, 0.0, 1.3, width), top - 2.0, top, paint) for x in (-gauge / 2, gauge / 2)]
    booms = [Part(box(middle, y, spec.length_m, 1.1), top, top + 2.2, paint) for y in (-2.4, 2.4)]
    ties = [
        Part(box(x, 0.0, 0.5, 4.8), top + 1.0, top + 1.6, dark, casts=False)
        for x in np.linspace(middle - 0.47 * spec.length_m, middle + 0.47 * spec.length_m, 9)
    ]
    house = Part(box(-0.22 * spec.length_m, 0.0, 9.0, 6.0), top + 2.2, top + 6.0, Paint((0.58, 0.58, 0.56)))
    trolley = Part(box(0.3 * spec.length_m, 0.0, 3.5, 5.6), top + 1.5, top + 3.0, dark)
    apex = Part(box(gauge / 2, 0.0, 1.0, 6.0), top, spec.height_m, paint)
    return [*legs, *sills, *booms, *ties, trolley, house, apex]


def containers(spec: Building) -> list[Part]:
    """A block of 40-foot containers, end to end along the heading, up to `height_m` high."""
    rng = np.random.default_rng([round(spec.x_m * 10) & 0xFFFF, round(spec.y_m * 10) & 0xFFFF, 5])
    length, width, high = CONTAINER_M
    columns, rows = int(spec.length_m / (length + 0.4)), int(spec.width_m / (width + 0.3))
    most = max(1, int(spec.height_m / high))
    stacks = [
        (int(rng.integers(0, most + 1)), column, row) for column in range(columns) for row in range(rows)
    ]
    parts = []
    for tiers, column, row in sorted(stacks):
        if tiers:
            colour = CONTAINER_COLOURS[rng.integers(len(CONTAINER_COLOURS))]
            paint = Paint(tuple(rng.uniform(0.85, 1.1) * np.array(colour)), gloss=0.1)
            x, y = (column + 0.5 - columns / 2) * (length + 0.4), (row + 0.5 - rows / 2) * (width + 0.3)
            parts.append(Part(box(x, y, length, width), 0.0, tiers * high, paint))
    return parts


def pontoon(spec: Building) -> list[Part]:
    """A floating walkway of planks."""
    return [Part(box(0.0, 0.0, spec.length_m, spec.width_m), 0.0, spec.height_m, _PLANKS)]
