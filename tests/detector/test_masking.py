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
from pyproj import Transformer

from apronwatch.cloudmasks import hiding_values
from apronwatch.errors import MaskInvalid
from apronwatch.lattice import Lattice, Tile
from apronwatch.masking import Masks, open_mask, open_masks
from apronwatch.scene import Scene
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
    hidden = mask.cover(tile).hidden & shown
    assert truth.sum() == CLOUD.area
    assert (hidden != truth).sum() <= 0.01 * truth.sum()
    assert mask.key == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_raster_hides_what_lies_beyond_its_edge(tmp_path: Path) -> None:
    half = make_raster(tmp_path / "half.tif", pixels=np.zeros((250, 125), np.uint8), crs=UTM, transform=PLACE)
    tile = tile_over_the_scene()
    hidden = open_mask(half, made_scene(), UTM).cover(tile).hidden
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
        hidden = open_mask(path, made_picture(), None).cover(tile).hidden
        np.testing.assert_array_equal(hidden & shown, truth)


def test_a_mask_without_georeference_lies_on_its_scene(tmp_path: Path) -> None:
    values = np.zeros((1000, 1000), np.uint8)
    values[300:600, 200:440] = 1
    path = make_raster(tmp_path / "mask.png", pixels=values, crs=None, transform=None)
    tile = tile_over_the_scene()
    hidden = open_mask(path, made_scene(), UTM).cover(tile).hidden & on_the_scene(tile)
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


def drawn(folder: Path, *outlines: list[tuple[float, float]]) -> Path:
    """Polygons by metres east and south of the scene's corner."""
    west, north = ORIGIN
    shapes = [shapely.Polygon([(west + x, north - y) for x, y in outline]) for outline in outlines]
    geopandas.GeoDataFrame(geometry=shapes, crs=UTM).to_file(folder / "mask.gpkg")
    return folder / "mask.gpkg"


BOW_TIE = [(0.0, 0.0), (100.0, 100.0), (100.0, 0.0), (0.0, 100.0)]
STAR = [(10.0, 10.0), (90.0, 60.0), (0.0, 50.0), (80.0, 5.0), (40.0, 90.0)]


def bow_tie(folder: Path) -> Path:
    return drawn(folder, BOW_TIE)


def crossing_each_other_and_themselves(folder: Path) -> Path:
    return drawn(folder, BOW_TIE, [(x + 50, y) for x, y in BOW_TIE], STAR)


def bow_tie_in_pixels(folder: Path) -> Path:
    polygon = {"type": "Polygon", "coordinates": [[*BOW_TIE, BOW_TIE[0]]]}
    return geojson(folder / "mask.geojson", polygon, crs="pixel")


def two_positions(folder: Path) -> Path:
    return geojson(
        folder / "mask.geojson", {"type": "Polygon", "coordinates": [[[36.8, 35.4], [36.9, 35.4]]]}
    )


@pytest.mark.filterwarnings("ignore:Non closed ring:RuntimeWarning")  # pyogrio of `two_positions`
@pytest.mark.parametrize(
    "make",
    [
        missing, text, no_json, three_bands, another_size, another_place, polygons_elsewhere, points, in_pixels,
        bow_tie, crossing_each_other_and_themselves, two_positions,
    ],
)  # fmt: skip
def test_what_is_no_mask_of_the_scene_is_refused_in_one_line(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path)
    with pytest.raises(MaskInvalid) as refusal:
        open_mask(path, made_scene(), UTM)
    assert str(refusal.value).startswith(str(path))
    assert any(way in str(refusal.value) for way in ("; give ", " takes "))
    assert "\n" not in str(refusal.value)


def test_an_outline_that_crosses_itself_is_named_with_its_place(tmp_path: Path) -> None:
    fine = [(200.0, 200.0), (300.0, 200.0), (300.0, 300.0)]
    with pytest.raises(MaskInvalid, match=r"polygon 2 is not valid \(Self-intersection\[") as refusal:
        open_mask(drawn(tmp_path, fine, BOW_TIE), made_scene(), UTM)
    assert f"[{ORIGIN[0] + 50:.0f} {ORIGIN[1] - 50:.0f}]" in str(refusal.value)
    with pytest.raises(MaskInvalid, match="polygon 1 is not valid"):
        open_mask(bow_tie_in_pixels(tmp_path), made_picture(), None)


