"""Solids of vehicles: cars, pickups, vans, lorries, tankers, buses, and what serves aircraft, of usual sizes."""

from functools import lru_cache

import numpy as np

from apronwatch_datasets.synthetic.liveries import METAL
from apronwatch_datasets.synthetic.solids import Paint, Part, Solid, box, tube

_GLASS = Paint((0.05, 0.06, 0.07), gloss=0.7)
_CAR_COLOURS = (
    (0.72, 0.72, 0.71),
    (0.75, 0.75, 0.74),
    (0.45, 0.46, 0.47),
    (0.30, 0.31, 0.32),
    (0.07, 0.07, 0.08),
    (0.10, 0.10, 0.11),
    (0.36, 0.07, 0.06),
    (0.08, 0.13, 0.28),
    (0.20, 0.21, 0.20),
    (0.50, 0.47, 0.40),
)
_ARMY = ((0.15, 0.165, 0.10), (0.19, 0.19, 0.12), (0.24, 0.22, 0.15), (0.13, 0.14, 0.095))

SIZES_M: dict[str, tuple[float, float, float]] = {
    "car": (4.5, 1.8, 1.5),
    "van": (5.8, 2.1, 2.4),
    "lorry": (7.4, 2.5, 2.9),
    "long lorry": (12.0, 2.5, 3.6),
    "fuel tanker": (10.5, 2.5, 3.1),
    "bus": (11.0, 2.5, 3.1),
    "pickup": (5.3, 1.9, 1.8),
    "articulated lorry": (16.5, 2.55, 4.0),
    "tug": (4.6, 2.1, 1.6),
    "loader": (8.6, 3.2, 2.9),
}
"""Length, width, height. The lorry has the measures of a Ural-4320 (7.37 m by 2.5 m), the articulated lorry the
longest of Directive 96/53/EC (16.50 m by 2.55 m, 4.00 m high)."""

SMALL_TYPES = ("car", "van", "pickup", "tug")


@lru_cache(maxsize=512)
def vehicle(type_name: str, seed: int) -> Solid:
    """A vehicle of a type; `seed` chooses its colours."""
    length, width, height = SIZES_M[type_name]
    rng = np.random.default_rng([seed, 3])
    parts = {
        "car": _car,
        "van": _van,
        "lorry": _lorry,
        "long lorry": _lorry,
        "fuel tanker": _tanker,
        "bus": _bus,
        "pickup": _pickup,
        "articulated lorry": _articulated,
        "tug": _tug,
        "loader": _loader,
    }[type_name](length, width, height, rng)
    return Solid(
        "vehicle_small" if type_name in SMALL_TYPES else "vehicle_large",
        type_name,
        length,
        width,
        tuple(parts),
    )


