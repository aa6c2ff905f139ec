"""Pixels that show no ground although the file does not say so."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.windows import Window

from apronwatch.fill import FLAT_PX, find_fill, flat
from apronwatch.scene import Scene
from apronwatch.stretch import Stretch
from tests.rasters import make_raster, picture

WHOLE = Window(0, 0, 96, 64)
LEFT = np.zeros((64, 96), bool)
LEFT[:, :48] = True


def opened(path: Path) -> Scene:
    return Scene.open(path, undated=True)


def collared(path: Path, dtype: str, fill: float, where: Any = LEFT, **given: Any) -> Path:
    pixels = picture(64, 96, 3, dtype)
    pixels[where] = fill
    return make_raster(path, pixels=pixels, **given)


FILLS = [
    ("uint8", 0),
    ("uint16", 0),
    ("int16", -9999),
    ("int16", -32768),
    ("int32", -32767),
    ("float32", 0),
    ("float32", -9999),
    ("float32", 1e20),
    ("float32", -3.4e38),
    ("float32", -3.4028234663852886e38),
    ("float64", -3.4028234663852886e38),
    ("float64", -1.7976931348623157e308),
]


@pytest.mark.parametrize(("dtype", "fill"), FILLS)
@pytest.mark.parametrize("share", [0.06, 0.5, 0.9])
def test_undeclared_fill_is_not_seen(tmp_path: Path, dtype: str, fill: float, share: float) -> None:
    hidden = np.zeros((64, 96), bool)
    hidden[:, : round(96 * share) + 1] = True
    with opened(collared(tmp_path / "a.tif", dtype, fill, hidden)) as scene:
        _, valid = scene.read(WHOLE)
        said = " ".join(scene.info.warnings)
        seen = Stretch.measure(list(picture(64, 96, 3, dtype)[~hidden].T))
        if dtype != "uint8":
            assert scene.stretch.high == pytest.approx(seen.high)
    assert np.array_equal(valid, ~hidden)
    assert f"{hidden.mean():.0%}" in said
    assert "gdal_edit.py -a_nodata" in said


@pytest.mark.parametrize(("dtype", "greatest"), [("uint8", 255), ("uint16", 65535), ("int16", 32767)])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_the_greatest_value_is_fill_where_it_lies_together(
    tmp_path: Path, dtype: str, greatest: int, share: float
) -> None:
    pixels = picture(100, 400, 3, dtype)
    hidden = np.zeros((100, 400), bool)
    hidden[:, : round(400 * share)] = True
    pixels[hidden] = greatest
    pixels[40:60, 375:395] = greatest  # a white aircraft
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels)) as scene:
        _, valid = scene.read(Window(0, 0, 400, 100))
        said = " ".join(scene.info.warnings)
    assert np.array_equal(valid, ~hidden)
    assert f"-a_nodata {greatest} FILE" in said


@pytest.mark.parametrize(("dtype", "greatest"), [("uint8", 255), ("uint16", 65535)])
def test_specks_of_the_greatest_value_are_ground(tmp_path: Path, dtype: str, greatest: int) -> None:
    """White aircraft and burnt-out roofs: 8 % of the pixels of airport_199 of Aerial Airport."""
    pixels = picture(200, 300, 3, dtype)
    for top in range(0, 200, 50):
        for left in range(0, 300, 50):
            pixels[top : top + 15, left : left + 20] = greatest
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels)) as scene:
        assert scene.fill.value is None
        assert scene.read(Window(0, 0, 300, 200))[1].all()


@pytest.mark.parametrize(
    "colours", [[(0,) * 3], [(204,) * 3], [(229, 227, 223)], [(204,) * 3, (192,) * 3], [(3, 2, 1), (9, 9, 8)]]
)
@pytest.mark.parametrize("given", [{}, {"nodata": 7}])
@pytest.mark.parametrize("side", [70, 300])
def test_flat_squares_show_nothing_whatever_their_colour_and_share(
    tmp_path: Path, colours: list[tuple[int, ...]], given: dict[str, Any], side: int
) -> None:
    """A zone painted over, a map server's missing tiles."""
    pixels = picture(400, 700, 3)
    hidden = np.zeros((400, 700), bool)
    for number, colour in enumerate(colours):
        part = np.s_[50 : 50 + side, 20 + number * side : 20 + (number + 1) * side]
        hidden[part], pixels[part] = True, colour
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels, **given)) as scene:
        _, valid = scene.read(Window(0, 0, 700, 400))
        said = " ".join(scene.info.warnings)
    assert np.array_equal(valid, ~hidden)
    if side == 300:
        assert "count as unseen" in said or "taken for nodata" in said


