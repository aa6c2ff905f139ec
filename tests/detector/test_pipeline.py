"""One pass over a scene: what is looked at, what the engine is shown, what is kept of its answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from apronwatch.detections import Detections
from apronwatch.engines import TileDetections
from apronwatch.errors import EngineFailed, SiteInvalid
from apronwatch.geometry import rotated_boxes
from apronwatch.pipeline import detect
from apronwatch.run import Run, counted
from apronwatch.scene import Scene
from apronwatch.site import Site
from apronwatch.taxonomy import class_id
from apronwatch.zone import Zone
from tests.detector.ideal import Truth
from tests.detector.made import made_class, pixel_site
from tests.painted import CORNER, CRS, Ground, IdealEngine
from tests.rasters import make_raster

GSD_M = 0.5


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Lorries of 12 by 4 m, 40 m apart, on 1,000 by 1,000 m."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(0.0, 1000, 40), np.arange(0.0, 1000, 40)))
    n = len(x)
    boxes = rotated_boxes(x, y, np.full(n, 12.0), np.full(n, 4.0), np.radians(np.arange(n) % 180))
    return Ground.painted(Truth(boxes, np.full(n, class_id("vehicle_large"))), GSD_M, margin_m=0.0)


@pytest.fixture
def image(tmp_path: Path, ground: Ground) -> Path:
    return ground.crop(100, 100, 1500, 1200).write(tmp_path / "scene.tif")


class Watched(IdealEngine):
    """Notes what it is shown."""

    def __init__(self, ground: Ground, **given) -> None:
        super().__init__(ground, **given)
        self.tiles = 0
        self.floors: set[float] = set()

    def detect(self, batch, score_floor):
        assert batch.dtype == np.uint8
        assert batch.shape[1:] == (self.model.tile_px, self.model.tile_px, 3)
        assert len(batch) <= self.batch
        self.tiles += len(batch)
        self.floors.add(score_floor)
        return super().detect(batch, score_floor)


def look(image: Path, engine, site: Site | None = None, **given) -> Run:
    with Scene.open(image, undated=True, mask=given.pop("mask", None)) as scene:
        return detect(scene, engine, site, **given)


def site_of(**zones: shapely.Polygon) -> Site:
    """Zones in metres of the ground's plane."""
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    made = [
        Zone(
            name,
            "apron",
            None,
            None,
            shapely.transform(shape, lambda xy: np.column_stack(to_lonlat.transform(*xy.T))),
        )
        for name, shape in zones.items()
    ]
    return Site("base", tuple(made))


def corner(west_m: float, north_m: float, side_m: float) -> shapely.Polygon:
    """A square, its north-west corner so far from the ground's."""
    west, north = CORNER[0] + west_m, CORNER[1] - north_m
    return shapely.box(west, north - side_m, west + side_m, north)


def test_only_tiles_at_the_zones_are_looked_at(image: Path, ground: Ground) -> None:
    everywhere, there = Watched(ground, tile_px=512), Watched(ground, tile_px=512)
    all_of_it = look(image, everywhere)
    part = look(image, there, site_of(north=corner(120, 120, 60)))
    assert 0 < there.tiles == part.tiles < everywhere.tiles == all_of_it.tiles
    assert 0 < len(part.detections) < len(all_of_it.detections)
    assert part.visibility.fractions == {"north": pytest.approx(1.0), "*": pytest.approx(1.0)}


def test_progress_ends_at_the_number_of_tiles(image: Path, ground: Ground) -> None:
    told: list[tuple[int, int]] = []
    run = look(image, Watched(ground, tile_px=512), progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(1, run.tiles + 1))
    assert {total for _, total in told} == {run.tiles}
    assert set(run.stage_s) == {"read", "engine", "merge"}
    assert all(seconds >= 0 for seconds in run.stage_s.values())


def test_threads_change_nothing(image: Path, ground: Ground) -> None:
    one, four = (Watched(ground, tile_px=512) for _ in range(2))
    four.workers = 4
    runs = [look(image, engine) for engine in (one, four)]
    np.testing.assert_array_equal(runs[0].detections.polygons, runs[1].detections.polygons)
    np.testing.assert_array_equal(runs[0].detections.scores, runs[1].detections.scores)
    assert runs[0].key == runs[1].key


def test_what_decides_the_boxes_decides_the_key(image: Path, ground: Ground) -> None:
    engine = Watched(ground)
    same, again = look(image, engine), look(image, engine)
    assert same.key == again.key
    assert engine.floors == {0.05}
    other_engine = Watched(ground)
    other_engine.precision = "fp16"
    others = [
        look(image, engine, score_floor=0.5),
        look(image, engine, site_of(a=corner(120, 120, 60))),
        look(image, other_engine),
        look(image, Watched(ground, tile_px=512)),
    ]
    assert len({run.key for run in [same, *others]}) == 5
    assert engine.floors == {0.05, 0.5}


