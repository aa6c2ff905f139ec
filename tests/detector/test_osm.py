"""What becomes a zone of what OpenStreetMap holds, from every kind of file that people export."""

import json
import math
import struct
import zlib

import geopandas as gpd
import pytest
import shapely
from pyproj import Geod

from apronwatch.errors import OsmUnreadable
from apronwatch.osm import read_osm

LON, LAT = 35.95, 35.40


def ring(x, y, size=0.002):
    """Corners of a square, closed, in longitude and latitude."""
    return [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]


def latlon(points):
    return [{"lat": y, "lon": x} for x, y in points]


def way(number, points, **tags):
    return {"type": "way", "id": number, "tags": tags, "geometry": latlon(points), "nodes": [0] * len(points)}


def node(number, x=LON, y=LAT, **tags):
    return {"type": "node", "id": number, "lat": y, "lon": x, "tags": tags}


def member(points, role):
    return {"type": "way", "ref": 1, "role": role, "geometry": latlon(points)}


def relation(number, *members, **tags):
    return {
        "type": "relation",
        "id": number,
        "tags": {"type": "multipolygon"} | tags,
        "members": list(members),
    }


@pytest.fixture
def overpass(tmp_path):
    def write(*elements, **members):
        path = tmp_path / "overpass.json"
        path.write_text(json.dumps({"version": 0.6, "elements": list(elements), **members}), encoding="utf-8")
        return path

    return write


APRON = way(10, ring(LON, LAT), aeroway="apron", name="Main", ref="A")


def test_aprons_helipads_and_stands_become_zones(overpass):
    found = read_osm(
        overpass(
            APRON,
            way(20, ring(LON + 0.01, LAT, 0.0003), aeroway="helipad", ref="H1"),
            way(30, ring(LON, LAT, 0.0005), aeroway="parking_position"),
            way(40, ring(LON, LAT), aeroway="taxiway"),
            way(50, ring(LON, LAT), building="hangar"),
        ),
        "base",
    )
    assert found.site.id == "base"
    assert found.left_out == ()
    assert {z.id: (z.kind, z.name) for z in found.site.zones} == {
        "way/10": ("apron", "Main"),
        "way/20": ("helipad", "H1"),
        "way/30": ("stand", None),
    }
    assert found.site.zones[0].geometry.equals(shapely.Polygon(ring(LON, LAT)))


def test_what_has_no_outline_is_named_not_lost(overpass):
    found = read_osm(
        overpass(
            APRON,
            node(1, aeroway="helipad"),
            node(2, aeroway="helipad", width="80 ft"),
            node(3, aeroway="parking_position", width="40"),
            way(4, [(LON, LAT), (LON, LAT + 0.001)], aeroway="parking_position"),
            way(5, [*ring(LON, LAT)[:2], *ring(LON, LAT)[3:1:-1], (LON, LAT)], aeroway="apron"),
        ),
        "base",
    )
    assert [zone.id for zone in found.site.zones] == ["way/10"]
    reasons = {thing.id: thing.reason for thing in found.left_out}
    assert set(reasons) == {"node/1", "node/2", "node/3", "way/4", "way/5"}
    assert "without diameter" in reasons["node/1"]
    assert '"80 ft"' in reasons["node/2"]
    assert "no outline" in reasons["node/3"]
    assert "no outline" in reasons["way/4"]
    assert "Self-intersection" in reasons["way/5"]


@pytest.mark.parametrize("tags", [{"diameter": "26"}, {"width": "26 m"}, {"diameter": "26.0m", "width": "9"}])
def test_a_helipad_with_a_width_is_a_disc_of_that_width(overpass, tags):
    found = read_osm(overpass(node(7, aeroway="helipad", **tags)), "base")
    [zone] = found.site.zones
    area_m2, _ = Geod(ellps="WGS84").geometry_area_perimeter(zone.geometry)
    assert area_m2 == pytest.approx(math.pi * 13**2, rel=1e-3)
    assert zone.geometry.centroid.distance(shapely.Point(LON, LAT)) < 1e-9


