"""Bands, masks and the stretch of a scene: which pixels are looked at, and what they are worth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from apronwatch.errors import BandsUnclear
from apronwatch.sampling import _all_parts, _collect
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
    indices[10:20, 10:20] = 3
    palette = {1: (200, 100, 50, 255), 2: (1, 2, 3, 255), 3: (30, 20, 10, 255)}
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
    "given", ["mask", "msk", "msk and alpha", "alpha", "nodata", "nan", "nan without nodata", "all at once"]
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
        "msk and alpha": {"mask": LEFT, "mask_internal": False, "alpha": np.full(SHAPE, 255)},
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


BETWEEN = (slice(300, 700), slice(1100, 1500))
"""Data that lie between the windows of the quick look at a scene of 6000 by 6000."""


@pytest.fixture(params=["nodata", "undeclared fill", "bright undeclared fill", "overview"])
def lonely(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A large scene whose data are a small block that a sample misses."""
    fill = 65535 if "bright" in request.param else 0
    pixels = np.full((6000, 6000), fill, np.uint16)
    pixels[BETWEEN] = picture(400, 400, 1, "uint16")[..., 0]
    return make_raster(
        tmp_path / "a.tif",
        pixels=pixels,
        nodata=None if "undeclared" in request.param else 0,
        overviews=(8, 16, 64) if request.param == "overview" else (),
        tiled=True,
        compress="deflate",
        zlevel=1,
    )


def test_data_that_a_sample_misses_are_stretched_by_what_they_are(lonely: Path) -> None:
    with Scene.open(lonely, undated=True) as scene:
        eight = scene.stretch.apply(scene.read(Window(1100, 300, 400, 400))[0])[..., 0]
        assert scene.stretch is scene.stretch
        warnings = " ".join(scene.info.warnings)
    assert np.mean(eight == 0) < 0.02
    assert np.mean(eight == 255) < 0.02
    assert eight.std() > 30
    whole = Stretch.measure([picture(400, 400, 1, "uint16").ravel()])
    assert scene.stretch.low == pytest.approx(whole.low, abs=60)
    assert scene.stretch.high == pytest.approx(whole.high, abs=60)
    with rasterio.open(lonely) as dataset:
        assert ("-a_nodata" in warnings) == (dataset.nodata is None)


def test_one_band_that_a_sample_finds_empty_is_looked_for_too(tmp_path: Path) -> None:
    pixels = np.tile(picture(210, 230, 3, "uint16"), (10, 10, 1))
    pixels[..., 2] = 7
    pixels[300, 300, 2] = 900
    with Scene.open(make_raster(tmp_path / "a.tif", pixels=pixels, tiled=True), undated=True) as scene:
        assert (scene.stretch.low[2], scene.stretch.high[2]) == (7, 900)


@pytest.mark.parametrize(
    "layout", [{}, {"tiled": True}, {"tiled": True, "blockxsize": 768, "blockysize": 16}]
)
def test_looking_through_a_raster_meets_each_pixel_once(tmp_path: Path, layout: dict[str, Any]) -> None:
    pixels = np.zeros((2100, 2300), np.uint16)
    places = np.random.default_rng(0).choice(pixels.size, 900, replace=False)
    pixels.ravel()[places] = np.arange(1, 901)
    path = make_raster(tmp_path / "a.tif", pixels=pixels, nodata=0, **layout)
    with Scene.open(path, undated=True) as scene:
        expected = Stretch.measure([np.arange(1, 901)])
        assert scene.stretch.low == pytest.approx(expected.low, abs=3)
        assert scene.stretch.high == pytest.approx(expected.high, abs=3)
        assert sum(scene.read(part, shape)[1].sum() for part, shape in _all_parts(scene.dataset())) == 900


def test_a_large_scene_of_one_value_is_black_and_says_so(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", pixels=np.full((2100, 2300), 300, np.uint16), compress="deflate")
    with Scene.open(path, undated=True) as scene:
        assert not scene.stretch.apply(scene.read(Window(0, 0, 50, 50))[0]).any()
        assert ["one value" in said for said in scene.info.warnings] == [True]
        assert not scene.read(Window(0, 0, 50, 50))[1].any()


def test_a_large_scene_without_a_valid_pixel_has_a_stretch(tmp_path: Path) -> None:
    path = make_raster(
        tmp_path / "a.tif", pixels=np.zeros((2100, 2300), np.uint16), nodata=0, compress="deflate"
    )
    with Scene.open(path, undated=True) as scene:
        assert scene.stretch == Stretch("percentile", (0.0,), (1.0,))


def test_a_thinned_sample_is_like_the_whole() -> None:
    pixels = picture(1024, 512, 3, "uint16")
    parts = [(Window(0, top, 512, 128), None) for top in range(0, 1024, 128)]
    whole_part = np.ones((128, 512), dtype=np.bool_)
    found = _collect(parts, lambda w, shape: (pixels[w.toslices()], whole_part), most=3000)
    assert 1000 < len(found) <= 3000
    whole = Stretch.measure(list(pixels.reshape(-1, 3).T))
    thinned = Stretch.measure(list(found.T))
    assert (*thinned.low, *thinned.high) == pytest.approx((*whole.low, *whole.high), abs=80)


def test_the_same_scene_is_stretched_the_same_way_in_every_window(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", dtype="uint16")
    with Scene.open(path, undated=True) as scene:
        whole = scene.stretch.apply(scene.read(WHOLE)[0])
        part = scene.stretch.apply(scene.read(Window(10, 20, 30, 40))[0])
    assert np.array_equal(whole[20:60, 10:40], part)
