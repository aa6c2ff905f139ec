"""Many scenes into one archive: all checked first, each stored by itself, none looked at twice."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from apronwatch.archive import Archive
from apronwatch.counts import Status
from apronwatch.detections import Detections
from apronwatch.engines import TileDetections
from apronwatch.errors import (
    ApronwatchError,
    ArchiveUnwritable,
    CallInvalid,
    EngineFailed,
    MaskInvalid,
    NoTime,
    SceneUnreadable,
    SiteUnknown,
)
from apronwatch.geometry import rotated_boxes
from apronwatch.manifest import SceneRequest
from apronwatch.site import Site
from apronwatch.survey import SceneOutcome, survey
from apronwatch.taxonomy import class_id
from apronwatch.zone import Zone
from tests.detector.made import ORIGIN, UTM, made_model
from tests.rasters import make_raster

SIDE_PX = 400
PLACE = Affine(1.0, 0.0, ORIGIN[0], 0.0, -1.0, ORIGIN[1])


class Stamp:
    """Finds a plane at each white spot, and counts its calls."""

    device = "cpu"
    precision = "fp32"
    batch = 4
    workers = 1

    def __init__(self, *names: str) -> None:
        self.model = made_model(*names)
        self.calls = 0
        self.broken = False

    def detect(self, batch, score_floor):
        self.calls += 1
        if self.broken:
            raise EngineFailed("the accelerator is gone")
        return [TileDetections(self._found(tile), saturated=False) for tile in batch]

    def _found(self, tile):
        spots = cv2.connectedComponentsWithStats((tile[..., 0] > 250).astype(np.uint8))[3][1:]
        n = len(spots)
        boxes = rotated_boxes(*(spots.T + 0.5), np.full(n, 20.0), np.full(n, 12.0), np.zeros(n))
        return Detections(boxes, np.full(n, 0.9), np.full(n, class_id("plane")))


def scene(folder: Path, day: int, *, shift_m: float = 0.0, seed: int | None = None) -> SceneRequest:
    """A dated scene with one white spot, the plane."""
    rng = np.random.default_rng(day if seed is None else seed)
    pixels = rng.integers(0, 240, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    pixels[190:206, 190:206] = 255
    path = folder / f"scene_202412{day:02d}.tif"
    make_raster(path, pixels=pixels, crs=UTM, transform=Affine.translation(shift_m, 0) @ PLACE)
    return SceneRequest(str(path))


def site(site_id: str = "base", east_m: float = 0.0) -> Site:
    """Two zones: the left and the right half of the scenes; the spot stands in the left one."""
    to_lonlat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    west, north = ORIGIN[0] + east_m, ORIGIN[1]
    halves = {
        "left": shapely.box(west + 10, north - 390, west + 200, north - 10),
        "right": shapely.box(west + 200, north - 390, west + 390, north - 10),
    }
    zones = [
        Zone(
            name,
            "apron",
            None,
            None,
            shapely.transform(shape, lambda xy: np.column_stack(to_lonlat.transform(*xy.T))),
        )
        for name, shape in halves.items()
    ]
    return Site(site_id, tuple(zones))


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return str(tmp_path / "counts.sqlite")


def planes(outcome: SceneOutcome) -> dict[tuple[str, str], int | None]:
    return {(c.site, c.zone): c.seen for c in outcome.counts if c.class_name == "plane"}


def test_counts_are_handed_over_and_stored(tmp_path: Path, archive: str) -> None:
    requests = [scene(tmp_path, day) for day in (1, 2)]
    outcomes = list(survey(requests, Stamp(), sites=[site()], archive=archive))
    assert [o.scene.path for o in outcomes] == [r.path for r in requests]
    for outcome in outcomes:
        assert planes(outcome) == {("base", "left"): 1, ("base", "right"): 0, ("base", "*"): 1}
        assert (outcome.status, outcome.reasons) == (Status.COMPLETE, ())
    with Archive.open(archive, create=False) as stored:
        for outcome in outcomes:
            (run_id,) = outcome.run_ids
            assert tuple(stored.run(run_id).counts) == outcome.counts


def test_what_is_stored_is_not_looked_at_again(tmp_path: Path, archive: str) -> None:
    engine, request = Stamp(), scene(tmp_path, 1)
    (first,) = survey([request], engine, sites=[site()], archive=archive)
    (second,) = survey([request], engine, sites=[site()], archive=archive)
    assert engine.calls == 1
    assert (second.counts, second.run_ids) == (first.counts, first.run_ids)


def test_classes_choose_what_is_said_and_not_what_is_stored(tmp_path: Path, archive: str) -> None:
    (outcome,) = survey([scene(tmp_path, 1)], Stamp(), sites=[site()], archive=archive, classes=["ship"])
    assert {(c.class_name, c.status) for c in outcome.counts} == {("ship", Status.NOT_MODELLED)}
    with Archive.open(archive, create=False) as stored:
        names = {c.class_name for c in stored.run(outcome.run_ids[0]).counts}
    assert {"plane", "ship"} <= names


def test_the_same_picture_under_two_names_is_one_scene(tmp_path: Path, archive: str) -> None:
    request = scene(tmp_path, 1)
    copy = tmp_path / "copy_20241201.tif"
    copy.write_bytes(Path(request.path).read_bytes())
    engine = Stamp()
    (outcome,) = survey([request, SceneRequest(str(copy))], engine, sites=[site()], archive=archive)
    assert engine.calls == 1
    assert any(str(copy) in reason for reason in outcome.reasons)


def broken_file(folder: Path) -> SceneRequest:
    (folder / "20241205.tif").write_bytes(b"II*\0")
    return SceneRequest(str(folder / "20241205.tif"))


def undated(folder: Path) -> SceneRequest:
    return SceneRequest(Path(scene(folder, 5).path).rename(folder / "scene.tif").as_posix())


def without_its_mask(folder: Path) -> SceneRequest:
    return SceneRequest(scene(folder, 5).path, mask=str(folder / "clouds.tif"))


def of_unknown_site(folder: Path) -> SceneRequest:
    return SceneRequest(scene(folder, 5).path, site="elsewhere")


def contradicting_itself(folder: Path) -> SceneRequest:
    copy = folder / "again_20241201.tif"
    copy.write_bytes(Path(scene(folder, 1).path).read_bytes())
    return SceneRequest(str(copy), acquisition="another")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (broken_file, SceneUnreadable),
        (undated, NoTime),
        (without_its_mask, MaskInvalid),
        (of_unknown_site, SiteUnknown),
        (contradicting_itself, CallInvalid),
    ],
)
def test_one_wrong_input_and_nothing_is_begun(
    tmp_path: Path, archive: str, wrong, error: type[ApronwatchError]
) -> None:
    engine = Stamp()
    requests = [scene(tmp_path, 1), wrong(tmp_path)]
    with pytest.raises(error):
        list(survey(requests, engine, sites=[site()], archive=archive))
    assert engine.calls == 0
    assert not Path(archive).exists()


def test_one_scene_fails_and_the_others_go_on(tmp_path: Path, archive: str) -> None:
    engine = Stamp()
    outcomes = []
    engine.broken = True
    for outcome in survey([scene(tmp_path, day) for day in (1, 2)], engine, sites=[site()], archive=archive):
        outcomes.append(outcome)
        engine.broken = False
    failed, done = outcomes
    assert (failed.status, done.status) == (Status.FAILED, Status.COMPLETE)
    assert any("the accelerator is gone" in reason for reason in failed.reasons)
    assert set(planes(failed).values()) == {None}
    (again,) = survey([scene(tmp_path, 1)], engine, sites=[site()], archive=archive)
    assert (again.status, planes(again)) == (Status.COMPLETE, planes(done))
    with Archive.open(archive, create=False) as stored:
        assert [row.failure for row in stored.runs("base")] == [None, None]


@pytest.mark.parametrize("gone", ["mask", "picture"])
def test_what_goes_missing_meanwhile_fails_one_scene(tmp_path: Path, archive: str, gone: str) -> None:
    requests = [scene(tmp_path, day) for day in (1, 2, 3)]
    mask = tmp_path / "mask.tif"
    make_raster(mask, pixels=np.zeros((SIDE_PX, SIDE_PX, 1), np.uint8), crs=UTM, transform=PLACE)
    requests[1] = replace(requests[1], mask=str(mask))
    outcomes = []
    for outcome in survey(requests, Stamp(), sites=[site()], archive=archive):
        outcomes.append(outcome)
        (mask if gone == "mask" else Path(requests[1].path)).unlink(missing_ok=True)
    assert [o.status for o in outcomes] == [Status.COMPLETE, Status.FAILED, Status.COMPLETE]
    (reason,) = [r for r in outcomes[1].reasons if r.startswith("failed: ")]
    assert (mask.name if gone == "mask" else Path(requests[1].path).name) in reason
    assert set(planes(outcomes[1]).values()) == {None}


def test_counts_that_cannot_be_stored_are_still_said(
    tmp_path: Path, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_, **__):
        raise ArchiveUnwritable("no space left")

    monkeypatch.setattr(Archive, "store", full)
    (outcome,) = survey([scene(tmp_path, 1)], Stamp(), sites=[site()], archive=archive)
    assert planes(outcome)[("base", "*")] == 1
    assert outcome.run_ids == ()
    assert outcome.reasons == ("not_archived: no space left",)


def test_a_site_that_the_scene_does_not_reach_is_unseen_and_not_stored(tmp_path: Path, archive: str) -> None:
    places = [site(), site("far", east_m=5000.0)]
    (outcome,) = survey([scene(tmp_path, 1)], Stamp(), sites=places, archive=archive)
    assert planes(outcome)[("base", "*")] == 1
    assert planes(outcome)[("far", "*")] is None
    assert {c.status for c in outcome.counts if c.site == "far" and c.class_name == "plane"} == {
        Status.UNSEEN
    }
    assert outcome.status is Status.COMPLETE
    (elsewhere,) = survey([scene(tmp_path, 2)], Stamp(), sites=places[1:], archive=archive)
    assert (elsewhere.status, elsewhere.run_ids) == (Status.UNSEEN, ())
    assert any("far" in reason for reason in elsewhere.reasons)
    with Archive.open(archive, create=False) as stored:
        assert [row.site for row in stored.runs()] == ["base"]


def test_half_a_site_is_partial_and_the_unseen_half_has_no_number(tmp_path: Path, archive: str) -> None:
    (outcome,) = survey([scene(tmp_path, 1, shift_m=-210.0)], Stamp(), sites=[site()], archive=archive)
    assert planes(outcome)[("base", "right")] is None
    by_zone = {c.zone: c for c in outcome.counts if c.class_name == "plane"}
    assert by_zone["left"].status is Status.PARTIAL
    assert by_zone["*"].status is Status.PARTIAL
    assert outcome.status is Status.PARTIAL


def test_without_sites_each_picture_is_a_site_of_its_own(tmp_path: Path, archive: str) -> None:
    requests = [scene(tmp_path, 1), SceneRequest(scene(tmp_path, 2).path, site="named")]
    outcomes = list(survey(requests, Stamp(), archive=archive))
    assert [set(planes(o)) for o in outcomes] == [
        {("scene_20241201", "image"), ("scene_20241201", "*")},
        {("named", "image"), ("named", "*")},
    ]
    assert [planes(o)[next(iter(planes(o)))] for o in outcomes] == [1, 1]