def test_valid_polygons_that_overlap_hide_their_union(tmp_path: Path) -> None:
    square = [(100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0)]
    path = drawn(tmp_path, square, [(x + 50, y) for x, y in square])
    tile = tile_over_the_scene()
    assert open_mask(path, made_scene(), UTM).cover(tile).hidden.sum() == 150 * 100


WORLD = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
NORTH_EAST = [[0, 0], [180, 0], [180, 90], [0, 90], [0, 0]]
WORLD_BUT_A_HOLE = [WORLD, [[30, 30], [40, 30], [40, 40], [30, 40], [30, 30]]]


@pytest.mark.parametrize("ring", [WORLD, NORTH_EAST])
@pytest.mark.parametrize("plane", ["EPSG:32637", "EPSG:32636"])
def test_an_outline_much_larger_than_the_scene_hides_all_of_it(
    tmp_path: Path, ring: list[list[float]], plane: str
) -> None:
    path = geojson(tmp_path / "mask.geojson", {"type": "Polygon", "coordinates": [ring]})
    mask = open_mask(path, made_scene(), plane)
    square = shapely.box(ORIGIN[0], ORIGIN[1] - SIDE_M, ORIGIN[0] + SIDE_M, ORIGIN[1])
    to_plane = Transformer.from_crs(UTM, plane, always_xy=True)
    ground = shapely.transform(square, lambda p: np.stack(to_plane.transform(*p.T), axis=1))
    for tile in Lattice(1.0, 640, 64, ground.bounds, plane).tiles():
        assert mask.cover(tile).hidden[shapely.contains_xy(ground, *in_plane(tile))].all()


def test_the_hole_of_an_outline_around_the_world_stays_clear(tmp_path: Path) -> None:
    path = geojson(tmp_path / "mask.geojson", {"type": "Polygon", "coordinates": WORLD_BUT_A_HOLE})
    with pytest.raises(MaskInvalid, match="none of its polygons touches the scene"):
        open_mask(path, made_scene(), UTM)


def test_an_edge_that_is_straight_in_longitude_and_latitude_lies_where_it_does(tmp_path: Path) -> None:
    """Of an outline around half the world; the parallel through the scene's middle curves in UTM."""
    to_lonlat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    _, middle = to_lonlat.transform(ORIGIN[0] + SIDE_M / 2, ORIGIN[1] - SIDE_M / 2)
    ring = [[-180, middle], [180, middle], [180, 90], [-180, 90], [-180, middle]]
    path = geojson(tmp_path / "mask.geojson", {"type": "Polygon", "coordinates": [ring]})
    tile = tile_over_the_scene()
    _, latitude = to_lonlat.transform(*in_plane(tile))
    shown = on_the_scene(tile) & (np.abs(latitude - middle) > 1e-6)  # 0.1 m
    hidden = open_mask(path, made_scene(), UTM).cover(tile).hidden
    np.testing.assert_array_equal(hidden[shown], latitude[shown] > middle)


@pytest.mark.parametrize(("west", "east"), [(-180.0, 180.0), (179.0, 181.0), (-181.0, -179.0), (0.0, 360.0)])
def test_a_mask_over_a_scene_across_longitude_180(tmp_path: Path, west: float, east: float) -> None:
    """500 m about the antimeridian at 65 N, in the zone west of it."""
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32660", always_xy=True).transform(180.0, 65.0)
    place = (round(x) - 250.0, round(y) + 250.0)
    scene = made_scene(crs="EPSG:32660", transform=(0.5, 0.0, place[0], 0.0, -0.5, place[1]))
    ring = [[west, 60], [east, 60], [east, 70], [west, 70], [west, 60]]
    path = geojson(tmp_path / "mask.geojson", {"type": "Polygon", "coordinates": [ring]})
    mask = open_mask(path, scene, "EPSG:32660")
    tiles = list(
        Lattice(1.0, 640, 64, (place[0], place[1] - 500, place[0] + 500, place[1]), "EPSG:32660").tiles()
    )
    for tile in tiles:
        east_m, north_m = in_plane(tile)
        shown = (abs(east_m - place[0] - 250) < 250) & (abs(north_m - place[1] + 250) < 250)
        assert mask.cover(tile).hidden[shown].all()


