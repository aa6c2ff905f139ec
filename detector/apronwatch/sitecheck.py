"""What to know of a site before trusting its counts: areas, and what looks like a slip of the hand."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from apronwatch.site import Site, Zone

FAR_M = 5_000.0
"""Zones farther than this from every other of their site may belong to another place."""

THIN_M = 5.0
"""Least 4 x area / perimeter (a square's side, a disc's diameter) that holds anything worth counting."""

_INSIDE = 0.99
_TOUCHING = 1e-3


@dataclass(frozen=True)
class ZoneFacts:
    """A zone, its area (square metres of the plane, or square pixels), and what to look at."""

    zone: Zone
    area: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SiteFacts:
    """A site, the area of all its zones together, and what to look at."""

    site: Site
    area: float
    notes: tuple[str, ...]
    zones: tuple[ZoneFacts, ...]


def look_over(site: Site) -> SiteFacts:
    """Measure a site in its own plane; raises `SiteInvalid` where it has none (see `Site.zones_in_plane`)."""
    plane = site.zones_in_plane(site.utm_crs, 1.0)
    unit = "m2" if site.utm_crs else "px2"
    zones = tuple(
        ZoneFacts(zone, float(plane[zone.id].area), _zone_notes(zone, site, plane, unit))
        for zone in site.zones
    )
    return SiteFacts(site, float(plane["*"].area), _site_notes(site), zones)


def _site_notes(site: Site) -> tuple[str, ...]:
    if site.utm_crs is None:
        return ()
    west, _, east, _ = shapely.total_bounds([zone.geometry for zone in site.zones])
    if east - west > 180.0:
        return (f"lies across the antimeridian: measured in {site.utm_crs} throughout",)
    border = (int(site.utm_crs[-2:]) - 1) * 6.0 - 180.0
    if west < border or east > border + 6.0:
        return (f"reaches over the border of its UTM zone: measured in {site.utm_crs} throughout",)
    return ()


def _zone_notes(zone: Zone, site: Site, plane: dict[str, BaseGeometry], unit: str) -> tuple[str, ...]:
    mine = plane[zone.id]
    others = [other.id for other in site.zones if other.id != zone.id]
    shapes = np.array([plane[other] for other in others], dtype=object)
    shared = shapely.area(shapely.intersection(mine, shapes))
    notes = [
        f"lies in {other}" if area >= _INSIDE * mine.area else f"shares {area:.0f} {unit} with {other}"
        for other, area in zip(others, shared, strict=True)
        if area > _TOUCHING * mine.area and mine.area <= plane[other].area  # told once, at the smaller
    ]
    if unit == "m2":
        if 4 * mine.area / mine.length < THIN_M:
            notes.append(f"thin or tiny: 4 x area / perimeter is {4 * mine.area / mine.length:.1f} m")
        away_m = shapely.distance(mine, shapes).min() if others else 0.0
        if away_m > FAR_M:
            notes.append(f"{away_m / 1000:.1f} km from the nearest other zone")
    return tuple(notes)