def test_a_relation_is_the_ground_between_its_rings(overpass):
    outer = ring(LON, LAT, 0.01)
    hole, island = ring(LON + 0.002, LAT + 0.002, 0.006), ring(LON + 0.004, LAT + 0.004, 0.002)
    beside = ring(LON + 0.02, LAT, 0.005)
    members = [
        member(outer[:3], "outer"),
        member(outer[2:][::-1], "outer"),  # the second half runs the other way
        member(hole, "inner"),
        member(island, "outer"),
        member(beside, ""),
        {"type": "node", "ref": 5, "role": "label", "lat": LAT, "lon": LON},
    ]
    [zone] = read_osm(overpass(relation(9, *members, aeroway="apron")), "base").site.zones
    expected = shapely.union_all(
        [
            shapely.Polygon(outer).difference(shapely.Polygon(hole)),
            shapely.Polygon(island),
            shapely.Polygon(beside),
        ]
    )
    assert zone.id == "relation/9"
    assert zone.geometry.equals(expected)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([member(ring(LON, LAT)[:3], "outer")], "does not close"),
        ([member(ring(LON, LAT), "outer"), member(ring(LON, LAT, 0.001)[:3], "inner")], "does not close"),
        ([member(ring(LON, LAT), "outer"), member(ring(LON + 1, LAT), "inner")], "a hole lies outside"),
        ([{"type": "way", "ref": 77, "role": "outer"}], "member way is cut off or missing"),
        ([], "does not close"),
    ],
)
def test_a_relation_that_makes_no_area_is_left_out(overpass, members, reason):
    found = read_osm(overpass(APRON, relation(9, *members, aeroway="apron")), "base")
    assert [zone.id for zone in found.site.zones] == ["way/10"]
    assert reason in found.left_out[0].reason


def test_the_older_overpass_form_with_nodes_apart_gives_the_same(overpass):
    corners = ring(LON, LAT)
    nodes = [node(k, *xy) for k, xy in enumerate(corners[:4])]
    bare = {"type": "way", "id": 10, "tags": APRON["tags"], "nodes": [0, 1, 2, 3, 0]}
    multi = {**relation(11, {"type": "way", "ref": 12, "role": "outer"}, aeroway="apron")}
    untagged = {"type": "way", "id": 12, "nodes": [0, 1, 2, 3, 0]}
    found = read_osm(overpass(bare, multi, untagged, *nodes), "base").site
    assert {zone.id for zone in found.zones} == {"way/10", "relation/11"}
    assert all(zone.geometry.equals(shapely.Polygon(corners)) for zone in found.zones)
    lacking = read_osm(overpass(bare, *nodes[1:], way(13, corners, aeroway="apron")), "base")
    assert [thing.id for thing in lacking.left_out] == ["way/10"]


def test_ways_clipped_by_the_query_are_left_out(overpass):
    clipped = way(11, ring(LON, LAT), aeroway="apron")
    clipped["geometry"][2] = None
    found = read_osm(
        overpass(APRON, clipped, {"type": "way", "id": 12, "tags": {"aeroway": "apron"}}), "base"
    )
    assert [thing.id for thing in found.left_out] == ["way/11", "way/12"]
    assert all("out geom" in thing.reason for thing in found.left_out)


def test_an_object_listed_twice_is_one_zone(overpass):
    other = way(10, ring(LON, LAT, 0.003), aeroway="apron")
    assert read_osm(overpass(APRON, APRON), "base").left_out == ()
    found = read_osm(overpass(APRON, other), "base")
    assert len(found.site.zones) == 1
    assert "listed twice" in found.left_out[0].reason