@pytest.mark.parametrize("make", [cloud_raster, lambda p: cloud_polygon(p.with_suffix(".gpkg"), UTM)])
def test_a_picture_without_georeference_takes_no_mask_on_a_map(tmp_path: Path, make: Any) -> None:
    with pytest.raises(MaskInvalid, match="without georeference"):
        open_mask(make(tmp_path / "mask.tif"), made_picture(), None)


def udm2_raster(path: Path, **bands: shapely.Polygon) -> Path:
    """A UDM2 of 2 m whose bands are set in some boxes; elsewhere it is clear."""
    rows, columns = np.indices((250, 250)) + 0.5
    pixels = np.zeros((250, 250, 8), np.uint8)
    pixels[..., 0] = 1
    for name, box in bands.items():
        inside = shapely.contains_xy(box, ORIGIN[0] + 2 * columns, ORIGIN[1] - 2 * rows)
        pixels[..., int(name[1:]) - 1][inside] = 1
    return make_raster(path, pixels=pixels, crs=UTM, transform=PLACE)


WHITE = shapely.box(ORIGIN[0] + 300, ORIGIN[1] - 300, ORIGIN[0] + 400, ORIGIN[1] - 200)


def test_a_udm2_hides_clouds_and_tells_of_snow(tmp_path: Path) -> None:
    path = udm2_raster(tmp_path / "scene_udm2.tif", b6=CLOUD, b2=WHITE, b4=CLOUD)
    tile = tile_over_the_scene()
    cover = open_mask(path, made_scene(), UTM).cover(tile)
    at, shown = in_plane(tile), on_the_scene(tile)
    np.testing.assert_array_equal(cover.hidden & shown, shapely.contains_xy(CLOUD, *at) & shown)
    np.testing.assert_array_equal(cover.noted["snow"], shapely.contains_xy(WHITE, *at) & shown)
    np.testing.assert_array_equal(cover.noted["haze"], shapely.contains_xy(CLOUD, *at) & shown)


def test_chosen_classes_hide(tmp_path: Path) -> None:
    path = cloud_raster(tmp_path / "fmask.tif")
    tile = tile_over_the_scene()
    shown = on_the_scene(tile)
    assert not (open_mask(path, made_scene(), UTM, [3]).cover(tile).hidden & shown).any()
    cover = open_mask(path, made_scene(), UTM, [3, 7]).cover(tile)
    assert (cover.hidden & shown).sum() == CLOUD.area
    polygons = cloud_polygon(tmp_path / "mask.gpkg", UTM)
    with pytest.raises(MaskInvalid, match="--mask-hides"):
        open_mask(polygons, made_scene(), UTM, [3])


NODATA = shapely.box(ORIGIN[0] + 300, ORIGIN[1] - 300, ORIGIN[0] + 400, ORIGIN[1] - 200)


def class_raster(path: Path, declared: str, clear: int = 0, cloud: int = 3) -> Path:
    """Classes of 2 m: cloud in `CLOUD`, in `NODATA` what is declared to be none, elsewhere clear."""
    rows, columns = np.indices((250, 250)) + 0.5
    at = ORIGIN[0] + 2 * columns, ORIGIN[1] - 2 * rows
    nodata = shapely.contains_xy(NODATA, *at)
    values = np.where(shapely.contains_xy(CLOUD, *at), cloud, clear).astype(np.float32)
    more: dict[str, Any] = {"mask": ~nodata} if declared == "mask" else {}
    if declared == "alpha":
        more = {"alpha": np.where(nodata, 0, 255)}
    if declared in ("255", "nan"):
        values[nodata] = float(declared)
        more = {"nodata": float(declared)}
    pixels = values if declared == "nan" else values.astype(np.uint8)
    return make_raster(path, pixels=pixels, crs=UTM, transform=PLACE, **more)


