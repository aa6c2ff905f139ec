"""What a supplied mask hides, whatever its kind, CRS and resolution; and masks that are none."""

import hashlib
import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine

from apronwatch.errors import MaskInvalid
from apronwatch.lattice import Lattice, Tile
from apronwatch.masking import open_mask
from tests.detector.made import ORIGIN, UTM, made_picture, made_scene
from tests.rasters import make_raster

SIDE_M = 500.0
"""Of `made_scene`: 1,000 pixels of 0.5 m."""

CLOUD = shapely.box(ORIGIN[0] + 100, ORIGIN[1] - 300, ORIGIN[0] + 220, ORIGIN[1] - 150)
PLACE = Affine(2.0, 0.0, ORIGIN[0], 0.0, -2.0, ORIGIN[1])


def tile_over_the_scene(gsd_m: float = 1.0, crs: str | None = UTM) -> Tile:
    """One tile that shows the whole scene and some ground about it."""
    if crs is None:
        return Tile(0, 0, (0.0, -640.0, 640.0, 0.0), (0.0, -SIDE_M, SIDE_M, 0.0), gsd_m, 640)
    west, north = ORIGIN
    bounds = (west, north - SIDE_M, west + SIDE_M, north)
    lattice = Lattice(gsd_m, 1280, 64, bounds, crs)
    (tile,) = [t for t in lattice.tiles() if t.bounds[0] <= west and t.bounds[3] >= north][:1]
    return tile


def in_plane(tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """East and north of the tile's pixel centres."""
    rows, columns = np.indices((tile.size_px, tile.size_px)) + 0.5
    return tile.bounds[0] + columns * tile.gsd_m, tile.bounds[3] - rows * tile.gsd_m


def on_the_scene(tile: Tile) -> np.ndarray:
    east, north = in_plane(tile)
    inside = (east > ORIGIN[0]) & (east < ORIGIN[0] + SIDE_M)
    return inside & (north < ORIGIN[1]) & (north > ORIGIN[1] - SIDE_M)


def cloud_raster(path: Path, **more: Any) -> Path:
    """250 x 250 pixels of 2 m, nonzero in `CLOUD`."""
    rows, columns = np.indices((250, 250)) + 0.5
    east, north = ORIGIN[0] + 2 * columns, ORIGIN[1] - 2 * rows
    values = shapely.contains_xy(CLOUD, east, north).astype(np.uint8)
    return make_raster(path, **({"pixels": values * 7, "crs": UTM, "transform": PLACE} | more))


def cloud_polygon(path: Path, crs: str) -> Path:
    frame = geopandas.GeoDataFrame(geometry=[shapely.segmentize(CLOUD, 5.0)], crs=UTM).to_crs(crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("mask.tif", UTM),
        ("mask.geojson", "EPSG:4326"),
        ("mask.gpkg", "EPSG:3857"),
        ("mask.fgb", UTM),
        ("mask.parquet", "EPSG:32636"),
    ],
)
def test_it_hides_the_same_ground_whatever_it_is_kept_in(tmp_path: Path, name: str, crs: str) -> None:
    path = tmp_path / name
    if path.suffix == ".tif":
        cloud_raster(path)
    else:
        cloud_polygon(path, crs)
    mask = open_mask(path, made_scene(), UTM)
    tile = tile_over_the_scene()
    shown = on_the_scene(tile)
    truth = shapely.contains_xy(CLOUD, *in_plane(tile)) & shown
    hidden = mask.hidden(tile) & shown
    assert truth.sum() == CLOUD.area
    assert (hidden != truth).sum() <= 0.01 * truth.sum()
    assert mask.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_raster_hides_what_lies_beyond_its_edge(tmp_path: Path) -> None:
    half = make_raster(tmp_path / "half.tif", pixels=np.zeros((250, 125), np.uint8), crs=UTM, transform=PLACE)
    tile = tile_over_the_scene()
    hidden = open_mask(half, made_scene(), UTM).hidden(tile)
    east, _ = in_plane(tile)
    assert not hidden[on_the_scene(tile) & (east < ORIGIN[0] + 250)].any()
    assert hidden[on_the_scene(tile) & (east > ORIGIN[0] + 254)].all()


