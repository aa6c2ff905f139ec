"""`Zone`: one polygon of a known place, and the GeoJSON feature it is kept as."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from apronwatch.errors import SiteInvalid

KINDS = ("apron", "ramp", "helipad", "vehicle_park", "shelter", "berth", "stand")
"""What a zone of a site file may be."""

ALL_ZONES = "*"
"""The id under which the union of a site's zones stands; no zone may bear it."""

WHOLE_PICTURE = "image"
"""Id and kind of the one zone of a site that is a whole picture."""

LONLAT = "EPSG:4326"
PIXEL = "pixel"


@dataclass(frozen=True)
class Zone:
    """One polygon of a site.

    Attributes:
        id: unique within its site.
        kind: one of `KINDS`, or `WHOLE_PICTURE`.
        name: what people call it.
        max_span_m: widest wing span that fits, in metres.
        geometry: polygon or multipolygon, in the CRS of its site.
    """

    id: str
    kind: str
    name: str | None
    max_span_m: float | None
    geometry: BaseGeometry


def to_feature(site_id: str, zone: Zone) -> dict[str, Any]:
    """The GeoJSON feature that `from_feature` gives back."""
    properties = {"site": site_id, "zone": zone.id, "kind": zone.kind}
    optional = {"name": zone.name, "max_span_m": zone.max_span_m}
    # RFC 7946 wants outer rings counterclockwise.
    parts = [orient(part) for part in shapely.get_parts(zone.geometry)]
    shape = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return {
        "type": "Feature",
        "properties": properties | {name: value for name, value in optional.items() if value is not None},
        "geometry": mapping(shape),
    }


def from_feature(feature: Any, crs: str) -> tuple[str, Zone]:
    """Site id and zone of a GeoJSON feature, with coordinates in `LONLAT` or `PIXEL`.

    Raises:
        SiteInvalid: the feature breaks the contract of a site file; the message says how.
    """
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise SiteInvalid("no GeoJSON Feature")
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        raise SiteInvalid("no properties, expected site, zone and kind")
    site_id, zone_id, kind = (_text(properties, name) for name in ("site", "zone", "kind"))
    if zone_id == ALL_ZONES:
        raise SiteInvalid('zone "*" stands for all zones of a site: give it another id')
    if kind not in (*KINDS, WHOLE_PICTURE):
        raise SiteInvalid(f'kind "{kind}", expected one of {", ".join(KINDS)}')
    name = None if properties.get("name") is None else _text(properties, "name")
    geometry = _polygon(feature.get("geometry"), crs)
    return site_id, Zone(zone_id, kind, name, _span_m(properties.get("max_span_m")), geometry)


def _text(properties: dict[str, Any], name: str) -> str:
    """A property as text; whole numbers are taken too, for GIS tables often hold ids as such."""
    value = properties.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise SiteInvalid(f'property "{name}" is {json.dumps(value)}, expected text')
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SiteInvalid(
            f'property "{name}" is {json.dumps(value)}, half a character; expected text'
        ) from error
    return value


def _span_m(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise SiteInvalid(f'property "max_span_m" is {json.dumps(value)}, expected metres above 0')
    return float(value)


def _polygon(geometry: Any, crs: str) -> BaseGeometry:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise SiteInvalid(
            f"geometry is {kind or 'missing'}, expected a Polygon or MultiPolygon: draw the outline"
        )
    try:
        coordinates = geometry["coordinates"]
        shells = [coordinates] if kind == "Polygon" else coordinates
        parts = [shapely.Polygon(_ring(rings[0]), [_ring(ring) for ring in rings[1:]]) for rings in shells]
    except (LookupError, TypeError, ValueError, OverflowError, shapely.errors.ShapelyError) as error:
        raise SiteInvalid(f"coordinates are no rings of four positions or more ({error})") from error
    shape = parts[0] if kind == "Polygon" else shapely.MultiPolygon(parts)
    if crs == LONLAT:
        _check_lonlat(shape)
    if not shape.is_valid:
        raise SiteInvalid(f"no valid polygon ({shapely.is_valid_reason(shape)}): redraw it there")
    if not shape.area > 0:
        raise SiteInvalid("a polygon without area: draw the outline")
    return shape


def _ring(positions: Any) -> NDArray[np.float64]:
    points = np.array([position[:2] for position in positions], dtype=np.float64)  # heights are dropped
    if points.ndim != 2 or len(points) < 4 or not np.isfinite(points).all():
        raise ValueError(f"found {len(points)} positions")
    return points


def _check_lonlat(shape: BaseGeometry) -> None:
    xy = shapely.get_coordinates(shape)
    outside = (np.abs(xy) > (180.0, 90.0)).any(axis=1)
    if not outside.any():
        return
    x, y = xy[outside][0]
    mend = 'projected metres want ogr2ogr -t_srs EPSG:4326, pixels want "crs": "pixel"'
    if abs(x) <= 90.0 and abs(y) <= 180.0:
        mend = "they look swapped, longitude comes first"
    raise SiteInvalid(f"{position_text((x, y))} is no longitude and latitude: {mend}")


def position_text(xy: Iterable[float]) -> str:
    """A position as messages show it."""
    return "(" + ", ".join(f"{value:.10g}" for value in xy) + ")"
