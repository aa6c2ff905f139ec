"""Bands, masks and the stretch of a scene: which pixels are looked at, and what they are worth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.windows import Window

from apronwatch.errors import BandsUnclear
from apronwatch.scene import Scene
from apronwatch.stretch import Stretch
from tests.rasters import make_raster, picture

SHAPE = (64, 96)
WHOLE = Window(0, 0, 96, 64)
LEFT = np.arange(96)[None, :].repeat(64, axis=0) < 48


def bands_of(path: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    with Scene.open(path, undated=True) as scene:
        return scene.bands, scene.info.warnings


def valid_of(path: Path, window: Window = WHOLE, shape: tuple[int, int] | None = None) -> np.ndarray:
    with Scene.open(path, undated=True) as scene:
        return scene.read(window, shape)[1]


# Bands


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"bands": 1}, (1,)),
        ({"bands": 1, "dtype": "uint16"}, (1,)),
        ({"bands": 1, "colorinterp": ["undefined"]}, (1,)),
        ({"bands": 3}, (1, 2, 3)),
        ({"bands": 3, "colorinterp": ["blue", "green", "red"]}, (3, 2, 1)),
        ({"bands": 4, "colorinterp": ["red", "green", "blue", "undefined"]}, (1, 2, 3)),
        ({"bands": 4, "colorinterp": ["red", "green", "blue", "alpha"]}, (1, 2, 3)),
        (
            {"bands": 5, "dtype": "uint16", "colorinterp": ["coastal", "blue", "nir", "green", "red"]},
            (5, 4, 2),
        ),
        ({"bands": 4, "dtype": "uint16", "descriptions": ["Blue", "Green", "Red", "NIR"]}, (3, 2, 1)),
        (
            {"bands": 5, "dtype": "uint16", "descriptions": ["nir", "red edge", "Band red", "green", "blue"]},
            (3, 4, 5),
        ),
    ],
)
def test_bands_are_found_where_they_stand(tmp_path: Path, given: dict[str, Any], expected: Any) -> None:
    assert bands_of(make_raster(tmp_path / "a.tif", **given)) == (expected, ())


@pytest.mark.parametrize(("bands", "expected"), [(3, (1, 2, 3)), (4, (3, 2, 1)), (8, (5, 3, 2))])
def test_the_usual_orders_are_taken_with_a_warning(tmp_path: Path, bands: int, expected: Any) -> None:
    found, warnings = bands_of(make_raster(tmp_path / "a.tif", bands=bands, dtype="uint16"))
    assert found == expected
    assert "assumed" in " ".join(warnings)


@pytest.mark.parametrize(
    "given",
    [
        {"bands": 2, "dtype": "uint16"},
        {"bands": 6, "dtype": "uint16"},
        {"bands": 4, "colorinterp": ["cyan", "magenta", "yellow", "black"]},
        {"bands": 3, "dtype": "uint16", "colorinterp": ["nir", "swir", "tir"]},
    ],
)
def test_unclear_bands_are_refused_with_the_call_that_names_them(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    with pytest.raises(BandsUnclear, match=r"gdal_edit\.py -colorinterp_3 red"):
        bands_of(make_raster(tmp_path / "a.tif", **given))


def test_colours_come_in_the_order_red_green_blue(tmp_path: Path) -> None:
    pixels = np.stack([np.full(SHAPE, value, np.uint8) for value in (10, 20, 30, 40)], axis=-1)
    path = make_raster(tmp_path / "a.tif", pixels=pixels, colorinterp=["blue", "green", "red", "undefined"])
    with Scene.open(path, undated=True) as scene:
        assert scene.read(Window(0, 0, 1, 1))[0].ravel().tolist() == [30, 20, 10]


def test_a_palette_becomes_colours_and_its_clear_entries_are_invalid(tmp_path: Path) -> None:
    indices = np.where(LEFT, 1, 2).astype(np.uint8)
    palette = {1: (200, 100, 50, 255), 2: (1, 2, 3, 255)}
    path = make_raster(tmp_path / "a.vrt", pixels=indices, palette=palette)
    # A TIFF's colour table has no opacity; a VRT's has.
    path.write_text(path.read_text().replace('c1="1" c2="2" c3="3" c4="255"', 'c1="1" c2="2" c3="3" c4="0"'))
    with Scene.open(path, undated=True) as scene:
        pixels, valid = scene.read(WHOLE)
        assert scene.stretch == Stretch("none")
    assert pixels.shape == (64, 96, 3)
    assert pixels[0, 0].tolist() == [200, 100, 50]
    assert np.array_equal(valid, LEFT)


# Masks


@pytest.mark.parametrize(
    "given", ["mask", "msk", "alpha", "nodata", "nan", "nan without nodata", "all at once"]
)
def test_a_mask_of_any_kind_goes_with_the_pixels(tmp_path: Path, given: str) -> None:
    dtype = "float32" if "nan" in given else "uint8"
    pixels = picture(*SHAPE, 3, dtype)
    if given in ("nodata", "all at once"):
        pixels[~LEFT] = 0
    if "nan" in given:
        pixels[~LEFT] = np.nan
    options: dict[str, Any] = {
        "mask": {"mask": LEFT},
        "msk": {"mask": LEFT, "mask_internal": False},
        "alpha": {"alpha": LEFT * 255},
        "nodata": {"nodata": 0},
        "nan": {"nodata": np.nan},
        "nan without nodata": {},
        "all at once": {
            "nodata": 0,
            "alpha": np.roll(LEFT, 8, axis=1) * 255,
            "mask": np.roll(LEFT, 16, axis=0),
        },
    }[given]
    path = make_raster(tmp_path / "a.tif", pixels=pixels, **options)
    expected = LEFT & np.roll(LEFT, 8, axis=1) if given == "all at once" else LEFT
    assert np.array_equal(valid_of(path), expected)
    assert np.array_equal(valid_of(path, Window(40, 10, 30, 20)), expected[10:30, 40:70])
    half = valid_of(path, WHOLE, (32, 48))
    assert np.abs(half.astype(int) - expected[::2, ::2]).sum() <= 64


def test_mask_and_nodata_hold_both_though_gdal_heeds_only_one(tmp_path: Path) -> None:
    pixels = picture(*SHAPE, 3)
    pixels[:16] = 0
    path = make_raster(tmp_path / "a.tif", pixels=pixels, nodata=0, mask=LEFT, mask_internal=False)
    expected = LEFT.copy()
    expected[:16] = False
    assert np.array_equal(valid_of(path), expected)


def test_a_dark_pixel_is_nodata_only_in_all_its_bands(tmp_path: Path) -> None:
    pixels = picture(*SHAPE, 3)
    pixels[5, 5] = (0, 0, 9)
    assert valid_of(make_raster(tmp_path / "a.tif", pixels=pixels, nodata=0)).all()


def test_a_mask_goes_through_a_vrt(tmp_path: Path) -> None:
    assert np.array_equal(valid_of(make_raster(tmp_path / "a.vrt", mask=LEFT)), LEFT)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_scene_of_nothing_but_nodata_opens_and_shows_nothing(tmp_path: Path, dtype: str) -> None:
    path = make_raster(tmp_path / "a.tif", pixels=np.zeros((*SHAPE, 3), dtype), nodata=0)
    with Scene.open(path, undated=True) as scene:
        pixels, valid = scene.read(WHOLE)
        assert not valid.any()
        assert scene.stretch.apply(pixels).shape == (64, 96, 3)
        assert scene.info.identity


# Stretch


def test_the_stretch_sees_only_valid_pixels(tmp_path: Path) -> None:
    pixels = picture(*SHAPE, 3, "uint16")
    pixels[~LEFT] = 65535
    with Scene.open(make_raster(tmp_path / "a.tif", pixels=pixels, nodata=65535), undated=True) as scene:
        stretch = scene.stretch
        assert max(stretch.high) < 2048
        assert scene.info.stretch == stretch.to_dict()
        eight = stretch.apply(scene.read(Window(0, 0, 48, 64))[0])
    assert eight.min() == 0
    assert eight.max() == 255


@pytest.mark.parametrize("overviews", [(), (2, 4)])
def test_a_large_scene_is_stretched_from_a_sample_like_the_whole(tmp_path: Path, overviews: Any) -> None:
    pixels = picture(2100, 2300, 1, "uint16")
    path = make_raster(tmp_path / "a.tif", pixels=pixels, overviews=overviews, tiled=True)
    whole = Stretch.measure([pixels.ravel()])
    with Scene.open(path, undated=True) as scene:
        assert scene.stretch.low == pytest.approx(whole.low, abs=60)
        assert scene.stretch.high == pytest.approx(whole.high, abs=60)


def test_the_same_scene_is_stretched_the_same_way_in_every_window(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", dtype="uint16")
    with Scene.open(path, undated=True) as scene:
        whole = scene.stretch.apply(scene.read(WHOLE)[0])
        part = scene.stretch.apply(scene.read(Window(10, 20, 30, 40))[0])
    assert np.array_equal(whole[20:60, 10:40], part)
