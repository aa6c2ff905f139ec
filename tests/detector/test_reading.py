"""Tiles show the right ground, whatever the scene's CRS, rotation and resolution; masks go with the pixels."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis.extra.numpy import arrays
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from apronwatch.lattice import Lattice
from apronwatch.reading import TileReader, bounds_in_plane, mirrored
from apronwatch.scene import Scene
from tests.rasters import make_raster

PLANE = "EPSG:32637"
CENTRE = (300_000.0, 3_920_000.0)


def waves(east, north, wavelength_m=40.0):
    """A smooth picture as a function of the ground: 8-bit grey values as floats."""
    k = 2 * np.pi / wavelength_m
    return 127 + 50 * np.sin(k * east) + 50 * np.cos(k * north * 0.8)


def scene_of_the_ground(
    path: Path, crs: str, gsd_m: float, side: int, *, rotation_deg: float = 0.0, **more
) -> Path:
    """A scene in any CRS around `CENTRE` whose pixels are `waves` at the ground they show."""
    x, y = Transformer.from_crs(PLANE, crs, always_xy=True).transform(*CENTRE)
    step = Transformer.from_crs(PLANE, crs, always_xy=True).transform(CENTRE[0] + 1.0, CENTRE[1] + 1.0)
    unit = (abs(step[0] - x), abs(step[1] - y))
    transform = (
        Affine.translation(x, y)
        @ Affine.rotation(rotation_deg)
        @ Affine.scale(unit[0] * gsd_m, -unit[1] * gsd_m)
        @ Affine.translation(-side / 2, -side / 2)
    )
    columns, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    east, north = Transformer.from_crs(crs, PLANE, always_xy=True).transform(*(transform @ (columns, rows)))
    grey = np.rint(waves(np.asarray(east), np.asarray(north))).astype(np.uint8)
    return make_raster(path, pixels=np.stack([grey] * 3, axis=-1), crs=crs, transform=transform, **more)


def ground_of(tile):
    half = np.arange(tile.size_px) + 0.5
    return tile.to_plane @ tuple(np.meshgrid(half, half))


def tiles_of(scene, gsd_m, tile_px=256):
    return Lattice(gsd_m, tile_px, 64, bounds_in_plane(scene, PLANE), PLANE).tiles()


@pytest.mark.parametrize("gsd_m", [0.25, 0.5, 1.3])
@pytest.mark.parametrize(
    ("crs", "rotation_deg"),
    [
        ("EPSG:32637", 0.0),
        ("EPSG:32637", 33.0),
        ("EPSG:32637", 180.0),
        ("EPSG:32636", 0.0),
        ("EPSG:3857", 0.0),
        ("EPSG:4326", 0.0),
        ("EPSG:3857", 90.0),
    ],
)
def test_a_tile_shows_the_ground_that_it_says(tmp_path, crs, rotation_deg, gsd_m):
    path = scene_of_the_ground(tmp_path / "a.tif", crs, gsd_m, 400, rotation_deg=rotation_deg)
    with Scene.open(path, undated=True) as scene:
        reader = TileReader(scene, PLANE)
        shown = 0
        for tile in tiles_of(scene, 0.5):
            image = reader.read(tile)
            away = _eroded(image.valid, 6)
            error = np.abs(image.pixels[..., 0] - waves(*ground_of(tile)))[away]
            shown += error.size
            # 3 grey levels are a quarter of a metre on the steepest slope of the waves.
            assert error.max(initial=0.0) < 3.0
    assert shown > 0.5 * (400 * gsd_m / 0.5) ** 2


def _eroded(mask, px):
    import cv2

    return cv2.erode(mask.astype(np.uint8), np.ones((2 * px + 1,) * 2, np.uint8), borderValue=0) > 0


def test_the_same_ground_gives_the_same_tile_whatever_the_crop(tmp_path):
    whole = scene_of_the_ground(tmp_path / "whole.tif", PLANE, 0.5, 1000)
    with rasterio.open(whole) as source:
        window = rasterio.windows.Window(130, 170, 700, 650)
        pixels = np.moveaxis(source.read(window=window), 0, -1)
        cropped = make_raster(
            tmp_path / "crop.tif", pixels=pixels, crs=PLANE, transform=source.window_transform(window)
        )
    with Scene.open(whole, undated=True) as a, Scene.open(cropped, undated=True) as b:
        tiles_a = {(t.i, t.j): t for t in tiles_of(a, 0.7)}
        shared = [t for t in tiles_of(b, 0.7) if (t.i, t.j) in tiles_a]
        assert shared
        for tile in shared:
            one, other = TileReader(a, PLANE).read(tiles_a[tile.i, tile.j]), TileReader(b, PLANE).read(tile)
            both = _eroded(one.valid & other.valid, 4)
            gap = np.abs(one.pixels.astype(int) - other.pixels)[both]
            # Window and crop differ in where the remap's 1/32 px steps fall, by a level at most.
            assert gap.max(initial=0) <= 1


def test_agrees_with_gdals_own_warp(tmp_path):
    path = scene_of_the_ground(tmp_path / "a.tif", "EPSG:3857", 0.4, 600)
    with Scene.open(path, undated=True) as scene:
        tile = tiles_of(scene, 0.5)[0]
        image = TileReader(scene, PLANE).read(tile)
        with (
            rasterio.open(path) as source,
            WarpedVRT(
                source, crs=PLANE, transform=tile.to_plane, width=256, height=256, resampling=Resampling.cubic
            ) as vrt,
        ):
            oracle = vrt.read(1)
    inside = _eroded(image.valid, 6)
    assert inside.sum() > 5_000
    assert np.abs(image.pixels[..., 0].astype(int) - oracle)[inside].max() <= 2


def test_a_scene_on_the_lattice_is_read_as_it_is(tmp_path):
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 255, (700, 700, 3), dtype=np.uint8)
    transform = Affine(0.5, 0, 300_000.0, 0, -0.5, 3_920_000.0)
    path = make_raster(tmp_path / "a.tif", pixels=pixels, crs=PLANE, transform=transform)
    with Scene.open(path, undated=True) as scene:
        reader = TileReader(scene, PLANE)
        for tile in tiles_of(scene, 0.5):
            image = reader.read(tile)
            left, top = round((tile.bounds[0] - 300_000) / 0.5), round((3_920_000 - tile.bounds[3]) / 0.5)
            rows, columns = np.nonzero(image.valid)
            assert (image.pixels[rows, columns] == pixels[rows + top, columns + left]).all()


@pytest.mark.parametrize("overviews", [(), (2, 4)])
def test_shrinking_averages_over_the_area(tmp_path, overviews):
    """A checkerboard of single pixels becomes even grey, not a pattern of its own."""
    board = (np.indices((800, 800)).sum(axis=0) % 2 * 200).astype(np.uint8)
    transform = Affine(0.25, 0, 300_000.1, 0, -0.25, 3_920_000.1)
    path = make_raster(
        tmp_path / "a.tif", pixels=board, crs=PLANE, transform=transform, overviews=overviews, tiled=True
    )
    with Scene.open(path, undated=True) as scene:
        for tile in tiles_of(scene, 1.1):
            image = TileReader(scene, PLANE).read(tile)
            inner = image.pixels[_eroded(image.valid, 3)]
            assert np.abs(inner.astype(int) - 100).max(initial=0) <= 6


def test_nodata_neither_shows_nor_bleeds(tmp_path):
    ground = (90, 160, 230)
    pixels = np.full((400, 400, 3), ground, dtype=np.uint8)
    pixels[::9, ::9] += 1  # flat ground would show nothing
    pixels[:, :200] = 0
    path = make_raster(tmp_path / "a.tif", pixels=pixels, crs=PLANE, nodata=0)
    with Scene.open(path, undated=True) as scene:
        images = [TileReader(scene, PLANE).read(tile) for tile in tiles_of(scene, 0.7)]
    for image in images:
        if not image.valid.any():
            continue
        assert np.abs(image.pixels.astype(int) - ground).max(initial=0) <= 1
    assert any(image.valid.any() and not image.valid.all() for image in images)


def test_beyond_an_edge_lies_a_mirror_image():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 255, (60, 60, 3), dtype=np.uint8)
    valid = np.zeros((60, 60), dtype=bool)
    valid[:, 20:45] = True
    shown = mirrored(pixels, valid)
    assert (shown[valid] == pixels[valid]).all()
    assert (shown[:, 19] == pixels[:, 21]).all()
    assert (shown[:, 0] == pixels[:, 40]).all()
    assert (shown[:, 45:] == pixels[:, 29:44][:, ::-1]).all()


@given(arrays(bool, (24, 24)).filter(np.any))
def test_any_mask_is_filled_from_valid_pixels_alone(valid):
    pixels = np.where(valid[..., None], np.uint8(7), np.uint8(200)).repeat(3, axis=2)
    assert (mirrored(pixels, valid) == 7).all()
