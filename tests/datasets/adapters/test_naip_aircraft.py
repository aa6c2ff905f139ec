"""NAIP Aircraft: polygons on the ground into pixels, labels of another scene, names that tell place and time."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import naip_aircraft
from apronwatch_datasets.adapters.geojson_labels import Grid, read_features, ring, to_pixels
from apronwatch_datasets.adapters.naip_aircraft import quarter_of
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.naip_aircraft import NEIGHBOUR, SCENE, TURNED, write_fake
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("naip-aircraft", write_fake, tmp_path)
    scene, beside = image_of(dataset, SCENE), image_of(dataset, NEIGHBOUR)
    np.testing.assert_allclose(scene.objects.polygons[0], TURNED, atol=1e-6)
    np.testing.assert_allclose(beside.objects.polygons[0], TURNED, atol=1e-4)
    assert scene.objects.source_classes.tolist() == ["large aircraft", "helicopter", "9"]
    assert scene.objects.difficult.tolist() == [False, True, False]
    assert scene.objects.ignore.tolist() == [False, False, True]
    assert scene.place == beside.place
    assert scene.time == datetime(2022, 8, 28, tzinfo=UTC)
    assert scene.gsd_m == pytest.approx(0.3, rel=2e-3)
    assert beside.gsd_m == pytest.approx(0.6, rel=2e-3)


def test_images_beside(tmp_path: Path) -> None:
    """The imagery, which comes from elsewhere, may lie beside the dataset."""
    write_fake(tmp_path / "labels")
    (tmp_path / "labels" / "images").rename(tmp_path / "images")
    assert {image.name for image in load(naip_aircraft, tmp_path / "labels").images} == {SCENE, NEIGHBOUR}


def test_quarter_by_hand() -> None:
    """Quadrangle 47 is in the sixth row and seventh column of its degree."""
    quarter = quarter_of("or_m_4412147_se_10_030_20220828")
    assert quarter is not None
    assert quarter.lat == pytest.approx(45 - 5 * 0.125 - 0.09375)
    assert quarter.lon == pytest.approx(-122 + 6 * 0.125 + 0.09375)
    assert quarter.gsd_m == 0.3


@pytest.mark.parametrize("name", ["index", "labeling_template", "or_m_4412147_se_10"])
def test_other_names(name: str) -> None:
    assert quarter_of(name) is None


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="metadata"):
        list(naip_aircraft.read(tmp_path, Log(tmp_path)))


@pytest.fixture
def labels(real_data: Path) -> Path:
    root = real_data / "naip_aircraft_labels"
    if not root.is_dir():
        pytest.skip(f"{root} does not exist")
    return root


def test_real(labels: Path) -> None:
    log = Log(labels)
    sources = list(naip_aircraft.read(labels, log))
    assert len(sources) == 23
    names = Counter(name for source in sources for name in source.objects.names.tolist()) + log.lost
    assert names == {
        "single engine": 418,
        "small aircraft": 536,
        "large aircraft": 673,
        "large military": 99,
        "fighter": 129,
        "helicopter": 101,
    }
    assert Counter(fault.kind for fault in log.faults) == {FaultKind.BAD_LINE: 3}
    assert len({source.place for source in sources}) == 23, "no two of these scenes touch"


def test_real_strays(labels: Path) -> None:
    """Four files begin with another scene's aircraft, point for point, in their own UTM zone."""
    folder = labels / "metadata"
    copies = {
        "id_m_4211437_nw_11_060_20230701_20240209": "ma_m_4107048_sw_19_030_20230811_20231116",
        "ok_m_3509737_se_14_030_20230619_20230928": "ma_m_4107048_sw_19_030_20230811_20231116",
        "or_m_4412147_se_10_030_20220828": "ma_m_4107048_sw_19_030_20230811_20231116",
        "wa_m_4712206_se_10_060_20231007_20240209": "id_m_4311619_se_11_060_20230711_20231127",
    }
    for copy, original in copies.items():
        copied, true = (read_features(folder / f"{name}.geojson") for name in (copy, original))
        ground = Grid(copied.crs, Affine.identity(), 1, 1)
        for mistaken, meant in zip(copied.items, true.items, strict=False):
            np.testing.assert_allclose(ring(mistaken), to_pixels(ring(meant), true.crs, ground), atol=1e-3)


def test_labels_whose_name_tells_no_scene_are_lost_and_said(tmp_path: Path) -> None:
    write_fake(tmp_path)
    labels = tmp_path / "metadata" / f"{SCENE}.geojson"
    labels.rename(labels.with_stem("OR_M_4412147_SE"))
    (tmp_path / "metadata" / "broken.geojson").write_text("{")
    dataset = load(naip_aircraft, tmp_path)
    said = {f.file: f.objects for f in dataset.faults if f.kind is FaultKind.UNREADABLE_LABELS}
    assert said == {"metadata/OR_M_4412147_SE.geojson": 5, "metadata/broken.geojson": 0}
    assert dataset.tally["large aircraft"] == {"dropped": 1}
    assert dataset.tally["helicopter"] == {"dropped": 1}


def test_the_own_folder_of_images_goes_first(tmp_path: Path) -> None:
    write_fake(tmp_path / "labels")
    (tmp_path / "images").mkdir()
    other = tmp_path / "images" / f"{SCENE}.tif"
    other.write_bytes((tmp_path / "labels" / "images" / f"{SCENE}.tif").read_bytes())
    log = Log(tmp_path / "labels")
    paths = {source.name: source.path for source in naip_aircraft.read(tmp_path / "labels", log)}
    assert paths[SCENE].parent == tmp_path / "labels" / "images"
    assert [fault.file for fault in log.faults if fault.kind is FaultKind.STRAY_FILE] == [str(other)]
