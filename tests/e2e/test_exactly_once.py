"""Every object exactly once through the whole pipeline: files, tiles, reading, merging, counting.

An ideal engine sees what a tile's pixels show of each object. What is left to go wrong is ours.
"""

from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from apronwatch.counting import count_run
from apronwatch.geometry import polygons_to_shapely
from apronwatch.pipeline import detect
from apronwatch.run import Run
from apronwatch.scene import Scene
from apronwatch.site import Site
from tests.detector.ideal import Truth, air_base
from tests.painted import Crop, Ground, IdealEngine, Seen

GSD_M = 0.3
JITTER_PX = 1.0
MARGIN_PX = 1.5
"""A visible part centred this close to the edge may be put beyond it by the jitter, and is then nowhere."""


@pytest.fixture(scope="module")
def ground() -> Ground:
    """All of the air base but the one transport that would be painted over a fighter."""
    truth = air_base()
    shapes = polygons_to_shapely(truth.polygons)
    under, over = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[under], shapes[over])) / shapely.area(shapes[under])
    covering = np.unique(over[(under < over) & (shared > 0.5)])
    kept = np.delete(np.arange(len(truth)), covering)
    painted = Ground.painted(Truth(truth.polygons[kept], truth.classes[kept]), GSD_M)
    assert (len(kept), (painted.areas[1:] > 0).all()) == (416, True)
    return painted


def random_crop(ground: Ground, rng: np.random.Generator) -> Crop:
    height, width = ground.pixels.shape[:2]
    size = rng.integers(500, [1500, 1300])
    left, top = rng.integers(0, [width, height] - size)
    return ground.crop(int(left), int(top), *size.tolist())


def look(crop: Crop, engine: IdealEngine, path: Path, *, georeferenced: bool = True) -> tuple[Run, Site]:
    """The run over a whole crop, and the site it was made for."""
    crop.write(path, georeferenced=georeferenced)
    with Scene.open(path, undated=True, gsd_m=None if georeferenced else GSD_M) as scene:
        site = Site.whole_picture("base", scene.info)
        return detect(scene, engine, site), site


def centres_px(run: Run) -> NDArray[np.float64]:
    """Centres in pixels of the scene."""
    return run.scene.to_pixels(run.detections.centres, run.detections.crs)


def times_seen(truth: Seen, found: NDArray[np.float64]) -> NDArray[np.intp]:
    """How often each object was found; asserts that nothing else was."""
    distance, nearest = cKDTree(truth.centres).query(found)
    assert distance.max(initial=0.0) <= np.hypot(JITTER_PX, JITTER_PX) + 0.1
    return np.bincount(nearest, minlength=len(truth.ids))


@pytest.mark.parametrize("seed", range(24))
def test_each_object_of_a_random_crop_is_counted_once(tmp_path: Path, ground: Ground, seed: int) -> None:
    rng = np.random.default_rng([5, seed])
    crop = random_crop(ground, rng)
    engine = IdealEngine(ground, tile_px=int(rng.choice([640, 768, 1024])), jitter_px=JITTER_PX, seed=seed)
    run, site = look(crop, engine, tmp_path / "crop.tif", georeferenced=seed % 4 > 0)
    truth = crop.truth()
    times = times_seen(truth, centres_px(run))
    sure = crop.edge_px(truth.centres) > MARGIN_PX
    assert (times[sure] == 1).all(), truth.ids[sure & (times != 1)]
    assert (times[~sure] <= 1).all()
    counts = {c.class_name: c for c in count_run(run, site, engine.model) if c.zone == "*"}
    seen = [c.seen for c in counts.values() if c.seen is not None]
    assert sure.sum() <= sum(seen) <= len(truth.ids)
    assert all(c.status.value in ("complete", "not_modelled") for c in counts.values())


def test_the_whole_ground_at_once(tmp_path: Path, ground: Ground) -> None:
    height, width = ground.pixels.shape[:2]
    run, site = look(ground.crop(0, 0, width, height), IdealEngine(ground), tmp_path / "all.tif")
    counts = {c.class_name: c.seen for c in count_run(run, site, IdealEngine(ground).model) if c.zone == "*"}
    assert counts == {
        "plane": 101, "helicopter": None, "vehicle_small": 240, "vehicle_large": 75, "ship": None,
    }  # fmt: skip
    assert not run.detections.truncated.any()


def test_the_same_ground_in_another_crop_gives_the_same_boxes(tmp_path: Path, ground: Ground) -> None:
    """Tiles are anchored to the world: without jitter, what two crops share is seen alike."""
    engine = IdealEngine(ground, jitter_px=0.0)
    crops = [ground.crop(100, 560, 1300, 1000), ground.crop(411, 637, 1300, 1000)]
    boxes = []
    for number, crop in enumerate(crops):
        run, _ = look(crop, engine, tmp_path / f"{number}.tif")
        whole = ~run.detections.truncated
        boxes.append(np.round(run.detections.polygons[whole].mean(axis=1), 3))
    west, east = (crops[1].transform @ (60, 0))[0], (crops[0].transform @ (1240, 0))[0]
    north, south = (crops[1].transform @ (0, 60))[1], (crops[0].transform @ (0, 940))[1]
    shared = [
        {tuple(centre) for centre in found.tolist() if west < centre[0] < east and south < centre[1] < north}
        for found in boxes
    ]
    assert len(shared[0]) > 100
    assert shared[0] == shared[1]


@pytest.mark.parametrize("georeferenced", [True, False])
def test_truncated_is_what_the_edge_of_the_picture_cuts(
    tmp_path: Path, ground: Ground, georeferenced: bool
) -> None:
    engine = IdealEngine(ground, jitter_px=0.0)
    sides: set[str] = set()
    certain = []
    for number in range(5):
        crop = random_crop(ground, np.random.default_rng([11, number]))
        run, _ = look(crop, engine, tmp_path / f"{number}.tif", georeferenced=georeferenced)
        truth = crop.truth()
        _, nearest = cKDTree(truth.centres).query(centres_px(run))
        cut = crop.cut(truth)[nearest]
        # A whole object may end within the two pixels in which the edge cannot be told from a cut.
        clear = cut | (crop.edge_px(truth.boxes[nearest]).min(axis=1) > 2.0)
        wrong = clear & (run.detections.truncated != cut)
        assert not wrong.any(), (number, truth.boxes[nearest][wrong], cut[wrong])
        certain += clear.tolist()
        for box in truth.boxes[crop.cut(truth)]:
            low, high = box.min(axis=0), box.max(axis=0)
            sides |= {
                name
                for name, off in zip(
                    ("west", "north", "east", "south"),
                    (*low, crop.width - high[0], crop.height - high[1]),
                    strict=True,
                )
                if off < 0.5
            }
    assert np.mean(certain) > 0.97
    assert sides == {"west", "north", "east", "south"}
