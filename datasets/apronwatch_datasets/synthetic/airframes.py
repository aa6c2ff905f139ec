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
    family: Literal["fighter", "trainer", "transport", "airliner", "bomber", "tanker", "business", "light"]
    length_m: float
    span_m: float
    body: Points
    body_radius_m: float
    body_axis_m: float
    wing: Points
    wing_top_m: float
    fins: Points
    tail: Points = ()
    tail_top_m: float = 0.0
    engines: Engines | None = None
    block: Points = ()
    hips: Points = ()
    nose_propeller_m: float = 0.0
    livery: str = ""
    """Name in `LIVERIES`; the family's without one."""


@dataclass(frozen=True)
class Rotorcraft:
    """A helicopter: fuselage without rotor, rotor, and where its masts stand (shares of the fuselage).

    Two masts at one place are a coaxial rotor.
    """

    name: str
    fuselage_m: float
    rotor_m: float
    blades: int
    body: Points
    body_radius_m: float
    height_m: float
    masts: tuple[float, ...]
    stub_wing_m: float
    tailplane: bool = True


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
