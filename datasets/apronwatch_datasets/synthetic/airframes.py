"""Aircraft types as numbers: true lengths and spans, and outlines as fractions of them (`airframes.toml`)."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

Points = tuple[tuple[float, ...], ...]
"""Rows of numbers of the table; its head says what they are."""


@dataclass(frozen=True)
class Engines:
    """Pods under a wing: where (shares of the half span), how large, how far before the leading edge."""

    at: tuple[float, ...]
    length_m: float
    radius_m: float
    ahead_m: float
    propeller_m: float


@dataclass(frozen=True)
class Airframe:
    """An aeroplane, as the table has it."""

    name: str
    family: Literal["fighter", "transport", "airliner", "bomber", "tanker"]
    length_m: float
    span_m: float
    body: Points
    body_radius_m: float
    body_axis_m: float
    wing: Points
    wing_top_m: float
    tail: Points
    tail_top_m: float
    fins: Points
    engines: Engines | None = None
    block: Points = ()


@dataclass(frozen=True)
class Rotorcraft:
    """A helicopter: fuselage without rotor, rotor, and where its mast stands (share of the fuselage)."""

    name: str
    fuselage_m: float
    rotor_m: float
    blades: int
    body: Points
    body_radius_m: float
    height_m: float
    mast: float
    stub_wing_m: float


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def _row(name: str, fields: dict[str, Any], bodies: dict[str, Any]) -> dict[str, Any]:
    row = {key: _frozen(value) for key, value in fields.items()}
    if "engines" in row:
        row["engines"] = Engines(**{key: _frozen(value) for key, value in row["engines"].items()})
    return row | {"name": name, "body": _frozen(bodies[row["body"]])}


_TABLE = tomllib.loads(files(__package__).joinpath("airframes.toml").read_text(encoding="utf-8"))

AIRFRAMES: dict[str, Airframe] = {
    name: Airframe(**_row(name, row, _TABLE["bodies"])) for name, row in _TABLE["aeroplanes"].items()
}

ROTORCRAFT: dict[str, Rotorcraft] = {
    name: Rotorcraft(**_row(name, row, _TABLE["bodies"])) for name, row in _TABLE["helicopters"].items()
}