def test_the_order_of_a_file_changes_nothing(overpass):
    elements = [way(k, ring(LON + k / 100, LAT), aeroway="apron") for k in range(5)]
    first = read_osm(overpass(*elements), "base").site
    assert read_osm(overpass(*elements[::-1]), "base").site == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "."),
        ('{"elements": [], "remark": "runtime error: Query timed out"}', "Query timed out"),
        ('{"elements": []}', "no apron, helipad or parking position"),
        ('{"elements": [{"tags": {}}]}', "without type and id"),
        ('{"elements": [{"type": "way", "id": 1, "geometry": [{"lat": 1}]}]}', "not as Overpass writes it"),
        (json.dumps({"elements": [node(1, aeroway="helipad")]}), "node/1 a node without diameter"),
        ('{"type": "FeatureCollection", "features": []}', "no field aeroway"),
    ],
)
def test_a_file_without_zones_is_refused(tmp_path, text, message):
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(OsmUnreadable, match=message) as caught:
        read_osm(path, "base")
    assert "\n" not in str(caught.value)
    assert "export.json" in str(caught.value)


def test_a_missing_file_and_a_picture_are_refused(tmp_path):
    with pytest.raises(OsmUnreadable, match="no such file"):
        read_osm(tmp_path / "none.shp", "base")
    (tmp_path / "a.osm.pbf").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(OsmUnreadable, match="cannot be read as vector data"):
        read_osm(tmp_path / "a.osm.pbf", "base")


# The same two objects through every format that OGR reads.

HELIPAD = way(20, ring(LON + 0.01, LAT, 0.0003), aeroway="helipad")


def expect_two(found):
    assert {zone.id: zone.kind for zone in found.site.zones} == {"way/10": "apron", "way/20": "helipad"}
    shapes = {zone.id: zone.geometry for zone in found.site.zones}
    assert shapes["way/10"].symmetric_difference(shapely.Polygon(ring(LON, LAT))).area < 1e-12
    assert {zone.id: zone.name for zone in found.site.zones} == {"way/10": "Main", "way/20": None}


def test_overpass_turbo_geojson(tmp_path):
    def feature(element):
        identity = f"way/{element['id']}"
        outline = [[p["lon"], p["lat"]] for p in element["geometry"]]
        return {
            "type": "Feature",
            "id": identity,
            "properties": {"@id": identity} | element["tags"],
            "geometry": {"type": "Polygon", "coordinates": [outline]},
        }

    point = {"type": "Point", "coordinates": [LON, LAT]}
    pad = {"type": "Feature", "properties": {"@id": "node/3", "aeroway": "helipad"}, "geometry": point}
    path = tmp_path / "export.geojson"
    features = [feature(APRON), feature(HELIPAD), pad]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "generator": "overpass-turbo", "features": features})
    )
    found = read_osm(path, "base")
    expect_two(found)
    assert [thing.id for thing in found.left_out] == ["node/3"]


def frame(columns, crs="EPSG:4326"):
    shapes = [
        shapely.Polygon(ring(LON, LAT)),
        shapely.Polygon(ring(LON + 0.01, LAT, 0.0003)),
        shapely.box(0, 0, 1, 1),
    ]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326").to_crs(crs)


def test_a_geopackage_of_quickosm_in_another_crs(tmp_path):
    table = {
        "full_id": ["w10", "w20", "w30"],
        "osm_id": ["10", "20", "30"],
        "osm_type": ["way"] * 3,
        "aeroway": ["apron", "helipad", "taxiway"],
        "name": ["Main", None, None],
    }
    frame(table, crs="EPSG:32636").to_file(tmp_path / "q.gpkg", layer="aeroway")
    expect_two(read_osm(tmp_path / "q.gpkg", "base"))


def test_a_shapefile_of_geofabrik_does_not_say_the_type(tmp_path):
    table = {
        "osm_id": ["10", "20", "30"],
        "fclass": ["apron", "helipad", "taxiway"],
        "name": ["Main", "", ""],
    }
    frame(table).to_file(tmp_path / "gis_osm_transport_a_free_1.shp")
    found = read_osm(tmp_path / "gis_osm_transport_a_free_1.shp", "base")
    assert {zone.id: zone.kind for zone in found.site.zones} == {"osm/10": "apron", "osm/20": "helipad"}
    (tmp_path / "gis_osm_transport_a_free_1.prj").unlink()
    with pytest.raises(OsmUnreadable, match="no coordinate reference system"):
        read_osm(tmp_path / "gis_osm_transport_a_free_1.shp", "base")


