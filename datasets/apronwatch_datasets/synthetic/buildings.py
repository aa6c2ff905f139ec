"""Solids of buildings: hangars with a gabled roof, arched shelters, flat sheds, round tanks; and trees."""

from collections.abc import Callable

import numpy as np

from apronwatch_datasets.synthetic.quayside import containers, crane, pontoon
from apronwatch_datasets.synthetic.solids import Paint, Part, Solid, box, tube
from apronwatch_datasets.synthetic.spec import Building

_CONCRETE = Paint((0.30, 0.29, 0.26), ((0.25, 0.245, 0.215),), spot_m=6.0, gloss=0.0)


def building(spec: Building) -> Solid:
    """The solid of a building; its length lies along its heading."""
    return Solid(None, spec.kind, spec.length_m, spec.width_m, tuple(_KINDS[spec.kind](spec)))


def _hangar(spec: Building) -> list[Part]:
    length, width = spec.length_m, spec.width_m
    eaves, slope = 0.8 * spec.height_m, 0.2 * spec.height_m / (spec.width_m / 4)
    roof = Paint(spec.albedo, gloss=0.25)
    walls = Part(box(0.0, 0.0, length, width), 0.0, eaves, roof)
    ridge = Part(box(0.0, 0.0, length, 0.8), eaves, spec.height_m, roof, casts=False)
    sides = [
        Part(
            box(0.0, side * width / 4, length, width / 2),
            0.0,
            eaves,
            roof,
            tilt=(0.0, side * slope),
            casts=False,
        )
        for side in (-1, 1)
    ]
    seams = [
        Part(
            box(x, 0.0, 0.35, width),
            eaves,
            eaves + 0.05,
            Paint(tuple(0.86 * c for c in spec.albedo)),
            casts=False,
        )
        for x in np.arange(-length / 2 + 6.0, length / 2 - 3.0, 6.0)
    ]
    lights = [
        Part(
            box(x, side * width / 4, 3.4, 1.3),
            eaves,
            eaves + 0.1,
            Paint((0.62, 0.64, 0.64), gloss=0.5),
            casts=False,
        )
        for side in (-1, 1)
        for x in np.arange(-length / 2 + 9.0, length / 2 - 6.0, 12.0)
    ]
    return [walls, *sides, *seams, *lights, ridge]


def _shelter(spec: Building) -> list[Part]:
    half = spec.length_m / 2
    arch = tube(np.array([(-half, spec.width_m / 2), (half, spec.width_m / 2)]), 0.0, 0.0, _CONCRETE)
    high = Part(arch.outline, 0.0, 0.8 * spec.height_m, arch.paint, "tube", radii=arch.radii)
    return [
        high,
        Part(box(half - 0.4, 0.0, 0.8, spec.width_m), 0.0, 0.5 * spec.height_m, _CONCRETE, casts=False),
    ]


def _shed(spec: Building) -> list[Part]:
    rng = np.random.default_rng([round(spec.x_m * 10) & 0xFFFF, round(spec.y_m * 10) & 0xFFFF])
    roof = Part(box(0.0, 0.0, spec.length_m, spec.width_m), 0.0, spec.height_m, Paint(spec.albedo))
    rim = Part(
        box(0.0, 0.0, spec.length_m - 0.8, spec.width_m - 0.8),
        0.0,
        spec.height_m - 0.5,
        Paint(tuple(0.88 * c for c in spec.albedo)),
    )
    boxes = [
        Part(
            box(
                rng.uniform(-0.4, 0.4) * spec.length_m,
                rng.uniform(-0.35, 0.35) * spec.width_m,
                *rng.uniform(1.2, 3.5, 2),
            ),
            spec.height_m - 0.5,
            spec.height_m + rng.uniform(0.5, 1.5),
            Paint((0.5, 0.5, 0.5)),
        )
        for _ in range(min(40, int(spec.length_m * spec.width_m / 90)))
    ]
    return [roof, rim, *boxes]


def _tank(spec: Building) -> list[Part]:
    angle = np.linspace(0.0, 2 * np.pi, 33)[:-1]
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    paint = Paint((0.66, 0.66, 0.64), gloss=0.2)
    inner = Part(
        ring * (spec.width_m / 2 - 0.5), 0.0, spec.height_m + 0.3, Paint((0.6, 0.6, 0.58), gloss=0.2)
    )
    return [Part(ring * spec.width_m / 2, 0.0, spec.height_m, paint), inner]


def _tree(spec: Building) -> list[Part]:
    rng = np.random.default_rng([round(spec.x_m * 10) & 0xFFFF, round(spec.y_m * 10) & 0xFFFF])
    angle = np.linspace(0.0, 2 * np.pi, 25)[:-1]
    lobes = np.sum(
        [rng.normal(0.0, 0.16) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7)], axis=0
    )
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * (1.0 + lobes)[:, None] * spec.width_m / 2
    dark, light = (0.050, 0.062, 0.032), (0.082, 0.100, 0.050)
    crown = Paint(dark, (light,), spot_m=1.5, gloss=0.0)
    return [
        Part(ring, 0.35 * spec.height_m, 0.75 * spec.height_m, crown, tilt=(0.1, 0.1)),
        Part(
            ring * 0.6 + [0.3, 0.2],
            0.5 * spec.height_m,
            spec.height_m,
            Paint(light, (dark,), spot_m=1.2, gloss=0.0),
        ),
    ]


def _mast(spec: Building) -> list[Part]:
    """A lamp on a pole: from above little but its shadow."""
    grey = Paint((0.42, 0.42, 0.41))
    top = spec.height_m
    return [
        Part(box(0.0, 0.0, 0.45, 0.45), 0.0, top - 0.8, grey),
        Part(box(0.0, 0.0, spec.length_m, spec.width_m), top - 0.8, top, Paint((0.55, 0.55, 0.53))),
    ]


_KINDS: dict[str, Callable[[Building], list[Part]]] = {
    "hangar": _hangar,
    "shelter": _shelter,
    "shed": _shed,
    "tank": _tank,
    "tree": _tree,
    "mast": _mast,
    "crane": crane,
    "containers": containers,
    "pontoon": pontoon,
}
