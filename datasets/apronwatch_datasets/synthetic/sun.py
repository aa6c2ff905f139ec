"""Where the sun stands, and the light it gives."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Sun:
    """Azimuth clockwise from north and elevation above the horizon, in degrees."""

    azimuth_deg: float
    elevation_deg: float

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector to the sun: east, north, up."""
        a, e = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        return np.array([math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e)])

    @property
    def shadow_per_m(self) -> NDArray[np.float64]:
        """East and north that the shadow of a point moves for each metre of its height."""
        east, north, up = self.direction
        return np.array([-east / up, -north / up])

    @property
    def beam(self) -> NDArray[np.float32]:
        """Direct light on a surface that faces the sun, red green blue; warmer when it is low."""
        air_mass = 1.0 / max(0.1, math.sin(math.radians(self.elevation_deg)))
        clear = np.exp(-np.array([0.06, 0.10, 0.17]) * (air_mass - 1.0))
        return (np.array([1.18, 1.15, 1.09]) * clear).astype(np.float32)

    @property
    def sky(self) -> NDArray[np.float32]:
        """Light of the blue sky on level ground, red green blue: all that a shadow gets."""
        return np.array([0.160, 0.187, 0.232], np.float32)


def sun_at(time: datetime, longitude_deg: float, latitude_deg: float) -> Sun:
    """The sun over a place, good to 0.1 degree from 1950 to 2050.

    Formulas: "Low precision formulas for the Sun's coordinates", Astronomical Almanac, page C24.
    Raises `ValueError` for a sun below 8 degrees: no satellite operator sells such a scene.
    """
    days = (time - _J2000).total_seconds() / 86400.0
    anomaly = math.radians(357.528 + 0.9856003 * days)
    ecliptic = math.radians(
        280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 4e-7 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    sidereal = math.radians((18.697374558 + 24.06570982441908 * days) % 24 * 15 + longitude_deg)
    hour, latitude = sidereal - ascension, math.radians(latitude_deg)
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
        hour
    )
    east = -math.cos(declination) * math.sin(hour)
    north = math.cos(latitude) * math.sin(declination) - math.sin(latitude) * math.cos(
        declination
    ) * math.cos(hour)
    elevation = math.degrees(math.asin(up))
    if elevation < 8.0:
        raise ValueError(
            f"the sun stands at {elevation:.1f} degrees at {time.isoformat()}: too low to draw by"
        )
    return Sun(math.degrees(math.atan2(east, north)) % 360.0, elevation)
