"""DIOR and DIOR-R: the same pictures with upright and with turned boxes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import adapter, dior
from apronwatch_datasets.fakes import dior as fake_dior
from apronwatch_datasets.fakes import dior_r as fake_dior_r
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake

FAKES = [
    ("dior", fake_dior.write_fake, False, [[10, 20], [50, 20], [50, 60], [10, 60]]),
    ("dior-r", fake_dior_r.write_fake, True, [[30, 20], [50, 40], [30, 60], [10, 40]]),
]


@pytest.mark.parametrize(("name", "write_fake", "oriented", "corners"), FAKES)
def test_fake(
    tmp_path: Path,
    name: str,
    write_fake: Callable[[Path], FakeTruth],
    oriented: bool,
    corners: list[list[float]],
) -> None:
    dataset = load_fake(name, write_fake, tmp_path)
    train, test = image_of(dataset, "00001"), image_of(dataset, "11726")
    assert train.objects.polygons[0].tolist() == corners
    assert train.objects.source_classes.tolist() == ["airplane"]
    assert train.objects.oriented.tolist() == [oriented]
    assert (train.published_split, test.published_split) == ("train", "test")
    assert dict(dataset.tally["expressway-service-area"]) == {"background": 1}
    assert test.objects.ignore.tolist()[0], "a vehicle of unknown size"
    assert train.annotated == {"plane", "ship"}
    assert train.gsd_m is None


def test_labels_without_a_folder_of_their_own(tmp_path: Path) -> None:
    """Older copies of DIOR have their label files in `Annotations` itself."""
    fake_dior.write_fake(tmp_path)
    for path in (tmp_path / "Annotations" / "Horizontal Bounding Boxes").glob("*.xml"):
        path.rename(tmp_path / "Annotations" / path.name)
    (tmp_path / "Annotations" / "Horizontal Bounding Boxes").rmdir()
    assert [source.name for source in dior.read(tmp_path, Log(tmp_path))] == ["00001", "00002", "11726"]


@pytest.mark.parametrize("name", ["dior", "dior-r"])
def test_another_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetInvalid, match="Annotations"):
        list(adapter(name).read(tmp_path, Log(tmp_path)))


def test_a_picture_in_two_folders_is_read_once(tmp_path: Path) -> None:
    fake_dior.write_fake(tmp_path)
    first = tmp_path / "JPEGImages-trainval" / "00001.jpg"
    (tmp_path / "JPEGImages-test" / "00001.jpg").write_bytes(first.read_bytes())
    log = Log(tmp_path)
    images = {source.name: source.path for source in dior.read(tmp_path, log)}
    assert images["00001"] == first
    assert "JPEGImages-test/00001.jpg" in [fault.file for fault in log.faults if fault.kind == "stray_file"]
