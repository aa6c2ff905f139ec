"""The site file's contract, and zones in the plane in which detections are found."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from apronwatch.errors import OutputInvalid, SiteInvalid
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site, Zone, joined, read_sites, write_sites
from apronwatch.zone import KINDS

SQUARE = [[35.94, 35.40], [35.95, 35.40], [35.95, 35.41], [35.94, 35.41], [35.94, 35.40]]


def feature(coordinates=None, *, kind_of="Polygon", **properties):
    given_ = {"site": "base", "zone": "north", "kind": "apron"} | properties
    return {
        "type": "Feature",
        "properties": {k: v for k, v in given_.items() if v is not ...},
        "geometry": {"type": kind_of, "coordinates": [SQUARE] if coordinates is None else coordinates},
    }


def collection(*features, **members):
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def site_file(tmp_path):
    def write(document):
        path = tmp_path / "sites.geojson"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    return write


def shifted(dx, dy=0.0):
    return [[[x + dx, y + dy] for x, y in SQUARE]]


# What a file says is what is read.


def test_sites_and_zones_keep_their_order_and_properties(site_file):
    document = collection(
        feature(site="b", zone="two", kind="ramp", name="Rampe nördlich", max_span_m=65),
        feature(site="a", zone=7, kind="stand"),
        feature([shifted(0.02), shifted(0.04)], kind_of="MultiPolygon", site="b", zone="one", fid=12),
    )
    b, a = read_sites(site_file(document))
    assert (a.id, b.id) == ("a", "b")
    assert [(z.id, z.kind, z.name, z.max_span_m) for z in b.zones] == [
        ("two", "ramp", "Rampe nördlich", 65.0),
        ("one", "apron", None, None),
    ]
    assert a.zones[0].id == "7"
    assert b.zones[1].geometry.geom_type == "MultiPolygon"
    assert a.crs == "EPSG:4326"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read(site_file, kind):
    assert read_sites(site_file(collection(feature(kind=kind))))[0].zones[0].kind == kind


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4326",
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}},
    ],
)
def test_older_names_of_longitude_and_latitude_are_known(site_file, crs):
    assert read_sites(site_file(collection(feature(), crs=crs)))[0].crs == "EPSG:4326"


def test_a_byte_order_mark_and_heights_do_no_harm(site_file):
    high = [[[*xy, 12.0] for xy in SQUARE]]
    [site] = read_sites(site_file("\ufeff" + json.dumps(collection(feature(high)))))
    assert site.zones[0].geometry.equals(shapely.Polygon(SQUARE))
    assert not site.zones[0].geometry.has_z


BOW_TIE = [[[35.0, 35.0], [35.1, 35.1], [35.1, 35.0], [35.0, 35.1], [35.0, 35.0]]]
HOLE_OUTSIDE = [SQUARE, [[36.0, 36.0], [36.1, 36.0], [36.1, 36.1], [36.0, 36.0]]]
FLAT = [[[35.0, 35.0], [35.1, 35.0], [35.2, 35.0], [35.0, 35.0]]]
UTM_NAMED = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32637"}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "no JSON"),
        ("{not json", "no JSON"),
        (json.dumps(collection(feature())).replace("35.94", "NaN"), "NaN"),
        ([], "list, expected a GeoJSON FeatureCollection"),
        (feature(), "Feature, expected a GeoJSON FeatureCollection"),
        ({"type": "FeatureCollection"}, "without a list of features"),
        (collection(), "no features"),
        (collection(feature(), "x"), "feature 2: no GeoJSON Feature"),
        (collection({"type": "Feature", "properties": None, "geometry": None}), "feature 1: no properties"),
        (collection(feature(site=...)), 'property "site" is null'),
        (collection(feature(zone=...)), 'property "zone" is null'),
        (collection(feature(kind=...)), 'property "kind" is null'),
        (collection(feature(zone="  ")), 'property "zone" is "  "'),
        (collection(feature(zone=True)), 'property "zone" is true'),
        (collection(feature(name=["a"])), 'property "name"'),
        (collection(feature(kind="runway")), 'kind "runway", expected one of apron, ramp'),
        (collection(feature(zone="*")), "stands for all zones"),
        (
            collection(feature(), feature(shifted(0.1))),
            r'feature 2 \(zone "north"\): site "base" has this zone',
        ),
        (collection(feature(max_span_m=0)), "max_span_m"),
        (collection(feature(max_span_m="65")), "max_span_m"),
        (collection(feature(max_span_m=10**400)), "max_span_m"),
        (collection(feature([[[10**400, 35.0]] * 4])), "no rings"),
        ("[" * 100_000, "no JSON"),
        (collection(feature([35.9, 35.4], kind_of="Point")), "geometry is Point, expected a Polygon"),
        (collection(feature(SQUARE, kind_of="LineString")), "geometry is LineString"),
        (collection({**feature(), "geometry": None}), "geometry is missing"),
        (collection(feature([])), "no rings"),
        (collection(feature([], kind_of="MultiPolygon")), "without area"),
        (collection(feature([[]])), "no rings"),
        (collection(feature([SQUARE[:3]])), "found 3 positions"),
        (collection(feature([[["a", "b"]] * 4])), "no rings"),
        (collection(feature([[*SQUARE[:-1], [35.9]]])), "no rings"),
        (collection(feature(SQUARE)), "no rings"),
        (collection(feature(BOW_TIE)), r"Self-intersection\[35.05 35.05\]"),
        (collection(feature(HOLE_OUTSIDE)), "Hole lies outside shell"),
        (collection(feature(FLAT)), r'feature 1 \(zone "north"\): no valid polygon|without area'),
        (collection(feature(shifted(250_000, 3_900_000))), "projected metres"),
        (collection(feature([[[y, x + 100] for x, y in SQUARE]])), "swapped"),
        (collection(feature(), crs=UTM_NAMED), r"EPSG::32637.*ogr2ogr .*-t_srs EPSG:4326 .*sites.geojson"),
        (collection(feature(), crs=None), "coordinates in null"),
    ],
)
def test_a_file_that_breaks_the_contract_is_refused_in_one_line(site_file, document, message):
    with pytest.raises(SiteInvalid, match=message) as caught:
        read_sites(site_file(document))
    assert "sites.geojson" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_of_bytes_are_refused(tmp_path):
    with pytest.raises(SiteInvalid, match="No such file"):
        read_sites(tmp_path / "none.geojson")
    (tmp_path / "sites.geojson").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteInvalid, match="no JSON"):
        read_sites(tmp_path / "sites.geojson")
    with pytest.raises(SiteInvalid, match="cannot be read"):
        read_sites(tmp_path)


# Writing.

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text.strip() and text != "*"
)


@st.composite
def sites(draw, crs="EPSG:4326"):
    zones = []
    for zone_id in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        x, y = draw(st.floats(-170, 170)), draw(st.floats(-75, 75))
        radius = draw(st.floats(1e-4, 1.0))
        corners = draw(st.integers(3, 9))
        angles = 2 * math.pi * np.arange(corners) / corners
        shape = shapely.Polygon(np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1))
        kind = draw(st.sampled_from(KINDS))
        zones.append(
            Zone(zone_id, kind, draw(st.none() | names), draw(st.none() | st.floats(0.1, 100)), shape)
        )
    return Site(draw(names), tuple(zones), crs)


@settings(max_examples=60)
@given(site=st.sampled_from(["EPSG:4326", "pixel"]).flatmap(sites))
def test_what_is_written_is_read_back(tmp_path_factory, site):
    path = tmp_path_factory.mktemp("round") / "sites.geojson"
    write_sites([site], path, attribution="someone")
    [again] = read_sites(path)
    assert (again.id, again.crs) == (site.id, site.crs)
    for mine, theirs in zip(site.zones, again.zones, strict=True):
        assert (mine.id, mine.kind, mine.name, mine.max_span_m) == (
            theirs.id,
            theirs.kind,
            theirs.name,
            theirs.max_span_m,
        )
        assert mine.geometry.normalize() == theirs.geometry.normalize()
    assert again.geometry_hash == site.geometry_hash
    assert json.loads(path.read_text(encoding="utf-8"))["attribution"] == "someone"


def test_outer_rings_are_written_counterclockwise(tmp_path):
    clockwise = shapely.Polygon(SQUARE[::-1], [shapely.Polygon(SQUARE).buffer(-0.003).exterior])
    write_sites([Site("a", (Zone("z", "apron", None, None, clockwise),))], tmp_path / "s.geojson")
    outer, inner = json.loads((tmp_path / "s.geojson").read_text())["features"][0]["geometry"]["coordinates"]
    assert shapely.LinearRing(outer).is_ccw
    assert not shapely.LinearRing(inner).is_ccw


def test_degrees_and_pixels_do_not_share_a_file(tmp_path):
    square = shapely.box(1, 1, 2, 2)
    both = [Site("a", (Zone("z", "apron", None, None, square),), crs) for crs in ("EPSG:4326", "pixel")]
    with pytest.raises(SiteInvalid, match="write two"):
        write_sites(both, tmp_path / "s.geojson")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    site = Site("a", (Zone("z", "apron", None, None, shapely.box(1, 1, 2, 2)),))
    with pytest.raises(OutputInvalid, match="cannot be written"):
        write_sites([site], tmp_path / "none" / "s.geojson")
    (tmp_path / "folder.geojson").mkdir()
    with pytest.raises(OutputInvalid, match="cannot be written"):
        write_sites([site], tmp_path / "folder.geojson")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.geojson"]


# The hash.


def test_the_hash_knows_geometry_and_ids_and_nothing_else(site_file):
    def hashed(*features):
        return read_sites(site_file(collection(*features)))[0].geometry_hash

    north, south = feature(), feature(shifted(0, -0.1), zone="south")
    turned = [[*SQUARE[2:], *SQUARE[1:3]][::-1]]
    noisy = [[[x + 3e-14, y] for x, y in SQUARE]]
    reference = hashed(north, south)
    assert hashed(south, north) == reference
    assert hashed(feature(turned), south) == reference
    assert hashed(feature(noisy), south) == reference
    assert hashed(feature([[SQUARE]], kind_of="MultiPolygon"), south) == reference
    assert hashed(feature(name="x", kind="ramp", max_span_m=5), south) == reference
    assert hashed(feature(zone="other"), south) != reference
    assert hashed(feature(shifted(1e-6)), south) != reference
    assert (
        hashed(feature(site="elsewhere"), feature(shifted(0, -0.1), zone="south", site="elsewhere"))
        != reference
    )
    assert hashed(north) != reference


# The plane.


def place(lon, lat, half_deg=0.01, site_id="a"):
    return Site(
        site_id,
        (
            Zone(
                "z",
                "apron",
                None,
                None,
                shapely.box(lon - half_deg, lat - half_deg, lon + half_deg, lat + half_deg),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (35.95, 35.4, "EPSG:32636"),
        (36.05, 35.4, "EPSG:32637"),
        (36.001, 35.4, "EPSG:32637"),  # lies across the border of two zones
        (-0.5, 51.5, "EPSG:32630"),
        (-67.1, -68.1, "EPSG:32719"),
        (-179.5, 10.0, "EPSG:32601"),
        (179.5, -17.0, "EPSG:32760"),
        (5.0, 61.0, "EPSG:32631"),  # the exception for Norway is not made
    ],
)
def test_the_utm_zone_is_that_of_the_centroid(lon, lat, expected):
    assert place(lon, lat).utm_crs == expected


@pytest.mark.parametrize("lat", [86.0, -85.0])
def test_poles_are_refused(lat):
    with pytest.raises(SiteInvalid, match="-80 to 84"):
        _ = place(10.0, lat).utm_crs


@pytest.mark.parametrize(("lon", "lat"), [(36.0, 35.4), (-67.1, -68.1), (140.0, 0.001), (25.0, 80.0)])
def test_areas_in_the_plane_are_areas_on_the_ground(lon, lat):
    site = place(lon, lat)
    plane = site.zones_in_plane(site.utm_crs, 1.0)
    ground_m2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(site.zones[0].geometry.segmentize(1e-4))[0])
    assert plane["z"].area == pytest.approx(ground_m2, rel=2.1e-3)  # scale of UTM: 0.9996 to 1.0010, squared
    assert plane["*"].area == pytest.approx(plane["z"].area)


def test_straight_edges_in_degrees_stay_where_they_are():
    # At 70 N the middle of a parallel's 20 km lies 20 m off the straight line in UTM.
    site = place(25.5, 70.0, half_deg=0.25)
    outline = site.zones_in_plane("EPSG:32635", 1.0)["z"].exterior
    lon = np.linspace(25.25, 25.75, 333)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32635", always_xy=True).transform(lon, np.full(333, 69.75))
    assert max(outline.distance(shapely.Point(*xy)) for xy in zip(x, y, strict=True)) < 1e-3


def test_overlapping_zones_are_united_not_summed():
    half = Zone("h", "ramp", None, None, shapely.box(35.94, 35.40, 35.945, 35.41))
    whole = Zone("w", "apron", None, None, shapely.Polygon(SQUARE))
    plane = Site("a", (half, whole)).zones_in_plane("EPSG:32636", 1.0)
    assert set(plane) == {"h", "w", "*"}
    assert plane["*"].area == pytest.approx(plane["w"].area, rel=1e-7)
    assert plane["h"].area == pytest.approx(plane["w"].area / 2, rel=1e-3)


def test_pixels_become_metres_with_y_up():
    site = Site("a", (Zone("z", "apron", None, None, shapely.box(10, 20, 30, 60)),), "pixel")
    assert site.utm_crs is None
    assert site.zones_in_plane(None, 0.5)["z"].bounds == (5.0, -30.0, 15.0, -10.0)


def test_a_site_and_a_scene_of_different_worlds_are_refused():
    with pytest.raises(SiteInvalid, match="crs: pixel"):
        place(36, 35).zones_in_plane(None, 0.5)
    pixel = Site("a", (Zone("z", "apron", None, None, shapely.box(10, 20, 30, 60)),), "pixel")
    with pytest.raises(SiteInvalid, match="longitude and latitude"):
        pixel.zones_in_plane("EPSG:32637", 1.0)


WEST, EAST = (-180.0, -16.7, -179.99, -16.69), (179.99, -16.7, 180.0, -16.69)


@pytest.mark.parametrize(
    "zones",
    [
        [shapely.union_all([shapely.box(*WEST), shapely.box(*EAST)])],  # cut in two, as RFC 7946 asks
        [shapely.box(*WEST), shapely.box(*EAST)],
        [shapely.Polygon([(179.99, -16.7), (-179.99, -16.7), (-179.99, -16.69), (179.99, -16.69)])],
    ],
)
def test_a_site_across_the_antimeridian_is_one_place(zones):
    site = Site("a", tuple(Zone(str(k), "apron", None, None, shape) for k, shape in enumerate(zones)))
    assert site.utm_crs in ("EPSG:32701", "EPSG:32760")
    here = site.zones_in_plane(site.utm_crs, 1.0)["*"]
    width, height = here.bounds[2] - here.bounds[0], here.bounds[3] - here.bounds[1]
    assert here.geom_type == "Polygon"
    assert width == pytest.approx(0.02 * 111_320 * math.cos(math.radians(16.7)), rel=0.02)
    assert height == pytest.approx(0.01 * 110_700, rel=0.06)


def test_zones_a_world_apart_cannot_share_a_plane():
    elsewhere = Zone("far", "apron", None, None, shapely.box(170, 0, 170.1, 0.1))
    far = Site("a", (*place(10, 50).zones, elsewhere))
    with pytest.raises(SiteInvalid, match="500 km across"):
        far.zones_in_plane("EPSG:32632", 1.0)


# The whole picture, and several sites at once.


def scene(**facts):
    known = dict.fromkeys(("sha256", "time", "time_precision", "time_source", "crs", "footprint_wkt"))
    known |= {"path": "a.tif", "identity": "sha256:0", "width": 400, "height": 300, "gsd_m": 0.5}
    known |= {"transform": (1, 0, 0, 0, 1, 0), "bands": (1,), "dtype": "uint8", "stretch": {}}
    return SceneInfo(**(known | facts))


def test_a_whole_picture_is_one_zone():
    pixel = Site.whole_picture("a", scene())
    assert [zone.id for zone in pixel.zones] == ["image"]
    assert pixel.zones_in_plane(None, 0.5)["*"].bounds == (0.0, -150.0, 200.0, 0.0)
    outline = shapely.Polygon(SQUARE)
    located = Site.whole_picture("a", scene(crs="EPSG:32636", footprint_wkt=outline.wkt))
    assert located.zones[0].geometry.equals(outline)
    assert located.utm_crs == "EPSG:32636"


def test_joined_sites_keep_every_zone():
    one, two = place(36.05, 35.0), place(36.2, 35.0, site_id="b")
    assert joined([one]) is one
    both = joined([one, two])
    assert [zone.id for zone in both.zones] == ["a/z", "b/z"]


def test_a_site_has_zones():
    with pytest.raises(SiteInvalid, match="no zones"):
        Site("a", ())


@pytest.mark.parametrize("member", ["site", "zone", "name"])
def test_half_a_character_is_refused_in_print(tmp_path: Path, member: str) -> None:
    path = tmp_path / "sites.geojson"
    properties = {"site": "base", "zone": "a", "kind": "apron"} | {member: "\ud800"}
    ring = [[10, 50], [10.01, 50], [10.01, 50.01], [10, 50]]
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(SiteInvalid, match="half a character") as caught:
        read_sites(path)
    str(caught.value).encode()
