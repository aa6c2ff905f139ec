"""An overlay shows boxes where the objects are, and hides nothing that was not seen."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from PIL import Image

from apronwatch.counting import count_run
from apronwatch.report import canvas
from apronwatch.report.chips import MOST, chip_sheet
from apronwatch.report.overlay import draw_overlay, overlay, zones_of
from apronwatch.report.view import View
from apronwatch.scene import Scene
from apronwatch.site import Site
from tests.detector.made import made_model, made_picture, made_run, pixel_site
from tests.rasters import make_raster

from . import place


def pixels_of(picture):
    return np.asarray(picture.convert("RGB")).astype(int)


def near(pixels, colour, tolerance=40):
    return (np.abs(pixels - np.array(colour)) < tolerance).all(axis=-1)


@pytest.fixture
def seen(tmp_path):
    """A drawn scene with its west half masked, its run, zones and counts."""
    planes = [p for p in place.NORTH_ROW + place.SOUTH_ROW + place.BESIDES if p.x > 120]
    valid = np.ones((place.SIDE_PX, place.SIDE_PX), bool)
    valid[:, : place.SIDE_PX // 2] = False
    site = place.base_site()
    path = place.draw_scene(tmp_path / "scene.tif", planes, valid=valid, synthetic=False)
    run = place.look(path, planes, site, place.day(11, 1))
    with Scene.open(path, undated=True) as scene:
        yield scene, run, zones_of(site, run.detections), count_run(run, site, place.MODEL)


def corners_in_view(run, zones, max_px):
    view = View.around(run.scene, {k: z for k, z in zones.items() if k != "*"}, run.detections.crs, max_px)
    return view, view.to_view(run.detections.polygons, run.detections.crs)


def test_a_box_lies_on_its_object_in_the_colour_of_its_class(seen):
    scene, run, zones, counts = seen
    picture = pixels_of(overlay(scene, run, zones, counts=counts, max_px=1200))
    _, boxes = corners_in_view(run, zones, 1200)
    for box, colour in (
        (boxes[0], canvas.CLASS_COLOURS["plane"]),
        (boxes[-1], canvas.CLASS_COLOURS["helicopter"]),
    ):
        for start, end in zip(box, np.roll(box, -1, axis=0), strict=True):
            x, y = (start + end) / 2
            around = picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
            assert near(around, colour).any()
        x, y = box.mean(axis=0)
        assert near(picture[round(y), round(x)], place.PLANE_RGB)


def test_ground_that_was_not_seen_is_hatched_and_the_rest_is_not(seen):
    scene, run, zones, counts = seen
    picture = pixels_of(overlay(scene, run, zones, counts=counts, max_px=1200))
    view, _ = corners_in_view(run, zones, 1200)
    half = round((place.SIDE_PX / 2 - view.left) * view.scale)
    rows = slice(round(view.height * 0.42), round(view.height * 0.45))  # between labels, boxes and zones
    west, east = picture[rows, 40 : half - 20], picture[rows, half + 20 : view.width - 60]
    stripes = near(west, (190, 190, 190), 12).mean()
    assert 0.08 < stripes < 0.4
    assert near(west, (31, 31, 31), 12).mean() > 0.5
    assert near(east, place.GROUND_RGB, 25).mean() > 0.99


def test_a_scene_that_was_wholly_seen_has_no_hatching_anywhere(tmp_path):
    path = place.draw_scene(tmp_path / "scene.tif", [], synthetic=False)
    with Scene.open(path, undated=True) as scene:
        site = Site.whole_picture("base", scene.info)
        run = place.look(path, [], site, None)
        zones = zones_of(site, run.detections)
        picture = pixels_of(overlay(scene, run, zones, max_px=1200))
    view, _ = corners_in_view(run, zones, 1200)
    assert (view.left, view.top, view.width, view.height) == (0, 0, 1200, 1200)
    clear_of_furniture = picture[300:1190, 3:800]
    assert not near(clear_of_furniture, (190, 190, 190), 6).any()


def test_only_what_counts_is_drawn(seen):
    scene, run, zones, _ = seen
    low = replace(run, thresholds={"plane": 0.99, "helicopter": 0.99})
    picture = pixels_of(overlay(scene, low, zones, max_px=1200))[:1000]
    assert not near(picture, canvas.CLASS_COLOURS["plane"], 20).any()
    hidden = replace(run, hidden=np.ones(len(run.detections), bool))
    picture = pixels_of(overlay(scene, hidden, zones, max_px=1200))[:1000]
    assert not near(picture, canvas.CLASS_COLOURS["plane"], 20).any()


def test_a_zone_beyond_the_scene_widens_the_view_with_hatching(tmp_path):
    site = place.base_site()
    path = place.draw_scene(tmp_path / "scene.tif", place.NORTH_ROW)
    run = place.look(path, place.NORTH_ROW, site, None)
    beyond = {"long": shapely.box(place.WEST + 20, place.NORTH - 100, place.WEST + 600, place.NORTH - 20)}
    view = View.around(run.scene, beyond, place.UTM, 1200)
    assert view.left + view.width / view.scale > place.SIDE_PX + 600
    with Scene.open(path, undated=True) as scene:
        pixels, valid = view.backdrop(scene)
    assert valid.shape == pixels.shape[:2] == (view.height, view.width)
    edge = (place.SIDE_PX - view.left) * view.scale
    assert valid[:, : int(edge) - 1].all()
    assert not valid[:, int(edge) + 2 :].any()


def test_zones_elsewhere_leave_the_whole_scene_in_view():
    run = made_run(made_picture(), site := pixel_site(far=shapely.box(5000, 5000, 5100, 5100)), [])
    view = View.around(run.scene, zones_of(site, run.detections), None, 1500)
    assert (view.left, view.top, view.width, view.height) == (0, 0, 1200, 1200)


def test_a_synthetic_picture_says_so_across_its_top(tmp_path):
    site = place.base_site()
    for synthetic in (True, False):
        path = place.draw_scene(tmp_path / f"{synthetic}.tif", place.NORTH_ROW, synthetic=synthetic)
        run = place.look(path, place.NORTH_ROW, site, None)
        with Scene.open(path, undated=True) as scene:
            picture = pixels_of(overlay(scene, run, zones_of(site, run.detections)))
        assert near(picture[:20], canvas.ALARM, 10).mean() == pytest.approx(
            1.0 if synthetic else 0.0, abs=0.3
        )


def test_a_plain_picture_keeps_its_grid_and_has_a_scale_but_no_north(tmp_path):
    values = np.full((300, 500, 3), 90, np.uint8)
    path = make_raster(tmp_path / "plain.png", pixels=values, crs=None, transform=None)
    with Scene.open(path, undated=True, gsd_m=0.5) as scene:
        site = Site.whole_picture("plain", scene.info)
        run = made_run(scene.info, site, [("plane", 100, 60, 0.9), ("plane", 400, 200, 0.8)])
        zones = zones_of(site, run.detections)
        view = View.around(scene.info, zones, None, 2400)
        picture = pixels_of(overlay(scene, run, zones, counts=count_run(run, site, made_model())))
        sheet = chip_sheet(scene, run, zones)
    assert view.north is None
    assert view.metres_across == pytest.approx(0.5 / view.scale)
    assert (view.width, view.height) == (1200, 720)
    edge = picture[round((60 - 6) * 2.4), round(100 * 2.4)]
    assert near(edge, canvas.CLASS_COLOURS["plane"], 60)
    assert (sheet.shown, sheet.counted) == (2, 2)


def test_true_north_and_metres_follow_the_ground():
    from tests.detector.made import made_scene

    turned = made_scene(
        transform=(0.0, 0.5, 300_000.0, 0.5, 0.0, 3_920_000.0)
    )  # rows run east, columns north
    right, down = View.around(turned, {}, None, 1200).north
    assert (right, down) == pytest.approx((1, 0), abs=0.03)
    mercator = made_scene(crs="EPSG:3857", transform=(0.5, 0, 4_000_000.0, 0, -0.5, 4_300_000.0))
    view = View.around(mercator, {}, None, 1000)
    assert view.metres_across == pytest.approx(0.5 * np.cos(np.radians(36.0)), rel=0.01)
    assert view.north == pytest.approx((0, -1), abs=1e-6)


def test_chips_of_a_crowd_are_the_best_and_the_worst(tmp_path):
    path = make_raster(tmp_path / "crowd.png", size=(1000, 1000), crs=None, transform=None)
    with Scene.open(path, undated=True, gsd_m=0.5) as scene:
        site = Site.whole_picture("crowd", scene.info)
        scores = np.linspace(0.31, 0.99, 417)
        boxes = [("plane", 20 + 45 * (k % 21), 20 + 45 * (k // 21), s) for k, s in enumerate(scores)]
        sheet = chip_sheet(
            scene,
            made_run(scene.info, site, boxes),
            zones_of(site, made_run(scene.info, site, []).detections),
        )
    assert (sheet.shown, sheet.counted) == (MOST, 417)
    assert sheet.said == f"Showing {MOST} of 417 counted objects: the highest and the lowest scores."


def test_a_chip_is_centred_on_its_object(tmp_path):
    values = np.full((400, 400, 3), 60, np.uint8)
    values[190:210, 290:310] = (250, 20, 20)
    path = make_raster(tmp_path / "one.png", pixels=values, crs=None, transform=None)
    with Scene.open(path, undated=True, gsd_m=0.5) as scene:
        site = Site.whole_picture("one", scene.info)
        run = made_run(scene.info, site, [("plane", 300, 200, 0.9)])
        chip = pixels_of(chip_sheet(scene, run, zones_of(site, run.detections)).picture)[:104, :104]
    rows, columns = np.nonzero(near(chip, (250, 20, 20), 60))
    assert (rows.mean(), columns.mean()) == pytest.approx((51.5, 51.5), abs=1.0)


def test_the_file_is_whole_or_not_there(seen, tmp_path):
    scene, run, zones, counts = seen
    draw_overlay(scene, run, zones, tmp_path / "overlay.png", counts=counts)
    with Image.open(tmp_path / "overlay.png") as drawn:
        drawn.load()
        assert drawn.width == 1200


@pytest.mark.parametrize("name", ["$x$", "مطار", "中区\n<b>", "a" * 400])
def test_any_zone_name_can_be_drawn(seen, name):
    scene, run, zones, _ = seen
    assert overlay(scene, run, {name: zones[place.NORTH_ZONE]}).width >= 900
