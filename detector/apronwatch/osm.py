"""Aprons, helipads and parking positions of OpenStreetMap as the zones of a site.

What becomes a zone, and what does not:

- `aeroway=apron` with an outline (closed way or multipolygon): `apron`;
- `aeroway=helipad` with an outline, or a node with a `diameter` or `width` in metres (a disc): `helipad`;
- `aeroway=parking_position` with an outline: `stand`; as a line or a node it has no extent and is left out.

Zones are named by the id of their object (`way/123`), so that a later import gives the same names.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import OsmUnreadable
from apronwatch.osmfiles import OsmObject, read_objects
from apronwatch.site import Site, Zone

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
"""Whom the licence of the data wants named wherever it is shown (openstreetmap.org/copyright)."""

_KIND_OF = {"apron": "apron", "helipad": "helipad", "parking_position": "stand"}
_METRES = re.compile(r"(\d{1,3}(?:\.\d+)?) ?m?")
_DISC_CORNERS = 32


@dataclass(frozen=True)
class LeftOut:
    """An object that did not become a zone, and why."""

    id: str
    aeroway: str
    reason: str


@dataclass(frozen=True)
class OsmImport:
    """The site that a file of OpenStreetMap gave, and what it could not give."""

    site: Site
    left_out: tuple[LeftOut, ...]


def read_osm(path: str | Path, site_id: str) -> OsmImport:
    """The zones of one site from Overpass JSON, an overpass-turbo GeoJSON, or a vector file that OGR opens.

    Raises:
        OsmUnreadable: the file cannot be read, or nothing in it has an outline.
    """
    zones: dict[str, Zone] = {}
    left_out: list[LeftOut] = []
    for found in sorted(read_objects(path), key=lambda thing: thing.id):
        outline, reason = _outline(found)
        if outline is not None and found.id in zones and not outline.equals(zones[found.id].geometry):
            outline, reason = None, "listed twice with different outlines: the first was taken"
        if outline is None:
            left_out.append(LeftOut(found.id, found.tags["aeroway"], reason))
        elif found.id not in zones:
            name = found.tags.get("name") or found.tags.get("ref")
            zones[found.id] = Zone(found.id, _KIND_OF[found.tags["aeroway"]], name, None, outline)
    if not zones:
        raise OsmUnreadable(
            f"{path}: no apron, helipad or parking position with an outline{_why(left_out)}; "
            f"export the tag aeroway with geometry, or draw the zones by hand"
        )
    return OsmImport(Site(site_id, tuple(zones.values())), tuple(left_out))


def _why(left_out: Iterable[LeftOut]) -> str:
    reasons = [f"{thing.id} {thing.reason}" for thing in left_out]
    more = f", and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return f" ({'; '.join(reasons[:3])}{more})" if reasons else ""


def _outline(found: OsmObject) -> tuple[BaseGeometry | None, str]:
    """A valid polygon, or None and the reason."""
    shape = found.geometry
    if shape is None:
        return None, found.problem
    if shape.geom_type == "Point":
        return _disc(shape, found.tags.get("aeroway"), found.tags.get("diameter") or found.tags.get("width"))
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        return None, "a line has no outline"
    if not shape.is_valid:
        return None, f"no valid polygon ({shapely.is_valid_reason(shape)})"
    if not shape.area > 0:
        return None, "a polygon without area"
    whole = shapely.force_2d(shape)
    return whole.geoms[0] if whole.geom_type == "MultiPolygon" and len(whole.geoms) == 1 else whole, ""


def _disc(point: BaseGeometry, aeroway: str | None, width: str | None) -> tuple[BaseGeometry | None, str]:
    """The disc of a helipad that is mapped as a node."""
    if aeroway != "helipad":
        return None, "a node has no outline"
    metres = _METRES.fullmatch(width or "")
    if not metres or float(metres[1]) == 0:
        return (
            None,
            f'a node with width "{width}", not metres' if width else "a node without diameter or width",
        )
    step = 2 * math.pi / _DISC_CORNERS
    radius_m = float(metres[1]) / 2 * math.sqrt(step / math.sin(step))  # a polygon of the disc's area
    lon, lat, _ = Geod(ellps="WGS84").fwd(
        np.full(_DISC_CORNERS, point.x),
        np.full(_DISC_CORNERS, point.y),
        -np.degrees(step) * np.arange(_DISC_CORNERS),
        np.full(_DISC_CORNERS, radius_m),
    )
    return shapely.Polygon(np.stack([lon, lat], axis=1)), ""
