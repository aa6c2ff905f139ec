"""Solids of helicopters, in a livery, their rotors at rest."""

from functools import lru_cache

import numpy as np

from apronwatch_datasets.synthetic.airframes import ROTORCRAFT, Rotorcraft
from apronwatch_datasets.synthetic.liveries import DARK, GLASS, LIVERIES, Livery
from apronwatch_datasets.synthetic.solids import Fin, Part, Ring, Solid, tube

HELICOPTER_TYPES = tuple(ROTORCRAFT)


@lru_cache(maxsize=256)
def helicopter(type_name: str, seed: int) -> Solid:
    """A helicopter with its rotor at rest; its box encloses fuselage and blades."""
    craft = ROTORCRAFT[type_name]
    livery = LIVERIES["helicopter"][seed % len(LIVERIES["helicopter"])]
    parts = _rotorcraft_parts(craft, livery, seed)
    points = np.vstack([p.outline for p in parts])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    length, width = np.ptp(points, axis=0)
    moved = tuple(_moved(p, -centre) for p in parts)
    front, rear = (_rotor_x(craft, share) - centre[0] for share in (0.86, 1.0))
    fin = Fin(
        np.array(
            [[front, craft.height_m * 0.5], [rear, craft.height_m * 0.55], [rear - 0.1, craft.height_m]]
        ),
        -centre[1],
        0.25,
        livery.fin,
    )
    return Solid("helicopter", type_name, float(length), float(width), moved, (fin,))


def _rotor_x(craft: Rotorcraft, share: float) -> float:
    return craft.fuselage_m * (0.5 - share)


def _rotorcraft_parts(craft: Rotorcraft, livery: Livery, seed: int) -> list[Part]:
    stations = np.array([(_rotor_x(craft, at), share * craft.body_radius_m) for at, share in craft.body])
    axis = craft.body_radius_m + 0.6
    mast, half = _rotor_x(craft, craft.mast), craft.rotor_m / 2
    parts = [tube(stations, 0.0, axis, livery.body)]
    if craft.stub_wing_m:
        x, reach = _rotor_x(craft, 0.36), craft.stub_wing_m / 2
        wing = np.array([[x + 0.8, -reach], [x + 0.8, reach], [x - 0.5, reach], [x - 0.5, -reach]])
        parts.insert(0, Part(wing, axis - 0.2, axis, livery.wing))
    tail_x, tail_half = _rotor_x(craft, 0.93), craft.fuselage_m * 0.085
    tail = np.array(
        [[tail_x, -tail_half], [tail_x, tail_half], [tail_x - 0.7, tail_half], [tail_x - 0.7, -tail_half]]
    )
    parts.append(Part(tail, axis + 0.2, axis + 0.3, livery.wing))
    cowling = np.array([(mast + 2.6, 0.4), (mast + 1.5, 0.75), (mast - 1.4, 0.7), (mast - 2.6, 0.3)])
    parts.append(tube(cowling, 0.0, axis + craft.body_radius_m * 0.8, livery.wing))
    nose = _rotor_x(craft, 0.0)
    panes = np.array([[nose - 0.25, -0.5], [nose - 0.25, 0.5], [nose - 1.2, 0.8], [nose - 1.2, -0.8]])
    parts.append(Part(panes, axis + 0.3, axis + 0.4, GLASS, casts=False))
    first = np.random.default_rng(seed).uniform(0.0, 2 * np.pi / craft.blades)
    for blade in range(craft.blades):
        angle = first + blade * 2 * np.pi / craft.blades
        out, side = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)]) * 0.26
        hub = np.array([mast, 0.0])
        ring = np.array(
            [hub + 0.5 * out + side, hub + half * out + side, hub + half * out - side, hub + 0.5 * out - side]
        )
        parts.append(Part(ring, craft.height_m - 0.1, craft.height_m, DARK))
    return parts


def _moved(part: Part, by: Ring) -> Part:
    radii = part.radii + np.array([by[0], 0.0]) if len(part.radii) else part.radii
    return Part(
        part.outline + by,
        part.base_m,
        part.top_m,
        part.paint,
        part.relief,
        part.tilt,
        part.axis_y_m + by[1],
        radii,
        part.casts,
    )