@pytest.mark.parametrize("declared", ["255", "nan", "mask", "alpha"])
def test_declared_nodata_of_chosen_classes_hides(tmp_path: Path, declared: str) -> None:
    mask = open_mask(class_raster(tmp_path / "fmask.tif", declared), made_scene(), UTM, [3])
    tile = tile_over_the_scene()
    truth = shapely.contains_xy(shapely.union(CLOUD, NODATA), *in_plane(tile))
    np.testing.assert_array_equal(mask.cover(tile).hidden & on_the_scene(tile), truth)
    assert mask.name == "classes 3 and its nodata"


def test_nodata_that_a_user_names_hides_as_named(tmp_path: Path) -> None:
    path = class_raster(tmp_path / "fmask.tif", "255")
    mask = open_mask(path, made_scene(), UTM, [255])
    tile = tile_over_the_scene()
    truth = shapely.contains_xy(NODATA, *in_plane(tile))
    np.testing.assert_array_equal(mask.cover(tile).hidden & on_the_scene(tile), truth)
    assert mask.name == "classes 255"


def test_a_plain_mask_whose_0_is_declared_nodata_stays_clear_there(tmp_path: Path) -> None:
    tile = tile_over_the_scene()
    for nodata in (None, 0):
        mask = open_mask(cloud_raster(tmp_path / "mask.tif", nodata=nodata), made_scene(), UTM)
        assert (mask.cover(tile).hidden & on_the_scene(tile)).sum() == CLOUD.area


def test_the_same_pixels_with_and_without_nodata_are_two_masks(tmp_path: Path) -> None:
    path = class_raster(tmp_path / "fmask.tif", "255")
    reading = hiding_values([3])
    assert open_mask(path, made_scene(), UTM, [3]).key != reading.key(
        hashlib.sha256(path.read_bytes()).hexdigest()
    )


@pytest.mark.parametrize("names_255", [False, True])
def test_declared_nodata_of_an_items_classes_hides_unless_named(tmp_path: Path, names_255: bool) -> None:
    class_raster(tmp_path / "m.tif", "255")
    classes = [{"value": 3, "name": "cloud"}, *([{"value": 255, "name": "clear"}] if names_255 else [])]
    with item_scene(tmp_path, {"qa": {**asset("m.tif"), "classification:classes": classes}}) as scene:
        masks = open_masks(scene, UTM)
    tile = tile_over_the_scene()
    cover = masks.cover(tile)
    assert cover is not None
    truth = shapely.contains_xy(CLOUD if names_255 else shapely.union(CLOUD, NODATA), *in_plane(tile))
    np.testing.assert_array_equal(cover.hidden & on_the_scene(tile), truth)
    assert ("and its nodata" in masks.notes[0]) != names_255


def test_nodata_of_an_scl_that_is_none_of_its_classes_hides(tmp_path: Path) -> None:
    path = class_raster(tmp_path / "a_SCL.tif", "255", clear=4)
    tile = tile_over_the_scene()
    truth = shapely.contains_xy(shapely.union(CLOUD, NODATA), *in_plane(tile))
    hidden = open_mask(path, made_scene(), UTM).cover(tile).hidden
    np.testing.assert_array_equal(hidden & on_the_scene(tile), truth)


@pytest.mark.parametrize(("hides", "told"), [((3,), False), ((3, 8), False), ((8, 9), True)])
def test_a_mask_without_any_of_the_chosen_values_is_told(
    tmp_path: Path, hides: tuple[int, ...], told: bool
) -> None:
    path = class_raster(tmp_path / "fmask.tif", "255")
    with item_scene(tmp_path, {}, mask=str(path), mask_hides=hides) as scene:
        notes = open_masks(scene, UTM).notes
    assert any("read as classes" in note for note in notes)
    assert any("not one pixel of the mask fmask.tif" in note for note in notes) == told


def test_nothing_is_told_of_the_values_of_a_clear_udm2(tmp_path: Path) -> None:
    path = udm2_raster(tmp_path / "a_udm2.tif")
    with item_scene(tmp_path, {}, mask=str(path)) as scene:
        assert open_masks(scene, UTM).notes == ("the mask a_udm2.tif is read as UDM2",)


def test_eight_bands_that_may_be_a_picture_are_no_mask(tmp_path: Path) -> None:
    with pytest.raises(MaskInvalid, match="8 bands"):
        open_mask(udm2_raster(tmp_path / "ms.tif"), made_scene(), UTM)