def _flat_by_definition(pixels: Any) -> Any:
    found = np.zeros(pixels.shape[:2], bool)
    for top in range(pixels.shape[0] - FLAT_PX + 1):
        for left in range(pixels.shape[1] - FLAT_PX + 1):
            square = np.s_[top : top + FLAT_PX, left : left + FLAT_PX]
            if (pixels[square] == pixels[top, left]).all():
                found[square] = True
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
@pytest.mark.parametrize("seed", range(6))
def test_flat_is_the_union_of_squares_of_one_value(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = picture(150, 140, 1 + 2 * (seed % 2), dtype)
    for _ in range(4):
        top, left, height, width = (int(n) for n in rng.integers((0, 0, 50, 50), (90, 80, 90, 90)))
        pixels[top : top + height, left : left + width] = rng.integers(0, 2, pixels.shape[2])
    assert np.array_equal(flat(pixels), _flat_by_definition(pixels))


def test_flat_pixels_are_the_same_ones_in_any_window_that_reaches_as_far_as_a_square() -> None:
    pixels = picture(300, 300, 3)
    pixels[90:200, 60:250] = 100, 120, 90
    whole, reach = flat(pixels), FLAT_PX - 1
    for top, left in np.random.default_rng(2).integers(reach, 200, (20, 2)):
        window = pixels[top - reach : top + 30 + reach, left - reach : left + 30 + reach]
        inner = flat(window)[reach:, reach:][:30, :30]
        assert np.array_equal(inner, whole[top : top + 30, left : left + 30])


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (63, 63)])
def test_what_is_smaller_than_a_square_is_not_flat(size: tuple[int, int]) -> None:
    assert not flat(np.zeros((*size, 3), np.uint8)).any()


@pytest.mark.parametrize(
    ("dtype", "grey"), [("uint8", 128), ("uint8", 238), ("uint16", 3000), ("float32", 0.25)]
)
@pytest.mark.parametrize("bands", [1, 3])
def test_one_grey_for_nothing_here_is_not_seen(tmp_path: Path, dtype: str, grey: float, bands: int) -> None:
    """Such as map servers put where they have no tile."""
    pixels = picture(64, 96, bands, dtype)
    pixels[LEFT] = grey
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels)) as scene:
        assert not scene.read(WHOLE)[1][LEFT].any()
        assert f"-a_nodata {grey:g} " in " ".join(scene.info.warnings)


def test_a_common_grey_of_the_ground_is_seen() -> None:
    """Calm water in a compressed picture: its commonest grey has neighbours that are as common."""
    water = np.random.default_rng(1).choice([60, 61, 62, 90], p=[0.5, 0.3, 0.1, 0.1], size=40_000)
    even = np.repeat(water.astype(np.uint8)[:, None], 3, axis=1)
    assert find_fill(even, even, declared=False).value is None


def test_the_warning_names_the_value_of_the_file(tmp_path: Path) -> None:
    for name, dtype, fill in (("a", "uint16", 0), ("b", "float32", -9999)):
        with opened(collared(tmp_path / f"{name}.tif", dtype, fill)) as scene:
            assert f"-a_nodata {fill}" in " ".join(scene.info.warnings)
    negative = ~picture(96, 200, 1, "uint16")
    negative[:, :100] = 0
    with opened(make_raster(tmp_path / "n.tif", pixels=negative, photometric="MINISWHITE")) as scene:
        _, valid = scene.read(Window(0, 0, 200, 96))
        assert not valid[:, :100].any()
        assert valid[:, 100:].all()
        assert "-a_nodata 0 FILE" in " ".join(scene.info.warnings)


def test_a_file_that_says_what_is_valid_is_believed(tmp_path: Path) -> None:
    alpha = np.full((64, 96), 255)
    for number, given in enumerate(({"nodata": 7}, {"alpha": alpha}, {"mask": np.ones((64, 96), bool)})):
        with opened(collared(tmp_path / f"{number}.tif", "uint8", 0, **given)) as scene:
            assert scene.fill.value is None
            assert scene.read(WHOLE)[1][:, :40].all()


def test_a_little_of_a_value_or_one_band_of_it_is_ground(tmp_path: Path) -> None:
    corner = np.zeros((64, 96), bool)
    corner[:8, :30] = True
    one_band = picture(64, 96, 3)
    one_band[LEFT, 1] = 0
    paths = [
        collared(tmp_path / "a.tif", "uint8", 0, corner),
        make_raster(tmp_path / "b.tif", pixels=one_band),
    ]
    for path in paths:
        with opened(path) as scene:
            assert scene.read(WHOLE)[1].all()


