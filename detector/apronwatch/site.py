"""`Site` and `Zone`: known places and their polygons, and the GeoJSON file they are kept in."""

import hashlib
import json
import math
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import OutputInvalid, SiteInvalid
from apronwatch.sceneinfo import SceneInfo
from apronwatch.zone import (
    ALL_ZONES,
    LONLAT,
    PIXEL,
    WHOLE_PICTURE,
    Zone,
    from_feature,
    to_feature,
)

__all__ = ["Site", "Zone", "joined", "read_sites", "write_sites"]

_LONLAT_NAMES = (
    "EPSG:4326",
    "OGC:CRS84",
    "URN:OGC:DEF:CRS:EPSG::4326",
    "URN:OGC:DEF:CRS:OGC::CRS84",
    "URN:OGC:DEF:CRS:OGC:1.3:CRS84",
)
_UTM_SOUTH_DEG, _UTM_NORTH_DEG = -80.0, 84.0
_PLACE_M = 500_000.0
_EDGE_DEG = 0.001  # 111 m: a straight edge in degrees then strays less than a millimetre from the one in UTM
_HASH_DECIMALS = 9  # 0.1 mm; other writers of the same coordinates may differ in the last digits


@dataclass(frozen=True)
class Site:
    """A known place: zones in longitude and latitude, or in the pixels of pictures without georeference.

    Attributes:
        id: its name in the archive.
        zones: at least one.
        crs: `EPSG:4326` (x longitude, y latitude), or `pixel` (x right, y down, from the top left corner).
    """

    id: str
    zones: tuple[Zone, ...]
    crs: str = LONLAT

    def __post_init__(self) -> None:
        if not self.id.strip():
            raise SiteInvalid("a site without id: give it a name")
        if not self.zones:
            raise SiteInvalid(f'site "{self.id}" has no zones: give it at least one polygon')

    @classmethod
    def whole_picture(cls, site_id: str, info: SceneInfo) -> Self:
        """A site whose one zone, `image`, is the whole rectangle of a scene."""
        if info.footprint_wkt is None:
            outline, crs = shapely.box(0, 0, info.width, info.height), PIXEL
        else:
            outline, crs = shapely.from_wkt(info.footprint_wkt), LONLAT
        return cls(site_id, (Zone(WHOLE_PICTURE, WHOLE_PICTURE, None, None, outline),), crs)

    @property
    def geometry_hash(self) -> str:
        """SHA-256 (hex) over the ids and coordinates, whatever the order of zones or of a ring's points."""
        digest = hashlib.sha256(f"{self.crs}\0{self.id}".encode())
        for zone in sorted(self.zones, key=lambda zone: zone.id):
            rounded = shapely.transform(zone.geometry, lambda xy: np.round(xy, _HASH_DECIMALS) + 0.0)
            shape = shapely.normalize(shapely.multipolygons(shapely.get_parts(rounded)))
            digest.update(f"\0{zone.id}\0".encode() + shapely.to_wkb(shape, byte_order=1))
        return digest.hexdigest()

    @property
    def utm_crs(self) -> str | None:
        """`EPSG:326zz` or `EPSG:327zz` of the zones' common centroid, or None for a site in pixels.

        The plain grid of 6 degrees, without the exceptions for Norway and Svalbard; across the border of two
        UTM zones a site gets one of them. Raises `SiteInvalid` beyond 84 N and 80 S, where UTM ends.
        """
        if self.crs == PIXEL:
            return None
        centre = shapely.union_all(self._unwrapped()).centroid
        if not _UTM_SOUTH_DEG <= centre.y <= _UTM_NORTH_DEG:
            raise SiteInvalid(f'site "{self.id}" lies at latitude {centre.y:.3f}, expected -80 to 84 (UTM)')
        number = int((centre.x + 180.0) // 6.0) % 60 + 1
        return f"EPSG:{(32600 if centre.y >= 0 else 32700) + number}"

    def zones_in_plane(self, crs: str | None, unit_m: float) -> dict[str, BaseGeometry]:
        """Zones by id, and their union as `*`, in metres of the plane in which detections are found.

        Args:
            crs: a projected CRS in metres, or None for a picture without georeference.
            unit_m: for a picture, its GSD in metres: x = column * unit_m, y = -row * unit_m. 1 with a CRS.

        Raises:
            SiteInvalid: a site in degrees for a picture without georeference, or the other way round; zones
                that lie too far apart for one plane.
        """
        if (crs is None) != (self.crs == PIXEL):
            raise SiteInvalid(
                f'site "{self.id}" is in {self.crs} and the scene is in {crs or "pixels (no georeference)"}: '
                f"give the site in {'pixels (crs: pixel)' if crs is None else 'longitude and latitude'}"
            )
        if crs is None:
            scale = np.array([unit_m, -unit_m])
            shapes = [shapely.transform(zone.geometry, lambda xy: xy * scale) for zone in self.zones]
        else:
            project = Transformer.from_crs(LONLAT, crs, always_xy=True)
            shapes = [_projected(shape, project) for shape in self._unwrapped()]
            self._check_extent(shapes)
            shapes = [shape if shape.is_valid else shapely.buffer(shape, 0) for shape in shapes]
        plane = {zone.id: shape for zone, shape in zip(self.zones, shapes, strict=True)}
        return plane | {ALL_ZONES: shapely.union_all(shapes)}

    def _check_extent(self, shapes: list[BaseGeometry]) -> None:
        west, south, east, north = shapely.total_bounds(shapes).tolist()
        across_m = math.hypot(east - west, north - south)
        if not across_m <= _PLACE_M:  # not a number where the projection ends
            raise SiteInvalid(
                f'site "{self.id}" is more than {_PLACE_M / 1000:.0f} km across, expected one place: '
                f"give zones far apart site ids of their own"
            )

    def _unwrapped(self) -> list[BaseGeometry]:
        """The zones with longitudes that do not jump at the antimeridian (180.1, not -179.9).

        No place is half the world wide: one that seems so lies across the antimeridian, where RFC 7946 has
        polygons cut in two (section 3.1.9). Their halves are joined again.
        """
        shapes = [zone.geometry for zone in self.zones]
        west, _, east, _ = shapely.total_bounds(shapes)
        if east - west <= 180.0:
            return shapes
        turned = [shapely.transform(shape, _eastward) for shape in shapes]
        return [shapely.union_all(shapely.get_parts(shape)) for shape in turned]


def _eastward(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([lonlat[:, 0] % 360.0, lonlat[:, 1]], axis=1)


def _projected(shape: BaseGeometry, project: Transformer) -> BaseGeometry:
    dense = shapely.segmentize(shape, _EDGE_DEG)
    return shapely.transform(dense, lambda xy: np.stack(project.transform(xy[:, 0], xy[:, 1]), axis=1))


def joined(sites: Sequence[Site]) -> Site:
    """Several sites looked at as one; the zones of more than one are then named `site/zone`."""
    if len(sites) == 1:
        return sites[0]
    zones = [replace(zone, id=f"{site.id}/{zone.id}") for site in sites for zone in site.zones]
    return Site("+".join(site.id for site in sites), tuple(zones), sites[0].crs)


def read_sites(path: str | Path) -> list[Site]:
    """The sites of a GeoJSON file, in the order of their first feature.

    Every feature is a Polygon or MultiPolygon with the properties `site`, `zone`, `kind`, and perhaps `name`
    and `max_span_m`; others are ignored. Coordinates are degrees, longitude first, or pixels where the file
    has the top-level member `"crs": "pixel"`.

    Raises:
        SiteInvalid: anything else; the message names the file and the feature.
    """
    document = _load(path)
    crs = _crs_of(document, path)
    zones: dict[str, dict[str, Zone]] = {}
    for number, feature in enumerate(document["features"], start=1):
        try:
            site_id, zone = from_feature(feature, crs)
            if zone.id in zones.setdefault(site_id, {}):
                raise SiteInvalid(
                    f'site "{site_id}" has this zone already: rename it, or make both one MultiPolygon'
                )
        except SiteInvalid as error:
            raise SiteInvalid(f"{path}: feature {number}{_label(feature)}: {error}") from error
        zones[site_id][zone.id] = zone
    if not zones:
        raise SiteInvalid(f"{path}: no features, expected at least one polygon with site, zone and kind")
    return [Site(site_id, tuple(of_site.values()), crs) for site_id, of_site in zones.items()]


def write_sites(sites: Sequence[Site], path: str | Path, *, attribution: str | None = None) -> None:
    """Write a site file that `read_sites` gives back; the file appears whole or not at all.

    Args:
        sites: all in the same CRS.
        path: replaced if it exists.
        attribution: whom to credit for the polygons, as a top-level member.

    Raises:
        SiteInvalid: sites in degrees and in pixels cannot share a file.
        OutputInvalid: the file cannot be written.
    """
    if len({site.crs for site in sites}) > 1:
        raise SiteInvalid("sites in degrees and in pixels cannot share a file: write two")
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if any(site.crs == PIXEL for site in sites):
        head["crs"] = PIXEL
    if attribution:
        head["attribution"] = attribution
    features = [
        json.dumps(to_feature(site.id, zone), ensure_ascii=False) for site in sites for zone in site.zones
    ]
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    _replace(Path(path), opening + ', "features": [\n' + ",\n".join(features) + "\n]}\n")


def _load(path: str | Path) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no JSON number")

    try:
        document = json.loads(Path(path).read_text(encoding="utf-8-sig"), parse_constant=refuse)
    except OSError as error:
        raise SiteInvalid(f"{path}: cannot be read ({error.strerror}): give a site file (GeoJSON)") from error
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, brackets without end
        raise SiteInvalid(f"{path}: no JSON ({error}), expected a GeoJSON FeatureCollection") from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise SiteInvalid(f"{path}: {found}, expected a GeoJSON FeatureCollection")
    if not isinstance(document.get("features"), list):
        raise SiteInvalid(f"{path}: a FeatureCollection without a list of features")
    return document


def _crs_of(document: dict[str, Any], path: str | Path) -> str:
    if "crs" not in document:
        return LONLAT
    member = document["crs"]
    if member == PIXEL:
        return PIXEL
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else member
    if isinstance(name, str) and name.upper() in _LONLAT_NAMES:
        return LONLAT
    mend = f"ogr2ogr -f GeoJSON -t_srs EPSG:4326 -lco RFC7946=YES mended.geojson {shlex.quote(str(path))}"
    raise SiteInvalid(
        f"{path}: coordinates in {json.dumps(name)}, expected longitude and latitude (EPSG:4326) "
        f'or "crs": "pixel"; mend it with: {mend}'
    )


def _label(feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    zone_id = properties.get("zone") if isinstance(properties, dict) else None
    if zone_id is None:
        return ""
    # A lone surrogate, which JSON can spell, cannot be printed.
    shown = str(zone_id).encode("utf-8", "backslashreplace").decode()
    return f' (zone "{shown}")'


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputInvalid(
            f"{path}: cannot be written ({error.strerror}): give a path in a writable folder"
        ) from error
