"""The masks of a STAC item from the asset to the archived count."""

import json
from pathlib import Path

import numpy as np
import pytest

from apronwatch.archive import Archive
from apronwatch.cli.requests import gather, hiding
from apronwatch.counts import Status
from apronwatch.errors import CallInvalid
from apronwatch.manifest import SceneRequest
from apronwatch.survey import SceneOutcome, survey
from tests.detector.made import UTM
from tests.detector.test_survey import PLACE, SIDE_PX, Stamp, planes, scene, site
from tests.rasters import make_raster


def item(folder: Path, **bands: slice) -> SceneRequest:
    """A scene as a STAC item, whose UDM2 has some columns of its bands set."""
    image = scene(folder, 1).path
    udm2 = np.zeros((SIDE_PX, SIDE_PX, 8), np.uint8)
    for band, columns in bands.items():
        udm2[:, columns, int(band[1:]) - 1] = 1
    make_raster(folder / "a_udm2.tif", pixels=udm2, crs=UTM, transform=PLACE)
    assets = {
        "visual": {"href": Path(image).name, "type": "image/tiff", "roles": ["visual"]},
        "udm2": {"href": "a_udm2.tif", "type": "image/tiff", "roles": ["data-mask"]},
    }
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "one",
        "geometry": None,
        "properties": {"datetime": "2024-12-01T08:00:00Z"},
        "links": [],
        "assets": assets,
    }
    (folder / "item.json").write_text(json.dumps(document))
    return SceneRequest(str(folder / "item.json"))


def counted(request: SceneRequest, archive: str, engine: Stamp) -> SceneOutcome:
    [outcome] = survey([request], engine, sites=[site()], archive=archive)
    return outcome


def test_cloud_over_a_zone_leaves_it_unseen_until_the_mask_is_left_out(tmp_path: Path) -> None:
    archive, engine = str(tmp_path / "a.sqlite"), Stamp()
    request = item(tmp_path, b6=slice(0, 200))
    outcome = counted(request, archive, engine)
    assert planes(outcome) == {("base", "left"): None, ("base", "right"): 0, ("base", "*"): 0}
    assert any("udm2 (UDM2) hides ground; --no-item-mask" in reason for reason in outcome.reasons)
    total = next(c for c in outcome.counts if (c.zone, c.class_name) == ("*", "plane"))
    assert (total.status, total.words) == (Status.PARTIAL, "at least 0")
    assert total.observed_fraction == pytest.approx(0.5, abs=1e-6)

    calls = engine.calls
    assert counted(request, archive, engine).counts == outcome.counts
    assert engine.calls == calls, "the same masks are the same run"
    bare = counted(SceneRequest(request.path, no_item_mask=True), archive, engine)
    assert planes(bare)["base", "left"] == 1
    assert not any("UDM2" in reason for reason in bare.reasons)
    with Archive.open(archive) as opened:
        assert len({opened.run(r.run_id).masks_hash for r in opened.runs()}) == 2


def test_snow_is_told_and_comes_back_from_the_archive(tmp_path: Path) -> None:
    """The left zone spans columns 10 to 200: a third of it lies under snow."""
    archive = str(tmp_path / "a.sqlite")
    outcome = counted(item(tmp_path, b2=slice(0, 73)), archive, Stamp())
    left = next(c for c in outcome.counts if (c.zone, c.class_name) == ("left", "plane"))
    [snow] = [reason for reason in left.reasons if reason.startswith("snow:")]
    assert (left.seen, left.status) == (1, Status.COMPLETE)
    assert float(snow.partition(":")[2]) == pytest.approx(63 / 190, abs=0.01)
    with Archive.open(archive) as opened:
        run = opened.run(outcome.run_ids[0])
    assert run.visibility.noted["snow"]["left"] == pytest.approx(63 / 190, abs=0.01)
    assert run.preview is not None


def test_values_that_hide_are_whole_numbers_of_a_mask() -> None:
    assert hiding("8, 3,9") == (3, 8, 9)
    assert hiding(None) is None
    with pytest.raises(CallInvalid, match="whole numbers"):
        hiding("clouds")
    with pytest.raises(CallInvalid, match="there is none"):
        gather(["a.tif"], None, mask_hides=(3,))
