"""Solids of aeroplanes, in a livery."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from apronwatch_datasets.synthetic.airframes import AIRFRAMES, Airframe, Engines, Points
from apronwatch_datasets.synthetic.liveries import DARK, GLASS, LIVERIES, METAL, WRAP, Livery
from apronwatch_datasets.synthetic.solids import Fin, Paint, Part, Ring, Solid, mirrored, tube

PLANE_TYPES = tuple(AIRFRAMES)


@lru_cache(maxsize=512)
def aeroplane(type_name: str, seed: int, stripped: bool = False) -> Solid:
    """An aeroplane of a type; its box is its length by its span, exactly.

    `stripped` leaves out engines, propellers and, of a fighter, the tailplane, and covers the cockpit in white.
    """
    frame = AIRFRAMES[type_name]
    liveries = LIVERIES[frame.livery or frame.family]
    livery = liveries[seed % len(liveries)]
    if stripped:
        frame = replace(
            frame, engines=None, hips=(), nose_propeller_m=0.0, tail=() if frame.block else frame.tail
        )
    parts = [*_pods(frame), *_surface(frame, frame.wing, frame.wing_top_m, 0.5, livery.wing, 0.07)]
    if frame.length_m > 20 and not frame.block:
        parts += _flap_gaps(frame, livery.wing)
    low_tail = _surface(frame, frame.tail, frame.tail_top_m, 0.25, livery.wing, 0.0)
    if frame.tail_top_m < frame.body_axis_m + 2 * frame.body_radius_m:
        parts += low_tail
        low_tail = []
    if frame.block:
        parts.append(_block(frame, livery))
    parts += [_fuselage(frame, livery), *_cockpit(frame, WRAP if stripped else GLASS), *_hips(frame, livery)]
    parts += [*low_tail, *_nose_propeller(frame)]
    if frame.wing_top_m > frame.body_axis_m + 0.5 * frame.body_radius_m and frame.family != "fighter":
        # A high wing crosses over the fuselage.
        wings = [p for p in parts if p.top_m == frame.wing_top_m]
        parts = [p for p in parts if p.top_m != frame.wing_top_m] + wings
    return Solid("plane", type_name, frame.length_m, frame.span_m, tuple(parts), _fins(frame, livery))


def _x(frame: Airframe, share: float) -> float:
    """A share of the length from the nose as x of the body frame."""
    return frame.length_m * (0.5 - share)


def _edges(frame: Airframe, outline: Points) -> Ring:
    half = frame.span_m / 2
    front = [(_x(frame, lead), share * half) for share, lead, _ in outline]
    back = [(_x(frame, trail), share * half) for share, _, trail in reversed(outline)]
    return np.array(front + back)


def _surface(
    frame: Airframe, outline: Points, top_m: float, thick_m: float, paint: Paint, dihedral: float
) -> list[Part]:
    if not outline:
        return []
    right = _edges(frame, outline)
    return [
        Part(right, top_m - thick_m, top_m, paint, tilt=(0.02, -dihedral)),
        Part(mirrored(right), top_m - thick_m, top_m, paint, tilt=(0.02, dihedral)),
    ]


def _flap_gaps(frame: Airframe, paint: Paint) -> list[Part]:
    """The dark lines ahead of flaps and ailerons."""
    table, share = np.array(frame.wing), np.linspace(0.16, 0.94, 12)
    lead, trail = (np.interp(share, table[:, 0], table[:, k]) for k in (1, 2))
    x, y = frame.length_m * (0.5 - lead - 0.72 * (trail - lead)), share * frame.span_m / 2
    line = np.vstack([np.column_stack([x, y]), np.column_stack([x - 0.22, y])[::-1]])
    dark = Paint(tuple(0.6 * c for c in paint.albedo), gloss=0.0)
    top = frame.wing_top_m
    return [Part(ring, top - 0.1, top, dark, casts=False) for ring in (line, mirrored(line))]


def _fuselage(frame: Airframe, livery: Livery) -> Part:
    stations = np.array([(_x(frame, at), share * frame.body_radius_m) for at, share in frame.body])
    return tube(stations, 0.0, frame.body_axis_m, livery.body)


def _block(frame: Airframe, livery: Livery) -> Part:
    right = [(_x(frame, at), half) for at, half in frame.block]
    ring = np.array(right + [(x, -y) for x, y in reversed(right)])
    return Part(ring, frame.body_axis_m - 0.9, frame.body_axis_m + 0.45, livery.wing)


def _cockpit(frame: Airframe, glass: Paint) -> list[Part]:
    top = frame.body_axis_m + frame.body_radius_m
    if frame.family == "light" and frame.nose_propeller_m:
        return [_windscreen(frame, glass)]
    if frame.family in ("fighter", "trainer"):
        stations = np.array([(0.13, 0.1), (0.155, 0.42), (0.20, 0.5), (0.25, 0.3), (0.27, 0.1)])
        canopy = tube(
            np.column_stack([_x(frame, 0.0) - stations[:, 0] * frame.length_m, stations[:, 1]]),
            0.0,
            top,
            glass,
        )
        return [canopy]
    x, wide = _x(frame, 0.0) - 0.72 * frame.body_radius_m, 0.42 * frame.body_radius_m
    panes = np.array(
        [[x, -wide], [x, wide], [x - 0.8, 1.45 * wide], [x - 0.55, 0.0], [x - 0.8, -1.45 * wide]]
    )
    return [Part(panes, top - 0.6, top - 0.5, glass, casts=False)]


def _fins(frame: Airframe, livery: Livery) -> tuple[Fin, ...]:
    made = []
    for y, front, rear, tip_front, tip_rear, top, cant in frame.fins:
        root = frame.body_axis_m + 0.4 * frame.body_radius_m
        side = np.array(
            [
                [_x(frame, front), root],
                [_x(frame, rear), root],
                [_x(frame, tip_rear), top],
                [_x(frame, tip_front), top],
            ]
        )
        made.append(Fin(side, y, 0.30 if frame.length_m < 25 else 0.45, livery.fin, cant))
    return tuple(made)


def _leading(frame: Airframe, share: float) -> float:
    wing = np.array(frame.wing)
    return _x(frame, float(np.interp(share, wing[:, 0], wing[:, 1])))


def _pods(frame: Airframe) -> list[Part]:
    if frame.engines is None:
        return []
    engines = frame.engines
    parts: list[Part] = []
    for share in engines.at:
        y, front = share * frame.span_m / 2, _leading(frame, share) + engines.ahead_m
        level = frame.wing_top_m - (0.2 if engines.propeller_m else 0.7 + engines.radius_m * 0.6)
        for side in (y, -y):
            shape = np.array([(0.0, 0.86), (0.15, 1.0), (0.6, 0.95), (1.0, 0.55)])
            stations = np.column_stack(
                [front - shape[:, 0] * engines.length_m, shape[:, 1] * engines.radius_m]
            )
            parts.append(tube(stations, side, level, METAL))
            parts += _propeller(engines, front, side, level)
    return parts


def _propeller(engines: Engines, x: float, y: float, level: float) -> list[Part]:
    if not engines.propeller_m:
        return []
    blade, half = 0.16, engines.propeller_m / 2
    ring = np.array(
        [[x - blade, y - half], [x + blade, y - half], [x + blade, y + half], [x - blade, y + half]]
    )
    return [Part(ring, level - 0.1, level + 0.1, DARK)]


def _windscreen(frame: Airframe, glass: Paint) -> Part:
    """Ahead of a high wing, or the long canopy over a low one."""
    wide = 0.8 * frame.body_radius_m
    high = frame.wing_top_m > frame.body_axis_m
    front, rear = (0.2, frame.wing[0][1] + 0.01) if high else (0.26, 0.5)
    x0, x1 = _x(frame, front), _x(frame, rear)
    ring = np.array([[x0, -0.7 * wide], [x0, 0.7 * wide], [x1, wide], [x1, -wide]])
    top = frame.body_axis_m + frame.body_radius_m
    return Part(ring, top - 0.1, top + 0.1, glass, casts=False)


def _nose_propeller(frame: Airframe) -> list[Part]:
    if not frame.nose_propeller_m:
        return []
    x, half = frame.length_m / 2 - 0.25, frame.nose_propeller_m / 2
    ring = np.array([[x - 0.08, -half], [x + 0.08, -half], [x + 0.08, half], [x - 0.08, half]])
    return [Part(ring, frame.body_axis_m - 0.1, frame.body_axis_m + 0.1, DARK)]


def _hips(frame: Airframe, livery: Livery) -> list[Part]:
    parts = []
    for y, front, length, radius, axis in frame.hips:
        shape = np.array([(0.0, 0.85), (0.12, 1.0), (0.65, 0.95), (1.0, 0.6)])
        stations = np.column_stack([_x(frame, front) - shape[:, 0] * length, shape[:, 1] * radius])
        parts += [tube(stations, side, axis, livery.wing) for side in (y, -y)]
    return parts