def test_boxes_under_a_mask_are_kept_and_do_not_count(tmp_path: Path, image: Path, ground: Ground) -> None:
    values = np.zeros((1200, 1500), np.uint8)
    values[:, 700:] = 1
    mask = make_raster(
        tmp_path / "mask.tif", pixels=values, crs=CRS, transform=ground.crop(100, 100, 1500, 1200).transform
    )
    engine = IdealEngine(ground, jitter_px=0.0)
    clear, masked = look(image, engine), look(image, engine, mask=str(mask))
    assert len(masked.detections) == len(clear.detections) == len(counted(clear))
    edge = CORNER[0] + (100 + 700) * GSD_M
    np.testing.assert_array_equal(masked.hidden, masked.detections.centres[:, 0] > edge)
    assert len(counted(masked)) == (~masked.hidden).sum() > 0
    assert masked.visibility.fractions["*"] == pytest.approx(700 / 1500, abs=1e-3)


def test_nothing_is_shown_that_holds_nothing(tmp_path: Path, ground: Ground) -> None:
    pixels = ground.crop(100, 100, 1500, 1200).pixels.copy()
    pixels[:, 500:] = 0
    values = {"crs": CRS, "transform": ground.crop(100, 100, 1500, 1200).transform}
    valid = np.zeros(pixels.shape[:2], bool)
    valid[:, :500] = True
    scene = make_raster(tmp_path / "half.tif", pixels=pixels, mask=valid, **values)
    empty = make_raster(tmp_path / "none.tif", pixels=np.zeros_like(pixels), nodata=0, **values)
    half, nothing = Watched(ground, tile_px=512), Watched(ground, tile_px=512)
    run = look(scene, half)
    assert 0 < half.tiles < run.tiles
    assert run.visibility.fractions["*"] == pytest.approx(1 / 3, abs=1e-3)
    run = look(empty, nothing)
    assert (nothing.tiles, len(run.detections), run.visibility.fractions["*"]) == (0, 0, 0.0)


class Breaking(IdealEngine):
    def detect(self, batch, score_floor):
        raise RuntimeError("out of memory")


def test_an_engine_that_breaks_is_named(image: Path, ground: Ground) -> None:
    with pytest.raises(EngineFailed, match="out of memory"):
        look(image, Breaking(ground))


class Saturated(IdealEngine):
    """Reaches its cap wherever it sees something."""

    def detect(self, batch, score_floor):
        return [
            TileDetections(found.detections, saturated=len(found.detections) > 0)
            for found in super().detect(batch, score_floor)
        ]


def test_where_a_cap_was_reached_is_remembered(image: Path, ground: Ground) -> None:
    run = look(image, Saturated(ground, tile_px=512))
    assert shapely.intersects_xy(run.saturated, *run.detections.centres.T).all()
    assert look(image, IdealEngine(ground)).saturated.is_empty


class TwoScales(IdealEngine):
    """Calls everything it sees a car and a lorry, at both scales."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, jitter_px=0.0)
        fine, coarse = made_class("vehicle_small"), made_class("vehicle_large")
        classes = {
            "vehicle_small": replace(fine, pass_gsd_m=GSD_M, longest_m=20.0),
            "vehicle_large": replace(coarse, pass_gsd_m=2 * GSD_M, longest_m=20.0),
        }
        self.model = replace(self.model, classes=classes)
        self.sides: list[int] = []

    def _look(self, tile):
        # Where it sees the 0.5 m pixels as they are, it reads them; at 1 m they are averaged: one box per blob.
        found = super()._look(tile)
        both = [replace(found, classes=np.full(len(found), class_id(name))) for name in self.model.classes]
        return Detections.concatenate(both)


def test_each_class_comes_from_its_own_pass(image: Path, ground: Ground) -> None:
    run = look(image, TwoScales(ground))
    fine = run.detections.classes == class_id("vehicle_small")
    expected = ground.crop(100, 100, 1500, 1200).truth()
    assert fine.sum() == len(expected.ids)
    gsds = [one["gsd_m"] for one in run.parameters["passes"]]
    assert gsds == [GSD_M, 2 * GSD_M]
    assert [one["classes"] for one in run.parameters["passes"]] == [["vehicle_small"], ["vehicle_large"]]


def test_a_site_in_pixels_is_for_pictures_and_one_on_a_map_for_scenes(
    tmp_path: Path, image: Path, ground: Ground
) -> None:
    engine = IdealEngine(ground)
    with pytest.raises(SiteInvalid, match="in pixels"):
        look(image, engine, pixel_site(a=shapely.box(0, 0, 100, 100)))
    picture = ground.crop(100, 100, 600, 600).write(tmp_path / "picture.png", georeferenced=False)
    with (
        Scene.open(picture, undated=True, gsd_m=GSD_M) as scene,
        pytest.raises(SiteInvalid, match="without georeference"),
    ):
        detect(scene, engine, site_of(a=corner(120, 120, 60)))