def item_scene(folder: Path, assets: dict[str, Any], **more: Any) -> Scene:
    """The scene of `made_scene` as a STAC item, opened."""
    make_raster(
        folder / "a.tif", size=(1000, 1000), crs=UTM, transform=Affine(0.5, 0, ORIGIN[0], 0, -0.5, ORIGIN[1])
    )
    visual = {"href": "a.tif", "type": "image/tiff", "roles": ["visual"]}
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "one",
        "geometry": None,
        "properties": {"datetime": "2024-12-10T08:15:30Z"},
        "links": [],
        "assets": {"visual": visual, **assets},
    }
    (folder / "item.json").write_text(json.dumps(document))
    return Scene.open(folder / "item.json", **more)


def asset(href: str, *roles: str, **more: Any) -> dict[str, Any]:
    return {"href": href, "type": "image/tiff; application=geotiff", "roles": list(roles), **more}


def test_the_masks_of_an_item_are_heeded_said_and_switched_off(tmp_path: Path) -> None:
    udm2_raster(tmp_path / "a_udm2.tif", b6=CLOUD)
    assets = {"ortho_udm2": asset("a_udm2.tif", "data")}
    tile = tile_over_the_scene()
    with item_scene(tmp_path, assets) as scene:
        masks = open_masks(scene, UTM)
    cover = masks.cover(tile)
    assert cover is not None
    assert (cover.hidden & on_the_scene(tile)).sum() == CLOUD.area
    assert masks.notes == ("the item's mask ortho_udm2 (UDM2) hides ground; --no-item-mask leaves it out",)
    with item_scene(tmp_path, assets, item_mask=False) as scene:
        masks = open_masks(scene, UTM)
    assert (masks.cover(tile), masks.key, masks.notes) == (None, "", ())


@pytest.mark.parametrize(
    ("described", "hides"),
    [
        (asset("m.tif", "cloud"), True),
        (asset("m.tif", "snow-ice"), False),
        (asset("m.tif", "data-mask", **{"classification:classes": [{"value": 7, "name": "cloud"}]}), True),
        (asset("m.tif", "cloud", **{"raster:bands": [{"classification:classes": [{"value": 6, "name": "cloud"}]}]}),
         False),
    ],
)  # fmt: skip
def test_roles_and_named_classes_of_an_item(tmp_path: Path, described: dict[str, Any], hides: bool) -> None:
    cloud_raster(tmp_path / "m.tif")
    tile = tile_over_the_scene()
    with item_scene(tmp_path, {"m": described}) as scene:
        cover = open_masks(scene, UTM).cover(tile)
    assert cover is not None
    shown = on_the_scene(tile)
    assert (cover.hidden & shown).sum() == (CLOUD.area if hides else 0)
    assert ("snow" in cover.noted) == ("snow-ice" in described["roles"])


@pytest.mark.parametrize("roles", [None, ["data"], ["data", "mask"]])
def test_classes_that_name_clouds_need_no_role(tmp_path: Path, roles: list[str] | None) -> None:
    cloud_raster(tmp_path / "m.tif")
    classes = [{"value": 0, "name": "clear"}, {"value": 7, "name": "cloud"}]
    described = {**asset("m.tif"), "classification:classes": classes, "roles": roles or []}
    tile = tile_over_the_scene()
    with item_scene(tmp_path, {"qa": described}) as scene:
        cover = open_masks(scene, UTM).cover(tile)
    assert cover is not None
    assert (cover.hidden & on_the_scene(tile)).sum() == CLOUD.area


def test_shadows_named_without_clouds_or_role_hide(tmp_path: Path) -> None:
    cloud_raster(tmp_path / "m.tif")
    described = {**asset("m.tif"), "classification:classes": [{"value": 7, "name": "shadow"}]}
    with item_scene(tmp_path, {"qa": described}) as scene:
        cover = open_masks(scene, UTM).cover(tile := tile_over_the_scene())
    assert cover is not None
    assert (cover.hidden & on_the_scene(tile)).sum() == CLOUD.area


def test_named_clouds_whose_value_cannot_be_read_are_told(tmp_path: Path) -> None:
    cloud_raster(tmp_path / "m.tif")
    described = {**asset("m.tif"), "classification:classes": [{"value": "7", "name": "cloud"}]}
    with item_scene(tmp_path, {"qa": described}) as scene:
        masks = open_masks(scene, UTM)
    assert masks.layers == ()
    [note] = masks.notes
    assert "qa (named classes) is not used" in note


