"""Solids of helicopters, in a livery, their rotors at rest."""

from functools import lru_cache

import numpy as np

from apronwatch_datasets.synthetic.airframes import ROTORCRAFT, Rotorcraft
from apronwatch_datasets.synthetic.liveries import DARK, GLASS, LIVERIES, Livery
from apronwatch_datasets.synthetic.solids import Fin, Part, Solid, moved, tube

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
    centred = tuple(moved(p, -centre) for p in parts)
    front, rear = (_rotor_x(craft, share) - centre[0] for share in (0.86, 1.0))
    fin = Fin(
        np.array(
            [[front, craft.height_m * 0.5], [rear, craft.height_m * 0.55], [rear - 0.1, craft.height_m]]
        ),
        -centre[1],
        0.25,
        livery.fin,
    )
    return Solid("helicopter", type_name, float(length), float(width), centred, (fin,))


def _rotor_x(craft: Rotorcraft, share: float) -> float:
    return craft.fuselage_m * (0.5 - share)


def _rotorcraft_parts(craft: Rotorcraft, livery: Livery, seed: int) -> list[Part]:
    stations = np.array([(_rotor_x(craft, at), share * craft.body_radius_m) for at, share in craft.body])
    axis = craft.body_radius_m + 0.6
    parts = [tube(stations, 0.0, axis, livery.body)]
    if craft.stub_wing_m:
        x, reach = _rotor_x(craft, 0.36), craft.stub_wing_m / 2
        wing = np.array([[x + 0.8, -reach], [x + 0.8, reach], [x - 0.5, reach], [x - 0.5, -reach]])
        parts.insert(0, Part(wing, axis - 0.2, axis, livery.wing))
    if craft.tailplane:
        parts.append(_tailplane(craft, livery, axis))
    for share in dict.fromkeys(craft.masts):
        mast = _rotor_x(craft, share)
        cowling = np.array([(mast + 2.6, 0.4), (mast + 1.5, 0.75), (mast - 1.4, 0.7), (mast - 2.6, 0.3)])
        cowling[:, 0] = np.clip(cowling[:, 0], -craft.fuselage_m / 2, craft.fuselage_m / 2)
        parts.append(tube(cowling, 0.0, axis + craft.body_radius_m * 0.8, livery.wing))
    nose = _rotor_x(craft, 0.0)
    panes = np.array([[nose - 0.25, -0.5], [nose - 0.25, 0.5], [nose - 1.2, 0.8], [nose - 1.2, -0.8]])
    parts.append(Part(panes, axis + 0.3, axis + 0.4, GLASS, casts=False))
    turns = np.random.default_rng(seed).uniform(0.0, 2 * np.pi / craft.blades, len(craft.masts))
    for number, (share, turn) in enumerate(zip(craft.masts, turns, strict=True)):
        parts += _rotor(craft, _rotor_x(craft, share), turn, craft.height_m - 0.8 * number)
    return parts


def _tailplane(craft: Rotorcraft, livery: Livery, axis: float) -> Part:
    x, half = _rotor_x(craft, 0.93), craft.fuselage_m * 0.085
    ring = np.array([[x, -half], [x, half], [x - 0.7, half], [x - 0.7, -half]])
    return Part(ring, axis + 0.2, axis + 0.3, livery.wing)


def _rotor(craft: Rotorcraft, x: float, turn: float, top_m: float) -> list[Part]:
    hub, reach, parts = np.array([x, 0.0]), craft.rotor_m / 2, []
    for blade in range(craft.blades):
        angle = turn + blade * 2 * np.pi / craft.blades
        out, side = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)]) * 0.26
        ring = np.array(
            [
                hub + 0.5 * out + side,
                hub + reach * out + side,
                hub + reach * out - side,
                hub + 0.5 * out - side,
            ]
        )
        parts.append(Part(ring, top_m - 0.1, top_m, DARK))
    return parts
