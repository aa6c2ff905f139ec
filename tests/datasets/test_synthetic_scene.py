"""Files and light of drawn scenes: same seed same bytes, bits, tags, mask, sun, blur, ground that stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch_datasets.synthetic import Base, Look, Parked, draw, drawn_scene
from apronwatch_datasets.synthetic.airbase import air_base
from apronwatch_datasets.synthetic.buildings import building
from apronwatch_datasets.synthetic.drawing import solid_of
from apronwatch_datasets.synthetic.small import scattered
from apronwatch_datasets.synthetic.spec import Building, Surface
from apronwatch_datasets.synthetic.sun import sun_at

TIME = datetime(2026, 3, 3, 8, 15, tzinfo=UTC)
PAVED = Base(
    "b", "b", "EPSG:32637", (460_000.0, 4_780_000.0), 0.0, 1,
    surfaces=(Surface("asphalt", shapely.box(-99, -99, 99, 99), 2),),
)  # fmt: skip


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = drawn_scene(tmp_path / "a", size_px=(256, 200), cloud_cover=0.3, types=["Su-27", "car"], seed=7)
    again = drawn_scene(tmp_path / "b", size_px=(256, 200), cloud_cover=0.3, types=["Su-27", "car"], seed=7)
    other = drawn_scene(tmp_path / "c", size_px=(256, 200), cloud_cover=0.3, types=["Su-27", "car"], seed=8)
    assert first.files.mask is not None
    assert again.files.mask is not None
    for one, two in (
        (first.files.image, again.files.image), (first.files.mask, again.files.mask),
        (first.files.truth, again.files.truth), (first.sites, again.sites),
    ):  # fmt: skip
        assert one.read_bytes() == two.read_bytes()
    assert first.files.image.read_bytes() != other.files.image.read_bytes()


def test_file_is_tiled_georeferenced_and_called_synthetic(tmp_path: Path) -> None:
    scene = drawn_scene(tmp_path, size_px=(300, 270), gsd_m=0.4, types=["car"])
    with rasterio.open(scene.files.image) as file:
        assert file.crs.to_epsg() == 32637
        assert file.res == (0.4, 0.4)
        assert (file.width, file.height, file.count, file.dtypes[0]) == (300, 270, 3, "uint8")
        assert file.profile["tiled"]
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.tags()["TIFFTAG_DATETIME"] == "2026:03:03 08:15:00"
        assert file.profile["compress"] == "deflate"
        assert [c.name for c in file.colorinterp] == ["red", "green", "blue"]
        assert file.tags()["APRONWATCH_SYNTHETIC"] == "YES"
        assert "synthetic" in file.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    assert "20260303" in scene.files.image.name
    assert all("synthetic" in (zone.name or "") for zone in scene.site.zones)


def test_eleven_bits_in_sixteen(tmp_path: Path) -> None:
    scene = drawn_scene(tmp_path, size_px=(256, 256), bits=11, types=["A320"])
    with rasterio.open(scene.files.image) as file:
        pixels = file.read()
    assert pixels.dtype == np.uint16
    assert 255 < pixels.max() <= 2047
    # What a naive shift by 8 would leave: black.
    assert (pixels >> 8).max() < 8


def test_panchromatic_has_one_band(tmp_path: Path) -> None:
    with rasterio.open(drawn_scene(tmp_path, size_px=(128, 128), bands=1, types=["car"]).files.image) as file:
        assert file.count == 1


def test_mask_lies_over_the_cloud(tmp_path: Path) -> None:
    scene = drawn_scene(tmp_path, size_px=(400, 400), cloud_cover=0.4, types=["car"], seed=3)
    assert scene.files.mask is not None
    with rasterio.open(scene.files.mask) as mask, rasterio.open(scene.files.image) as image:
        assert mask.transform == image.transform
        hidden, grey = mask.read(1) > 0, image.read().mean(axis=0)
    assert hidden.mean() == pytest.approx(0.4, abs=0.05)
    assert grey[hidden].mean() > grey[~hidden].mean() + 60


def test_a_clear_sky_writes_no_mask(tmp_path: Path) -> None:
    assert drawn_scene(tmp_path, size_px=(128, 128), types=["car"]).files.mask is None
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(
    ("when", "longitude", "latitude", "azimuth", "elevation"),
    [
        # Elevation at the summer solstice where the sun stands in the south: 90 - latitude + 23.44.
        (datetime(2026, 6, 21, 11, 24, tzinfo=UTC), 9.0, 48.0, 180.0, 65.44),
        # The equinox at the equator, three hours before solar noon: 45 degrees up, due east.
        (datetime(2026, 3, 20, 9, 7, 20, tzinfo=UTC), 0.0, 0.0, 90.0, 45.0),
    ],
)
def test_sun(when: datetime, longitude: float, latitude: float, azimuth: float, elevation: float) -> None:
    sun = sun_at(when, longitude, latitude)
    assert sun.azimuth_deg == pytest.approx(azimuth, abs=1.5)
    assert sun.elevation_deg == pytest.approx(elevation, abs=0.5)


def test_no_scene_by_night() -> None:
    with pytest.raises(ValueError, match="too low"):
        sun_at(datetime(2026, 3, 3, 22, tzinfo=UTC), 38.5, 43.2)


def test_shadow_of_a_tank_falls_away_from_the_sun_as_far_as_it_must() -> None:
    tower = replace(PAVED, buildings=(Building("tank", 0.0, 0.0, 0.0, 8.0, 8.0, 20.0),))
    look = Look(TIME, 0.5, (-50.0, -50.0, 50.0, 50.0), haze=0.0)
    with_it, without = draw(tower, (), look), draw(PAVED, (), look)
    darker = without.pixels.astype(int).mean(axis=2) - with_it.pixels.astype(int).mean(axis=2) > 10
    rows, columns = np.nonzero(darker)
    east, north = columns * 0.5 - 49.75, 49.75 - rows * 0.5
    away = with_it.sun.shadow_per_m / np.hypot(*with_it.sun.shadow_per_m)
    reach = (east * away[0] + north * away[1]).max()
    assert reach == pytest.approx(20.3 * np.hypot(*with_it.sun.shadow_per_m) + 4.0, abs=1.5)


def test_ground_lies_still_between_dates_and_windows() -> None:
    base = air_base()
    whole = draw(base, (), Look(TIME, 0.5, (-120.0, -120.0, 80.0, 80.0), seed=1)).pixels
    part = draw(base, (), Look(TIME, 0.5, (-20.0, -120.0, 80.0, 80.0), seed=2)).pixels
    same_ground = whole[:, 200:].astype(float).mean(axis=2)
    there = part.astype(float).mean(axis=2)
    assert np.corrcoef(same_ground.ravel(), there.ravel())[0, 1] > 0.98
    assert not np.array_equal(same_ground, there)


def test_blur_spreads_an_edge_over_pixels() -> None:
    base = replace(PAVED, surfaces=(Surface("concrete", shapely.box(-99, -99, 0, 99), 2),))
    pixels = draw(base, (), Look(TIME, 0.5, (-30.0, -30.0, 30.0, 30.0), haze=0.0)).pixels
    profile = pixels.astype(float).mean(axis=(0, 2))[50:70]
    steps = np.abs(np.diff(profile))
    assert (steps > 0.15 * steps.sum()).sum() >= 2
    assert steps.max() < 0.7 * np.ptp(profile)


@given(st.floats(0.2, 1.5), st.integers(0, 3))
def test_any_gsd_gives_the_asked_ground(gsd_m: float, seed: int) -> None:
    look = Look(TIME, gsd_m, (-20.0, -10.0, 20.0, 10.0), seed=seed)
    picture = draw(PAVED, (Parked("1", "car", 0, 0, 30.0, seed),), look)
    height, width, bands = picture.pixels.shape
    assert bands == 3
    assert width * gsd_m == pytest.approx(40.0, abs=gsd_m)
    assert height * gsd_m == pytest.approx(20.0, abs=gsd_m)
    assert picture.pixels.min() > 0


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.2 to 1\.5"):
        Look(TIME, 2.0, (0.0, 0.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="time zone"):
        Look(TIME.replace(tzinfo=None), 0.5, (0.0, 0.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="no type 'zeppelin'"):
        solid_of("zeppelin", 0)
    with pytest.raises(ValueError, match="no room"):
        scattered(["An-124"] * 9, 60.0, 60.0, np.random.default_rng(0))


def test_sun_moves_between_dates() -> None:
    spring, summer = (sun_at(TIME + timedelta(days=d), 38.5, 43.2) for d in (0, 60))
    assert summer.elevation_deg > spring.elevation_deg + 10


@pytest.mark.parametrize("kind", ["hangar", "shelter", "shed", "tank", "tree", "mast"])
def test_every_building_rises_above_the_ground(kind: str) -> None:
    solid = building(Building(kind, 0.0, 0.0, 0.0, 30.0, 20.0, 9.0))  # type: ignore[arg-type]
    assert max(part.top_m for part in solid.parts) == pytest.approx(9.0, abs=2.8)
    assert solid.class_name is None
