"""Objects of OpenStreetMap out of the files that people export: Overpass JSON, and whatever OGR opens."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.errors
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from apronwatch.errors import OsmUnreadable

AEROWAYS = ("apron", "helipad", "parking_position")
"""Values of the tag `aeroway` that are looked for."""

_TYPES = {"n": "node", "w": "way", "r": "relation"}
_TYPE_OF_LAYER = {
    "points": "node",
    "lines": "way",
    "multilinestrings": "relation",
    "multipolygons": "relation",
}
_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_OGR_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
)


@dataclass(frozen=True)
class OsmObject:
    """A node, way or relation.

    Attributes:
        id: `way/123`; `osm/123` where the file does not name the type; a hash of the outline without an id.
        tags: as in OpenStreetMap.
        geometry: longitude and latitude; None where it cannot be built.
        problem: why it cannot.
    """

    id: str
    tags: Mapping[str, str]
    geometry: BaseGeometry | None
    problem: str = ""


def read_objects(path: str | Path) -> list[OsmObject]:
    """All objects of a file whose `aeroway` (or Geofabrik's `fclass`) is one of `AEROWAYS`.

    Raises:
        OsmUnreadable: neither Overpass JSON nor a vector file with such a field.
    """
    file = Path(path)
    if not file.exists():
        raise OsmUnreadable(f"{path}: no such file; give an export of OpenStreetMap")
    if file.suffix.lower() in (".json", ".geojson"):
        elements = _elements(file)
        if elements is not None:
            try:
                return list(_overpass(elements))
            except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
                raise OsmUnreadable(f"{path}: an element is not as Overpass writes it ({error!r})") from error
    return list(_ogr(file))


def _elements(file: Path) -> list[dict[str, Any]] | None:
    """The elements of an Overpass answer; None for other JSON."""
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise OsmUnreadable(f"{file}: no JSON ({error}), expected Overpass JSON or GeoJSON") from error
    if not isinstance(document, dict) or "elements" not in document:
        return None
    if document.get(
        "remark"
    ):  # Overpass puts there that it ran out of time or memory: the answer is cut short
        raise OsmUnreadable(f"{file}: Overpass did not finish ({document['remark']}): ask again for less")
    elements = document["elements"]
    if not isinstance(elements, list) or not all(
        isinstance(e, dict) and "type" in e and "id" in e for e in elements
    ):
        raise OsmUnreadable(
            f"{file}: elements without type and id, expected what Overpass answers to [out:json]"
        )
    return elements


def _overpass(elements: Sequence[dict[str, Any]]) -> Iterator[OsmObject]:
    nodes = {e["id"]: _lonlat(e) for e in elements if e["type"] == "node" and "lat" in e}
    ways = {e["id"]: _points(e, nodes) for e in elements if e["type"] == "way"}
    for element in elements:
        tags = {key: str(value) for key, value in element.get("tags", {}).items()}
        if tags.get("aeroway") not in AEROWAYS:
            continue
        geometry: BaseGeometry | None = None
        problem = 'cut off or without coordinates (query with "out geom;" and no box after it)'
        if element["type"] == "node" and element["id"] in nodes:
            geometry = shapely.Point(nodes[element["id"]])
        elif element["type"] == "way" and (points := _points(element, nodes)):
            geometry = _way(points)
        elif element["type"] == "relation":
            geometry, problem = _relation(element, nodes, ways)
        yield OsmObject(f"{element['type']}/{element['id']}", tags, geometry, "" if geometry else problem)


Points = list[tuple[float, float]]


def _points(way: dict[str, Any], nodes: Mapping[int, tuple[float, float]]) -> Points:
    """The corners of a way, from its own geometry or its nodes; none at all if one is missing."""
    if "geometry" in way:
        known = [_lonlat(p) if p is not None else None for p in way["geometry"]]
    else:
        known = [nodes.get(ref) for ref in way.get("nodes", ())]
    points = [p for p in known if p is not None]
    return points if len(points) == len(known) and len(points) > 1 else []


def _lonlat(position: dict[str, Any]) -> tuple[float, float]:
    lon, lat = float(position["lon"]), float(position["lat"])
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise ValueError(f"no longitude and latitude: {lon}, {lat}")
    return lon, lat


def _way(points: Points) -> BaseGeometry:
    closed = len(points) > 3 and points[0] == points[-1]
    return shapely.Polygon(points) if closed else shapely.LineString(points)


def _relation(
    relation: dict[str, Any], nodes: Mapping[int, tuple[float, float]], ways: Mapping[int, Points]
) -> tuple[BaseGeometry | None, str]:
    """The area of a multipolygon: the ground that an odd number of its rings surround."""
    lines: dict[bool, list[Points]] = {True: [], False: []}
    for member in relation.get("members", ()):
        if member.get("type") == "way":
            points = _points(member, nodes) if "geometry" in member else ways.get(member.get("ref"), [])
            if not points:
                return None, "a member way is cut off or missing"
            lines[member.get("role") == "inner"].append(points)
    outer, inner = _areas(lines[False]), _areas(lines[True])
    if not outer or inner is None:
        return None, "its outline does not close"
    if inner and not shapely.union_all(outer).covers(shapely.union_all(inner)):
        return None, "a hole lies outside its outline"
    return reduce(shapely.symmetric_difference, [*outer, *inner]), ""


def _areas(lines: list[Points]) -> list[BaseGeometry] | None:
    """What each ring of some lines surrounds; None if an end is left over."""
    if not lines:
        return []
    faces, *left_over = shapely.polygonize_full([shapely.LineString(points) for points in lines])
    if any(not rest.is_empty for rest in left_over):
        return None
    return [shapely.Polygon(face.exterior) for face in shapely.get_parts(faces)]


def _ogr(file: Path) -> Iterator[OsmObject]:
    """Objects of every layer that has a field for the tag `aeroway`."""
    found = False
    try:
        for layer in pyogrio.list_layers(file)[:, 0].tolist():
            fields = pyogrio.read_info(file, layer=layer)["fields"].tolist()
            where = _where(fields)
            if where:
                found = True
                yield from _layer(file, layer, where)
    except _OGR_ERRORS as error:
        raise OsmUnreadable(f"{file}: cannot be read as vector data ({error})") from error
    if not found:
        raise OsmUnreadable(
            f"{file}: no field aeroway or fclass, expected Overpass JSON, an overpass-turbo GeoJSON, .osm, "
            f".osm.pbf, or a shapefile or GeoPackage of OpenStreetMap"
        )


def _where(fields: Sequence[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in AEROWAYS)
    clauses = [f'"{field}" IN ({listed})' for field in fields if field.lower() in ("aeroway", "fclass")]
    clauses += [f'"{field}" LIKE \'%"aeroway"=>%\'' for field in fields if field == "other_tags"]
    return " OR ".join(clauses)


def _layer(file: Path, layer: str, where: str) -> Iterator[OsmObject]:
    meta, _, outlines, columns = pyogrio.raw.read(file, layer=layer, where=where)
    if outlines is None:
        return
    if not meta["crs"]:
        raise OsmUnreadable(
            f"{file}: no coordinate reference system, expected one (a .prj beside a shapefile)"
        )
    project = Transformer.from_crs(meta["crs"], "EPSG:4326", always_xy=True).transform
    shapes = shapely.transform(
        shapely.from_wkb(outlines), lambda xy: np.stack(project(xy[:, 0], xy[:, 1]), axis=1)
    )
    for shape, *values in zip(shapes, *columns, strict=True):
        fields = dict(_texts(meta["fields"], values))
        tags = dict(_HSTORE.findall(fields.get("other_tags", ""))) | fields
        tags.setdefault("aeroway", fields.get("fclass", ""))
        if tags["aeroway"] in AEROWAYS:
            problem = "" if shape is not None else "without geometry"
            yield OsmObject(_id(fields, layer, shape), tags, shape, problem)


def _texts(names: Iterable[str], values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Filled fields by lower-case name; whole numbers without the point that tables give them."""
    for name, value in zip(names, values, strict=True):
        if value is None or value != value or value == "":
            continue
        yield name.lower(), f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _id(fields: Mapping[str, str], layer: str, shape: BaseGeometry | None) -> str:
    """The id under which OpenStreetMap knows an object, from the fields that exporters write."""
    for name in ("@id", "id"):  # overpass-turbo
        if re.fullmatch(r"(node|way|relation)/\d+", fields.get(name, "")):
            return fields[name]
    if re.fullmatch(r"[nwr]\d+", fields.get("full_id", "")):  # QuickOSM
        return f"{_TYPES[fields['full_id'][0]]}/{fields['full_id'][1:]}"
    if "osm_way_id" in fields:  # OGR
        return f"way/{fields['osm_way_id']}"
    if "osm_id" in fields:  # OGR names the type by the layer, Geofabrik not at all
        return f"{fields.get('osm_type') or _TYPE_OF_LAYER.get(layer, 'osm')}/{fields['osm_id']}"
    return f"outline/{hashlib.sha256(shapely.to_wkb(shape, byte_order=1)).hexdigest()[:12]}"