@pytest.mark.parametrize(
    "land",
    [
        {"value": 7, "name": "forest"},
        {"value": 7, "name": "cloud_forest"},
        {"value": 7, "name": "built", "description": "built-up, clouds left out"},
        {"value": 7, "name": "terrain_shadow"},
        {"value": 7, "name": "cloud_free"},
    ],
)
def test_named_land_cover_is_no_mask(tmp_path: Path, land: dict[str, Any]) -> None:
    cloud_raster(tmp_path / "m.tif")
    classes = [{"value": 0, "name": "nodata"}, land]
    described = {**asset("m.tif"), "classification:classes": classes, "roles": ["data"]}
    with item_scene(tmp_path, {"cover": described}) as scene:
        masks = open_masks(scene, UTM)
    assert (masks.layers, masks.notes) == ((), ())


@pytest.mark.parametrize(
    ("described", "why"),
    [
        (asset("m.tif", "data-mask"), "does not say which of its values hide"),
        (asset("missing.tif", "cloud"), "was not used"),
        ({"href": "m.gpkg", "type": "application/geopackage+sqlite3", "roles": ["data-mask"]}, "is not used"),
    ],
)
def test_a_mask_of_an_item_that_cannot_be_used_is_told(
    tmp_path: Path, described: dict[str, Any], why: str
) -> None:
    cloud_raster(tmp_path / "m.tif")
    with item_scene(tmp_path, {"m": described}) as scene:
        masks = open_masks(scene, UTM)
    assert masks.layers == ()
    [note] = masks.notes
    assert why in note


@pytest.mark.parametrize("name", ["m.gpkg", "m.geojson", "m.fgb", "m.parquet"])
@pytest.mark.parametrize("role", ["cloud", "data-mask"])
def test_what_is_advised_for_polygons_of_an_item_can_be_done(tmp_path: Path, name: str, role: str) -> None:
    path = cloud_polygon(tmp_path / name, "EPSG:4326")
    described = {"href": name, "type": "application/octet-stream", "roles": [role]}
    with item_scene(tmp_path, {"m": described}) as scene:
        masks = open_masks(scene, UTM)
        given = open_mask(path, scene.info, UTM)
    assert masks.layers == ()
    [note] = masks.notes
    assert "with --mask FILE" in note
    assert "--mask-hides" not in note
    tile = tile_over_the_scene()
    hidden = (given.cover(tile).hidden & on_the_scene(tile)).sum()
    assert hidden == pytest.approx(CLOUD.area, rel=0.01)


def test_the_masks_of_user_and_item_hide_together(tmp_path: Path) -> None:
    udm2_raster(tmp_path / "a_udm2.tif", b6=CLOUD, b2=WHITE)
    mine = tmp_path / "mine.gpkg"
    geopandas.GeoDataFrame(geometry=[WHITE], crs=UTM).to_file(mine)
    tile = tile_over_the_scene()
    with item_scene(tmp_path, {"udm2": asset("a_udm2.tif")}, mask=str(mine)) as scene:
        masks = open_masks(scene, UTM)
        own = open_mask(mine, scene.info, UTM)
    cover = masks.cover(tile)
    assert cover is not None
    assert (cover.hidden & on_the_scene(tile)).sum() == CLOUD.area + WHITE.area
    assert cover.noted["snow"].sum() == WHITE.area
    assert masks.key not in ("", own.key)
    assert Masks(masks.layers[::-1]).key == masks.key


def test_bit_fields_beyond_the_bits_of_a_mask_are_told_and_not_read(tmp_path: Path) -> None:
    class_raster(tmp_path / "m.tif", "255")
    field = {"offset": 6, "length": 4, "classes": [{"value": 1, "name": "cloud"}]}
    with item_scene(tmp_path, {"qa": {**asset("m.tif"), "classification:bitfields": [field]}}) as scene:
        masks = open_masks(scene, UTM)
    assert not masks.layers
    [note] = masks.notes
    assert "was not used" in note
    assert "bit fields of 10 bits in uint8" in note