def test_the_gap_of_a_mosaic_is_not_seen(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.vrt")
    text = path.read_text()
    moved = text.replace('<DstRect xOff="0"', '<DstRect xOff="48"')
    assert moved != text
    path.write_text(moved)
    with opened(path) as scene:
        assert np.array_equal(scene.read(WHOLE)[1], ~LEFT)


def test_fill_of_a_large_scene_is_met_by_the_sample(tmp_path: Path) -> None:
    pixels = picture(2100, 2300, 1)
    pixels[:, :300] = 0
    for name, overviews in (("a", ()), ("b", (2, 4, 8))):
        path = make_raster(tmp_path / f"{name}.tif", pixels=pixels, overviews=overviews, tiled=True)
        with opened(path) as scene:
            assert scene.fill.value == 0
            assert scene.fill.share == pytest.approx(300 / 2300, abs=0.03)


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 0), ("uint8", 255), ("uint8", 120), ("float32", 0.3)])
@pytest.mark.parametrize("nodata", [None, 7.0])
def test_a_picture_of_one_value_shows_nothing(
    tmp_path: Path, dtype: str, value: float, nodata: float | None
) -> None:
    pixels = np.full((64, 96, 3), value, dtype)
    pixels[LEFT] = value if nodata is None else nodata
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels, nodata=nodata)) as scene:
        assert not scene.read(WHOLE)[1].any()
        assert "shows nothing" in " ".join(scene.info.warnings)


def test_a_picture_of_one_value_but_for_a_speck_shows_nothing() -> None:
    sample = np.full((1000, 3), 120, np.uint8)
    assert find_fill(sample, sample, declared=False).blank
    sample[500, 2] = 121
    assert find_fill(sample, sample, declared=False).blank
    sample[::8, 2] = 121
    assert not find_fill(sample, sample, declared=False).blank


# Dull and negative pictures


def test_dark_bytes_are_stretched_as_the_same_values_in_two_bytes_are(tmp_path: Path) -> None:
    dark = (picture(64, 96, 3) // 12).astype(np.uint8)
    eight = []
    for dtype in ("uint8", "uint16"):
        with opened(make_raster(tmp_path / f"{dtype}.tif", pixels=dark.astype(dtype))) as scene:
            eight.append(scene.stretch.apply(scene.read(WHOLE)[0]))
            assert scene.info.stretch["kind"] == "percentile"
            assert ("span few levels" in " ".join(scene.info.warnings)) == (dtype == "uint8")
    assert np.array_equal(*eight)
    assert eight[0].max() - eight[0].min() == 255


@pytest.mark.parametrize(("levels", "kind"), [(60, "percentile"), (70, "none")])
def test_bytes_are_stretched_when_they_span_few_levels(tmp_path: Path, levels: int, kind: str) -> None:
    ramp = np.linspace(100, 100 + levels, 64 * 96 * 3).reshape(64, 96, 3).astype(np.uint8)
    with opened(make_raster(tmp_path / "a.tif", pixels=ramp)) as scene:
        assert scene.stretch.kind == kind


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_negative_is_looked_at_as_its_positive(tmp_path: Path, dtype: str) -> None:
    positive = picture(64, 96, 1, dtype)
    negative = -positive if dtype == "float32" else ~positive
    shown = []
    for name, pixels, photometric in (("p", positive, "MINISBLACK"), ("n", negative, "MINISWHITE")):
        path = make_raster(tmp_path / f"{name}.tif", pixels=pixels, photometric=photometric)
        with opened(path) as scene:
            shown.append(scene.stretch.apply(scene.read(WHOLE)[0]))
    assert np.array_equal(*shown)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wild", [np.inf, -np.inf, 3e38, -3e38])
def test_wild_values_raise_no_warning(tmp_path: Path, dtype: str, wild: float) -> None:
    pixels = picture(64, 96, 3, dtype)
    pixels[::2, ::3] = wild
    pixels[1, 1] = -wild
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with opened(make_raster(tmp_path / "a.tif", pixels=pixels)) as scene:
            found, _ = scene.read(WHOLE)
            assert scene.stretch.apply(found).shape == (64, 96, 3)
            assert scene.info.warnings is not None


@pytest.mark.parametrize(("colour", "told"), [((229, 227, 223), True), (None, False)])
def test_flat_squares_are_told(tmp_path: Path, colour: Any, told: bool) -> None:
    pixels = picture(200, 300, 3)
    if colour:
        pixels[20:180, 40:260] = colour
    with opened(make_raster(tmp_path / "a.tif", pixels=pixels)) as scene:
        said = " ".join(scene.info.warnings)
    assert ("squares of 64 px of exactly one value show no ground" in said) is told
