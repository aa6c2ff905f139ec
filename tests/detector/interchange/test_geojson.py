"""GeoJSON as RFC 7946 asks, and what its numbers mean."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from pyproj import Geod, Transformer

from apronwatch.detections import Detections
from apronwatch.interchange import read, write

from .samples import MODEL, UTM, box, detections, farthest, scene

WGS84 = Geod(ellps="WGS84")


def _written(made: Detections, path: Path, **facts: Any) -> dict[str, Any]:
    write(made, path, info=scene(made.crs, **facts), model=MODEL)
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _one(corners: Any, crs: str | None = UTM, unit_m: float = 1.0) -> Detections:
    return Detections(np.array([corners]), np.array([0.9]), np.array([0]), crs=crs, unit_m=unit_m)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=detections(UTM))
def test_rings_are_closed_counterclockwise_and_in_degrees(tmp_path: Path, made: Detections) -> None:
    document = _written(made, tmp_path / "a.geojson")
    assert "crs" not in document
    for feature in document["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert shapely.LinearRing(ring).is_ccw
        assert all(36.0 < lon < 36.5 and 35.3 < lat < 35.5 for lon, lat in ring)
        assert set(feature["properties"]) == {
            "class", "score", "length_m", "width_m", "orientation_deg", "truncated",
        }  # fmt: skip


@pytest.mark.parametrize("crs", ["EPSG:32637", "EPSG:32737", "EPSG:32661"])
@pytest.mark.parametrize("degrees", [0.0, 37.0, 91.0, 179.9])
def test_lengths_and_true_directions_agree_with_the_geodesic(
    tmp_path: Path, crs: str, degrees: float
) -> None:
    centre = (2_500_000.0, 900_000.0) if crs == "EPSG:32661" else (760_000.0, 6_900_000.0)
    made = _one(box(*centre, 60.0, 20.0, degrees), crs)
    write(made, tmp_path / "a.geojson", info=None, model=None)
    (feature,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    ring = feature["geometry"]["coordinates"][0]
    sides = [WGS84.inv(*ring[k], *ring[k + 1]) for k in range(4)]
    azimuth, _, length = max(sides, key=lambda side: side[2])
    told = feature["properties"]
    assert told["length_m"] == pytest.approx(length, rel=0.012 if crs == "EPSG:32661" else 1e-3)
    assert 0 <= told["orientation_deg"] < 180
    assert (told["orientation_deg"] - azimuth + 90) % 180 - 90 == pytest.approx(0, abs=0.02)


def test_pixels_are_marked_and_point_down(tmp_path: Path) -> None:
    right_and_down = box(1000, 500, 80, 20, 45.0)  # y grows downwards: to the lower right
    document = _written(_one(right_and_down, None, 0.5), tmp_path / "a.geojson")
    assert document["crs"] == "pixel"
    (feature,) = document["features"]
    assert feature["properties"] == {
        "class": "plane",
        "score": 0.9,
        "length_m": 40.0,
        "width_m": 10.0,
        "orientation_deg": 135.0,
        "truncated": False,
    }
    assert farthest(np.array([feature["geometry"]["coordinates"][0][:4]]), right_and_down[None]) < 1e-4


def test_a_box_across_the_antimeridian_is_cut_in_two(tmp_path: Path) -> None:
    crs = "EPSG:32660"
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(180.0, 64.7)
    made = _one(box(x + 10, y, 70.0, 30.0, 20.0), crs)
    write(made, tmp_path / "a.geojson", info=None, model=None)
    (feature,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    parts = [shapely.Polygon(part[0]) for part in feature["geometry"]["coordinates"]]
    assert all(part.exterior.is_ccw for part in parts)
    assert sorted(part.bounds[2] - part.bounds[0] < 0.01 for part in parts) == [True, True]
    assert {part.bounds[2] for part in parts} >= {180.0}
    assert {part.bounds[0] for part in parts} >= {-180.0}
    area = sum(abs(WGS84.geometry_area_perimeter(part)[0]) for part in parts)
    assert area == pytest.approx(70.0 * 30.0, rel=2e-3)
    assert farthest(read(tmp_path / "a.geojson").polygons, made.polygons) < 0.005


def test_says_what_it_was_made_from_and_not_where(tmp_path: Path) -> None:
    document = _written(_one(box(255_100, 3_921_900, 30, 20, 0)), tmp_path / "a.geojson", synthetic=True)
    told = document["apronwatch"]
    assert told["model"]["sha256"] == MODEL.sha256
    assert told["scene"]["sha256"] == "cd" * 32
    assert told["scene"]["synthetic"] is True
    assert told["scene"]["time"] == "2024-12-13T08:15:30+00:00"
    assert told["scene"]["path"] == "base_20241213.tif"
    assert "someone" not in (tmp_path / "a.geojson").read_text()


def test_gdal_reads_it(tmp_path: Path) -> None:
    made = _one(box(255_100, 3_921_900, 30, 20, 0))
    _written(made, tmp_path / "a.geojson")
    rows = pyogrio.read_dataframe(tmp_path / "a.geojson").to_crs(UTM)
    assert rows["class"].tolist() == ["plane"]
    assert rows.geometry.area.tolist() == pytest.approx([600.0], rel=1e-4)