def _rounded(length: float, width: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    x, y, cut = length / 2, width / 2, 0.22 * width
    return np.array(
        [
            [x, y - cut],
            [x - cut, y],
            [-x + 0.6 * cut, y],
            [-x, y - 0.6 * cut],
            [-x, -y + 0.6 * cut],
            [-x + 0.6 * cut, -y],
            [x - cut, -y],
            [x, -y + cut],
        ]
    )


def _car(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    paint = Paint(_CAR_COLOURS[rng.integers(len(_CAR_COLOURS))], gloss=0.8)
    return [
        Part(_rounded(length, width), 0.25, 0.62 * height, paint),
        Part(box(-0.06 * length, 0.0, 0.56 * length, 0.86 * width), 0.62 * height, 0.8 * height, _GLASS),
        Part(box(-0.09 * length, 0.0, 0.32 * length, 0.78 * width), 0.8 * height, height, paint),
    ]


def _van(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    paint = Paint(_CAR_COLOURS[rng.integers(6)], gloss=0.5)
    return [
        Part(_rounded(length, width), 0.3, 0.5 * height, paint),
        Part(box(0.30 * length, 0.0, 0.10 * length, 0.84 * width), 0.5 * height, 0.8 * height, _GLASS),
        Part(box(-0.12 * length, 0.0, 0.74 * length, 0.94 * width), 0.5 * height, height, paint),
    ]


def _cab(length: float, width: float, height: float, paint: Paint) -> list[Part]:
    deep = min(2.2, 0.28 * length)
    x = length / 2 - deep / 2
    return [
        Part(box(x, 0.0, deep, width), 0.5, 0.80 * height, paint),
        Part(
            box(length / 2 - 0.25, 0.0, 0.4, 0.86 * width), 0.80 * height, 0.81 * height, _GLASS, casts=False
        ),
        Part(box(0.0, 0.0, length, 0.55 * width), 0.5, 1.0, Paint((0.07, 0.07, 0.07))),
    ]


def _lorry(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    army = length < 10 or rng.random() < 0.4
    cab = _ARMY[rng.integers(len(_ARMY))] if army else _CAR_COLOURS[rng.integers(len(_CAR_COLOURS))]
    cover = tuple(c * rng.uniform(0.9, 1.15) for c in cab) if army else (0.60, 0.60, 0.58)
    deep = min(2.2, 0.28 * length)
    bed = length - deep - 0.35
    rear = Part(
        box(-length / 2 + bed / 2, 0.0, bed, width), 1.0, height, Paint(cover, gloss=0.05), tilt=(0.0, 0.06)
    )
    return [*_cab(length, width, height, Paint(cab, gloss=0.2))[::-1], rear]


def _tanker(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    colour = ((0.62, 0.62, 0.60), (0.17, 0.18, 0.11), (0.55, 0.45, 0.12))[rng.integers(3)]
    start, end = -length / 2, length / 2 - 2.7
    shape = np.array([(start, 0.8), (start + 0.35, 1.12), (end - 0.35, 1.12), (end, 0.8)])
    barrel = tube(shape, 0.0, 1.9, Paint(colour, gloss=0.6))
    hatches = [
        Part(box(x, 0.0, 0.5, 0.5), 2.9, 3.1, Paint((0.10, 0.10, 0.10)))
        for x in (start + 2.0, (start + end) / 2, end - 2.0)
    ]
    chassis = Part(box(start / 2 + end / 2, 0.0, end - start, width), 0.7, 1.1, Paint((0.12, 0.12, 0.12)))
    return [*_cab(length, width, height, Paint(colour, gloss=0.3))[::-1], chassis, barrel, *hatches]


def _bus(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    paint = Paint(((0.66, 0.66, 0.64), (0.58, 0.50, 0.22), (0.30, 0.38, 0.50))[rng.integers(3)], gloss=0.5)
    boxes = [
        Part(box(x, 0.0, 1.6, 1.2), height, height + 0.2, Paint((0.45, 0.45, 0.45)))
        for x in (-0.22 * length, 0.2 * length)
    ]
    return [Part(_rounded(length, width), 0.4, height, paint), *boxes]


def _pickup(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    colours = (*_CAR_COLOURS[:6], *_ARMY[:3])
    paint = Paint(colours[rng.integers(len(colours))], gloss=0.6)
    return [
        Part(_rounded(length, width), 0.3, 0.58 * height, paint),
        Part(
            box(-0.31 * length, 0.0, 0.33 * length, 0.76 * width),
            0.5 * height,
            0.59 * height,
            Paint((0.09, 0.09, 0.09)),
            casts=False,
        ),
        Part(box(0.04 * length, 0.0, 0.36 * length, 0.88 * width), 0.58 * height, 0.8 * height, _GLASS),
        Part(box(0.01 * length, 0.0, 0.24 * length, 0.8 * width), 0.8 * height, height, paint),
    ]


def _articulated(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    cab = Paint(_CAR_COLOURS[rng.integers(len(_CAR_COLOURS))], gloss=0.6)
    covers = (
        (0.66, 0.66, 0.64),
        (0.55, 0.56, 0.57),
        (0.10, 0.16, 0.34),
        (0.40, 0.09, 0.07),
        (0.20, 0.24, 0.17),
    )
    cover = Paint(covers[rng.integers(len(covers))], gloss=0.1)
    trailer = 13.6
    return [
        *_cab(length, width, 0.92 * height, cab)[::-1],
        Part(box(-length / 2 + trailer / 2, 0.0, trailer, width), 1.1, height, cover, tilt=(0.0, 0.04)),
    ]


def _tug(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    colours = ((0.58, 0.44, 0.08), (0.62, 0.62, 0.60), (0.17, 0.18, 0.11))
    paint = Paint(colours[rng.integers(len(colours))], gloss=0.3)
    return [
        Part(_rounded(length, width), 0.25, 0.6 * height, paint),
        Part(box(-0.18 * length, 0.0, 0.3 * length, 0.8 * width), 0.6 * height, height, _GLASS),
        Part(box(-0.2 * length, 0.0, 0.2 * length, 0.7 * width), height - 0.05, height, paint, casts=False),
    ]


def _loader(length: float, width: float, height: float, rng: np.random.Generator) -> list[Part]:
    colours = ((0.60, 0.60, 0.58), (0.58, 0.44, 0.08), (0.22, 0.23, 0.15))
    paint = Paint(colours[rng.integers(len(colours))], gloss=0.2)
    deck = Paint((0.28, 0.28, 0.28), gloss=0.1)
    rails = [Part(box(0.0, side * (width / 2 - 0.12), length, 0.24), 0.4, height, paint) for side in (-1, 1)]
    rollers = [
        Part(box(x, 0.0, 0.14, 0.8 * width), 0.8 * height, 0.82 * height, METAL, casts=False)
        for x in np.arange(-0.4 * length, 0.2 * length, 0.7)
    ]
    return [
        Part(box(0.0, 0.0, length, width), 0.4, 0.6 * height, deck),
        Part(box(-0.12 * length, 0.0, 0.7 * length, width), 0.6 * height, 0.8 * height, deck),
        *rollers,
        *rails,
        Part(box(0.42 * length, -0.28 * width, 0.14 * length, 0.4 * width), 0.6 * height, height, _GLASS),
    ]