def test_a_picture_takes_a_mask_of_its_own_size_or_polygons_in_pixels(tmp_path: Path) -> None:
    values = np.zeros((1000, 1000), np.uint8)
    values[100:300, 400:600] = 255
    raster = make_raster(tmp_path / "mask.png", pixels=values, crs=None, transform=None)
    ring = [[400, 100], [600, 100], [600, 300], [400, 300], [400, 100]]
    polygons = geojson(tmp_path / "mask.geojson", {"type": "Polygon", "coordinates": [ring]}, crs="pixel")
    tile = tile_over_the_scene(crs=None)
    east, north = in_plane(tile)
    truth = (east > 200) & (east < 300) & (north < -50) & (north > -150)
    shown = (east < SIDE_M) & (north > -SIDE_M)
    for path in (raster, polygons):
        hidden = open_mask(path, made_picture(), None).hidden(tile)
        np.testing.assert_array_equal(hidden & shown, truth)


def test_a_mask_without_georeference_lies_on_its_scene(tmp_path: Path) -> None:
    values = np.zeros((1000, 1000), np.uint8)
    values[300:600, 200:440] = 1
    path = make_raster(tmp_path / "mask.png", pixels=values, crs=None, transform=None)
    tile = tile_over_the_scene()
    hidden = open_mask(path, made_scene(), UTM).hidden(tile) & on_the_scene(tile)
    np.testing.assert_array_equal(hidden, shapely.contains_xy(CLOUD, *in_plane(tile)))


def geojson(path: Path, geometry: dict[str, Any], **members: Any) -> Path:
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature], **members}))
    return path


def missing(folder: Path) -> Path:
    return folder / "mask.tif"


def text(folder: Path) -> Path:
    (folder / "mask.tif").write_text("cloudy")
    return folder / "mask.tif"


def no_json(folder: Path) -> Path:
    (folder / "mask.geojson").write_text("{")
    return folder / "mask.geojson"


def three_bands(folder: Path) -> Path:
    return make_raster(folder / "mask.tif", size=(250, 250), transform=PLACE)


def another_size(folder: Path) -> Path:
    return make_raster(folder / "mask.png", size=(250, 250), bands=1, crs=None, transform=None)


def another_place(folder: Path) -> Path:
    return cloud_raster(folder / "mask.tif", transform=Affine.translation(9000, 0) @ PLACE)


def polygons_elsewhere(folder: Path) -> Path:
    ring = [[10, 50], [10.1, 50], [10.1, 50.1], [10, 50]]
    return geojson(folder / "mask.geojson", {"type": "Polygon", "coordinates": [ring]})


def points(folder: Path) -> Path:
    return geojson(folder / "mask.geojson", {"type": "Point", "coordinates": [36.8, 35.4]})


def in_pixels(folder: Path) -> Path:
    ring = [[0, 0], [10, 0], [10, 10], [0, 0]]
    return geojson(folder / "mask.geojson", {"type": "Polygon", "coordinates": [ring]}, crs="pixel")


@pytest.mark.parametrize(
    "make",
    [
        missing, text, no_json, three_bands, another_size, another_place, polygons_elsewhere, points, in_pixels,
    ],
)  # fmt: skip
def test_what_is_no_mask_of_the_scene_is_refused_in_one_line(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path)
    with pytest.raises(MaskInvalid) as refusal:
        open_mask(path, made_scene(), UTM)
    assert str(refusal.value).startswith(str(path))
    assert any(way in str(refusal.value) for way in ("; give ", " takes "))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("make", [cloud_raster, lambda p: cloud_polygon(p.with_suffix(".gpkg"), UTM)])
def test_a_picture_without_georeference_takes_no_mask_on_a_map(tmp_path: Path, make: Any) -> None:
    with pytest.raises(MaskInvalid, match="without georeference"):
        open_mask(make(tmp_path / "mask.tif"), made_picture(), None)
