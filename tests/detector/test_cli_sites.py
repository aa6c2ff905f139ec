"""`apronwatch sites`, as a user runs it."""

import json
import sys
from importlib.metadata import EntryPoint

import pytest

from apronwatch import cli
from apronwatch.site import read_sites


@pytest.fixture
def apronwatch(monkeypatch, capsys):
    """Run the command line with the one group that is looked at here; gives (status, stdout, stderr)."""
    entry = EntryPoint("sites", "apronwatch.cli.sites:app", cli.GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [entry])

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["apronwatch", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return run


def square(x, y, width, height=None):
    height = height or width
    return [[[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]]


def write(path, zones, **members):
    features = [
        {
            "type": "Feature",
            "properties": {"site": "base", "zone": name, "kind": "apron"},
            "geometry": {"type": "Polygon", "coordinates": coordinates},
        }
        for name, coordinates in zones.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


ZONES = {
    "main": square(35.94, 35.40, 0.01),
    "inner": square(35.945, 35.405, 0.001),
    "half": square(35.9495, 35.401, 0.001),
    "sliver": square(35.96, 35.40, 0.00001, 0.005),
    "away": square(36.05, 35.40, 0.002),
}


def test_check_shows_areas_and_slips(apronwatch, tmp_path):
    status, out, err = apronwatch("sites", "check", write(tmp_path / "s.geojson", ZONES))
    lines = {line.split()[1]: line for line in out.splitlines()}
    assert (status, err) == (0, "")
    assert "EPSG:32636" in lines["main"]
    assert "lies in main" in lines["inner"]
    assert "with main" in lines["half"]
    assert "thin" in lines["sliver"]
    assert "8.2 km from the nearest" in lines["away"]
    assert "border of its UTM zone" in lines["*"]
    assert "lies in" not in lines["main"]


def test_check_json_holds_the_same(apronwatch, tmp_path):
    path = write(tmp_path / "s.geojson", ZONES)
    status, out, _ = apronwatch("sites", "check", path, "--json")
    document = json.loads(out)
    [site] = document["sites"]
    zones = {zone["zone"]: zone for zone in site["zones"]}
    assert status == 0
    assert site["geometry_sha256"] == read_sites(path)[0].geometry_hash
    assert site["utm_crs"] == "EPSG:32636"
    assert zones["main"]["area_m2"] == pytest.approx(0.01 * 0.01 * 110_950 * 90_850, rel=2e-3)
    overlap_m2 = zones["inner"]["area_m2"] + zones["half"]["area_m2"] / 2
    assert site["area_m2"] == pytest.approx(sum(z["area_m2"] for z in site["zones"]) - overlap_m2, rel=1e-4)
    assert zones["inner"]["notes"] == ["lies in main"]
    assert zones["main"]["notes"] == []


def test_check_of_a_picture_speaks_of_pixels(apronwatch, tmp_path):
    path = write(tmp_path / "s.geojson", {"a": square(10, 20, 100)}, crs="pixel")
    status, out, _ = apronwatch("sites", "check", path, "--json")
    [site] = json.loads(out)["sites"]
    assert status == 0
    assert (site["utm_crs"], site["area_px2"]) == (None, 10_000.0)
    assert "area px2" in apronwatch("sites", "check", path)[1]


def test_check_tells_the_antimeridian(apronwatch, tmp_path):
    zones = {"east": square(179.99, -16.7, 0.01), "west": square(-180.0, -16.7, 0.01)}
    status, out, _ = apronwatch("sites", "check", write(tmp_path / "s.geojson", zones))
    assert status == 0
    assert "lies across the antimeridian" in out


@pytest.mark.parametrize("text", ["{}", "", '{"type": "FeatureCollection", "features": []}'])
def test_a_bad_site_file_is_one_line_and_status_2(apronwatch, tmp_path, text):
    (tmp_path / "s.geojson").write_text(text)
    status, out, err = apronwatch("sites", "check", tmp_path / "s.geojson")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "s.geojson" in err


def overpass(path, *ways):
    elements = [
        {
            "type": "way",
            "id": k,
            "tags": {"aeroway": aeroway},
            "geometry": [{"lon": x, "lat": y} for x, y in coordinates[0]],
        }
        for k, (aeroway, coordinates) in enumerate(ways, start=1)
    ]
    path.write_text(json.dumps({"elements": elements}))
    return path


def test_import_osm_writes_a_site_file_with_its_source(apronwatch, tmp_path):
    line = [[[35.94, 35.40], [35.94, 35.41]]]
    extract = overpass(tmp_path / "o.json", ("apron", ZONES["main"]), ("parking_position", line))
    out_file = tmp_path / "sites.geojson"
    status, out, err = apronwatch("sites", "import-osm", extract, "--site", "base", "--out", out_file)
    assert status == 0
    assert "left out: 1 parking_position (a line has no outline)" in out
    assert "OpenStreetMap contributors" in json.loads(out_file.read_text(encoding="utf-8"))["attribution"]
    assert "metres off" in err
    [site] = read_sites(out_file)
    assert (site.id, [zone.id for zone in site.zones]) == ("base", ["way/1"])
    assert apronwatch("sites", "check", out_file)[0] == 0


def test_import_osm_of_nothing_writes_nothing(apronwatch, tmp_path):
    extract = overpass(tmp_path / "o.json", ("taxiway", ZONES["main"]))
    out_file = tmp_path / "sites.geojson"
    out_file.write_text("kept")
    status, _, err = apronwatch("sites", "import-osm", extract, "--site", "base", "--out", out_file)
    assert status == 2
    assert err.count("\n") == 1
    assert out_file.read_text() == "kept"
    status, _, err = apronwatch("sites", "import-osm", extract, "--site", " ", "--out", out_file)
    assert status == 2
