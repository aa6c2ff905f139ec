"""The truth of a drawn scene is true: sizes, places, counts, and what it says of what is hidden or cut."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer

from apronwatch_datasets.synthetic import Base, Look, Parked, draw, drawn_scene
from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES, aeroplane
from apronwatch_datasets.synthetic.airframes import AIRFRAMES
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.frame import Grid
from apronwatch_datasets.synthetic.helicopters import HELICOPTER_TYPES
from apronwatch_datasets.synthetic.rendering import Placed, seen
from apronwatch_datasets.synthetic.spec import ZoneArea
from apronwatch_datasets.synthetic.sun import Sun
from apronwatch_datasets.synthetic.vehicles import SIZES_M

TIME = datetime(2026, 3, 3, 8, 15, tzinfo=UTC)
EVERY_TYPE = [*PLANE_TYPES, *HELICOPTER_TYPES, *SIZES_M]


def empty_base(seed: int = 1, *zones: ZoneArea) -> Base:
    return Base("b", "b (synthetic)", "EPSG:32637", (460_000.0, 4_780_000.0), 0.0, seed, zones=zones)


def look(half_m: float = 60.0, gsd_m: float = 0.5, **given: object) -> Look:
    return Look(TIME, gsd_m, (-half_m, -half_m, half_m, half_m), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("type_name", EVERY_TYPE)
def test_the_outline_fills_the_box_of_the_truth(type_name: str) -> None:
    solid = solid_of(type_name, 3)
    points = np.vstack([part.outline for part in solid.parts])
    assert points.max(axis=0) == pytest.approx([solid.length_m / 2, solid.width_m / 2], abs=0.01)
    assert points.min(axis=0) == pytest.approx([-solid.length_m / 2, -solid.width_m / 2], abs=0.01)


def test_published_sizes_are_kept() -> None:
    # KC-135: 41.53 m by 39.88 m; An-124: 69.1 m by 73.3 m, wider than long.
    assert (aeroplane("KC-135", 0).length_m, aeroplane("KC-135", 0).width_m) == (41.53, 39.88)
    assert aeroplane("An-124", 0).width_m > aeroplane("An-124", 0).length_m
    assert aeroplane("F-16", 0).length_m == 15.0
    # The 777-300ER is the longest of all.
    assert max(max(a.length_m, a.span_m) for a in AIRFRAMES.values()) == 73.86


@settings(max_examples=25)
@given(
    type_name=st.sampled_from(EVERY_TYPE),
    heading=st.floats(0.0, 360.0),
    east=st.floats(-8.0, 8.0),
    north=st.floats(-8.0, 8.0),
    gsd_m=st.floats(0.2, 0.6),
)
def test_drawn_pixels_fill_the_box_and_stay_in_it(
    type_name: str, heading: float, east: float, north: float, gsd_m: float
) -> None:
    size = round(100 / gsd_m)
    grid = Grid("EPSG:32637", -50.0, 50.0, gsd_m, size, size)
    placed = Placed(solid_of(type_name, 1), east, north, heading, 1)
    radiance = np.zeros((*grid.shape, 3), np.float32)
    patch = seen(placed, np.ones(grid.shape, np.float32), grid, Sun(150.0, 40.0))
    assert patch is not None
    patch.lay_over(radiance)
    rows, columns = np.nonzero(radiance.max(axis=2) > 0)
    points = np.column_stack([-50.0 + (columns + 0.5) * gsd_m, 50.0 - (rows + 0.5) * gsd_m]) - [east, north]
    body = points @ placed.matrix[:, :2]
    half = np.array([placed.solid.length_m, placed.solid.width_m]) / 2
    assert (np.abs(body).max(axis=0) < half + gsd_m + 0.1).all()
    assert (np.abs(body).max(axis=0) > half - 2 * gsd_m).all()


def test_heading_points_to_the_nose() -> None:
    def box_of(heading: float) -> NDArray[np.float64]:
        return draw(empty_base(), (Parked("1", "Il-76", 0, 0, heading, 1),), look()).truth.objects[0].box

    nose = box_of(90.0)[[0, 3]].mean(axis=0) - (460_000.0, 4_780_000.0)
    assert nose == pytest.approx([AIRFRAMES["Il-76"].length_m / 2, 0.0], abs=1e-6)
    nose = box_of(0.0)[[0, 3]].mean(axis=0) - (460_000.0, 4_780_000.0)
    assert nose == pytest.approx([0.0, AIRFRAMES["Il-76"].length_m / 2], abs=1e-6)


def test_truth_follows_the_geolocation_of_the_file(tmp_path: Path) -> None:
    shift = (3.0, -2.0)
    plain = drawn_scene(tmp_path / "a", size_px=(240, 240), types=["Su-27"])
    moved = drawn_scene(tmp_path / "b", size_px=(240, 240), types=["Su-27"], shift_m=shift)
    assert np.array_equal(plain.picture.pixels, moved.picture.pixels)
    assert moved.picture.truth.objects[0].centre - plain.picture.truth.objects[0].centre == pytest.approx(
        shift
    )
    with rasterio.open(moved.files.image) as file:
        east, north = moved.picture.truth.objects[0].centre
        column, row = (east - file.transform.c) / file.res[0], (file.transform.f - north) / file.res[1]
    true = plain.picture.grid.to_pixels(plain.picture.truth.objects[0].centre)
    assert (column, row) == pytest.approx(tuple(true))


def test_counts_per_zone_and_outside() -> None:
    zones = (
        ZoneArea("west", "apron", "west", shapely.box(-60, -60, 0, 60)),
        ZoneArea("middle", "apron", "middle", shapely.box(-30, -60, 30, 60)),
    )
    parked = (
        Parked("w", "car", -40, 0, 0, 1),
        Parked("both", "car", -10, 0, 0, 2),
        Parked("m", "car", 10, 0, 0, 3),
        Parked("none", "car", 50, 0, 0, 4),
        Parked("plane", "Su-27", 0, 30, 0, 5),
    )
    truth = draw(empty_base(1, *zones), parked, look()).truth
    assert [truth.count("vehicle_small", z) for z in ("west", "middle", "*")] == [2, 2, 3]
    assert truth.count("plane") == 1
    assert truth.count("ship") == 0


def test_what_the_picture_does_not_show_is_present_but_not_shown() -> None:
    zone = ZoneArea("all", "apron", "all", shapely.box(-200, -200, 200, 200))
    parked = (
        Parked("in", "A320", 0, 0, 0, 1),
        Parked("cut", "A320", 55, 0, 90, 1),
        Parked("out", "A320", 150, 0, 0, 1),
    )
    truth = draw(empty_base(1, zone), parked, look()).truth
    assert [(o.in_picture, o.truncated) for o in truth.objects] == [
        (True, False),
        (True, True),
        (False, False),
    ]
    assert (truth.count("plane"), truth.count("plane", shown=False)) == (2, 3)
    assert [f["properties"]["truncated"] for f in truth.geojson()["features"]] == [False, True]


def test_cloud_hides(tmp_path: Path) -> None:
    scene = drawn_scene(tmp_path, cloud_cover=0.6, types=["car"] * 40, size_px=(500, 500), seed=4)
    mask = scene.picture.cloud
    assert mask is not None
    assert mask.mean() == pytest.approx(0.6, abs=0.05)
    hidden = [o.hidden for o in scene.picture.truth.objects]
    assert 0 < sum(hidden) < 40
    for o in scene.picture.truth.objects:
        column, row = np.floor(scene.picture.grid.to_pixels(o.centre)).astype(int)
        around = mask[row - 1 : row + 2, column - 1 : column + 2]
        if around.all() or not around.any():
            assert o.hidden == bool(around.all())
    counts = json.loads(scene.files.counts.read_text())["zones"]["*"]["vehicle_small"]
    assert counts == {"present": 40, "shown": 40 - sum(hidden)}


def test_geojson_is_wgs84_and_oriented_as_the_box(tmp_path: Path) -> None:
    scene = drawn_scene(tmp_path, size_px=(300, 300), types=["Il-76", "car"])
    document = json.loads(scene.files.truth.read_text())
    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32637", always_xy=True)
    for feature, true in zip(document["features"], scene.picture.truth.objects, strict=True):
        ring = shapely.geometry.shape(feature["geometry"])
        assert ring.exterior.is_ccw
        back = shapely.transform(ring, lambda xy: np.column_stack(to_utm.transform(*xy.T)))
        assert back.symmetric_difference(shapely.Polygon(true.box)).area < 0.01 * back.area
        assert feature["properties"]["class"] == true.class_name
        assert feature["properties"]["synthetic"] is True