def test_a_table_without_ids_names_zones_by_their_outline(tmp_path):
    frame({"aeroway": ["apron", "helipad", "taxiway"]}).to_file(tmp_path / "a.gpkg")
    first = [zone.id for zone in read_osm(tmp_path / "a.gpkg", "base").site.zones]
    frame({"aeroway": ["apron", "helipad", "taxiway"]})[::-1].to_file(tmp_path / "b.gpkg")
    assert [zone.id for zone in read_osm(tmp_path / "b.gpkg", "base").site.zones] == first
    assert len(set(first)) == 2


def write_xml(path, ways, points=()):
    corners = {xy: k for k, xy in enumerate({xy for w in ways for xy in xy_of(w)}, start=1)}
    lines = [f'<node id="{k}" lat="{y:.7f}" lon="{x:.7f}" version="1"/>' for (x, y), k in corners.items()]
    for point in points:
        tags = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in point["tags"].items())
        lines.append(
            f'<node id="{point["id"]}" lat="{point["lat"]}" lon="{point["lon"]}" version="1">{tags}</node>'
        )
    for w in ways:
        refs = "".join(f'<nd ref="{corners[xy]}"/>' for xy in xy_of(w))
        tags = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in w["tags"].items())
        lines.append(f'<way id="{w["id"]}" version="1">{refs}{tags}</way>')
    path.write_text('<?xml version="1.0"?>\n<osm version="0.6">\n' + "\n".join(lines) + "\n</osm>\n")


def xy_of(element):
    return [(p["lon"], p["lat"]) for p in element["geometry"]]


def test_an_osm_file_with_nodes_and_lines(tmp_path):
    line = way(30, [(LON, LAT), (LON, LAT + 0.001)], aeroway="parking_position")
    path = tmp_path / "extract.osm"
    write_xml(
        path, [APRON, HELIPAD, line], [node(900, aeroway="helipad"), node(901, aeroway="helipad", width="20")]
    )
    found = read_osm(path, "base")
    assert {zone.id for zone in found.site.zones} == {"way/10", "way/20", "node/901"}
    assert {thing.id for thing in found.left_out} == {"way/30", "node/900"}


# A PBF of our own making, by wiki.openstreetmap.org/wiki/PBF_Format: OGR reads them and writes none.


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(kind, body):
    packed = field(2, len(body)) + field(3, zlib.compress(body))
    header = field(1, kind) + field(3, len(packed))
    return struct.pack(">I", len(header)) + header + packed


def write_pbf(path, ways):
    strings, nodes, groups = [b""], {}, []

    def text(value):
        strings.append(value.encode())
        return len(strings) - 1

    for w in ways:
        for xy in xy_of(w):
            nodes.setdefault(xy, len(nodes) + 1)
    for (x, y), k in nodes.items():
        position = varint(8 << 3) + zigzag(round(y * 1e7)) + varint(9 << 3) + zigzag(round(x * 1e7))
        groups.append(field(2, field(1, varint(1 << 3) + zigzag(k) + position)))
    for w in ways:
        refs = [nodes[xy] for xy in xy_of(w)]
        steps = b"".join(zigzag(b - a) for a, b in zip([0, *refs], refs, strict=False))
        keys = b"".join(varint(text(k)) for k in w["tags"])
        values = b"".join(varint(text(v)) for v in w["tags"].values())
        groups.append(
            field(2, field(3, field(1, w["id"]) + field(2, keys) + field(3, values) + field(8, steps)))
        )
    table = field(1, b"".join(field(1, s) for s in strings))
    header = blob(b"OSMHeader", field(4, b"OsmSchema-V0.6"))
    path.write_bytes(header + blob(b"OSMData", table + b"".join(groups)))


def test_an_osm_pbf_file(tmp_path):
    path = tmp_path / "extract.osm.pbf"
    write_pbf(path, [APRON, HELIPAD])
    expect_two(read_osm(path, "base"))


def test_a_torn_osm_pbf_file_is_refused(tmp_path):
    path = tmp_path / "extract.osm.pbf"
    write_pbf(path, [APRON, HELIPAD])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(OsmUnreadable):
        read_osm(path, "base")
