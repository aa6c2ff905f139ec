"""NWPU VHR-10: blanks anywhere, and negative pictures, which rightly have no labels."""

from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import nwpu_vhr10
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.fakes.nwpu_vhr10 import write_fake
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("nwpu-vhr10", write_fake, tmp_path)
    first, nothing = image_of(dataset, "positive/001"), image_of(dataset, "negative/001")
    assert first.objects.polygons[1].tolist() == [[60, 70], [90, 70], [90, 100], [60, 100]]
    assert first.objects.lines.tolist() == [1, 2, 4]
    assert first.objects.ignore.tolist() == [False, False, True], "a vehicle of unknown size"
    assert not first.objects.oriented.any()
    assert "vehicle_small" not in first.annotated
    assert len(nothing.objects) == 0
    assert nothing.annotated == {"plane", "ship", "vehicle_small", "vehicle_large"}
    assert first.place != nothing.place
    assert first.gsd_m is None


def test_every_class_is_mapped() -> None:
    assert set(nwpu_vhr10.CLASS_NAMES) == set(class_map("nwpu-vhr10").targets)


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="positive image set"):
        list(nwpu_vhr10.read(tmp_path, Log(tmp_path)))


@pytest.mark.parametrize(
    ("row", "names", "lost"),
    [
        (f"(1,2),(1{'0' * 400},4),1", [], 1),
        (f"(1,2),(3,4),1{'0' * 30}", ["1e+30"], 0),
        ("(1,2),(3,4),2", ["ship"], 0),
    ],
)
def test_numbers_of_any_length(tmp_path: Path, row: str, names: list[str], lost: int) -> None:
    write_fake(tmp_path)
    (tmp_path / "ground truth" / "001.txt").write_text(row)
    log = Log(tmp_path)
    source = next(iter(nwpu_vhr10.read(tmp_path, log)))
    assert source.objects.names.tolist() == names
    assert log.lost.total() == lost
