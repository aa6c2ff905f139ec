"""A packed training set: of limited size, the same bytes always, whole when unpacked."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from apronwatch.errors import CallInvalid, DatasetInvalid, OutputInvalid
from apronwatch_datasets.preparing import Prepared, pack, prepare, read_prepared, unpack
from tests.datasets.preparing.made import SMALL, dataset


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    root = tmp_path_factory.mktemp("packing")
    return prepare([dataset(root / "in")], root / "out", SMALL)


def test_unpacked_it_has_the_same_labels_and_nearly_the_same_pixels(
    prepared: Prepared, tmp_path: Path
) -> None:
    packed = pack(prepared.root, tmp_path / "set.zip", max_mb=10)
    assert (packed.quality, packed.tiles) == (90, len(prepared.rows()))
    assert packed.bytes_on_disk == (tmp_path / "set.zip").stat().st_size
    again = unpack(tmp_path / "set.zip", tmp_path / "again")
    assert again.splits == prepared.splits
    for before, after in zip(read_prepared(prepared.root), read_prepared(again.root), strict=True):
        assert (before.name, before.place, before.published_split) == (
            after.name,
            after.place,
            after.published_split,
        )
        np.testing.assert_array_equal(before.objects.polygons, after.objects.polygons)
        np.testing.assert_array_equal(before.objects.classes, after.objects.classes)
        assert after.path.suffix == ".jpg"
        apart = cv2.imread(str(before.path)).astype(int) - cv2.imread(str(after.path))
        assert 0 < np.abs(apart).mean() < 12


def test_the_same_set_gives_the_same_bytes(prepared: Prepared, tmp_path: Path) -> None:
    for name in "ab":
        pack(prepared.root, tmp_path / name, max_mb=10)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_limit_lowers_the_quality_then_refuses(prepared: Prepared, tmp_path: Path) -> None:
    best = pack(prepared.root, tmp_path / "best.zip", max_mb=10)
    limit_mb = best.bytes_on_disk / 1e6 * 0.85
    lower = pack(prepared.root, tmp_path / "lower.zip", max_mb=limit_mb)
    assert 70 <= lower.quality < 90
    assert lower.bytes_on_disk <= limit_mb * 1e6
    with pytest.raises(OutputInvalid, match=r"need [0-9.]+ MB at quality 70") as told:
        pack(prepared.root, tmp_path / "none.zip", max_mb=0.01)
    assert not list(tmp_path.glob("*none*"))
    needed = float(str(told.value).split("need ")[1].split(" MB")[0])
    exact = pack(prepared.root, tmp_path / "least.zip", max_mb=10, quality=70).bytes_on_disk
    assert needed == pytest.approx(exact / 1e6, abs=0.06)
    # A limit of just that size is met.
    assert pack(prepared.root, tmp_path / "just.zip", max_mb=exact / 1e6).quality == 70
    with pytest.raises(OutputInvalid):
        pack(prepared.root, tmp_path / "under.zip", max_mb=(exact - 1) / 1e6)


def test_one_split_alone(prepared: Prepared, tmp_path: Path) -> None:
    pack(prepared.root, tmp_path / "val.zip", max_mb=10, split="val")
    again = unpack(tmp_path / "val.zip", tmp_path / "val")
    assert {row["split"] for row in again.rows()} == {"val"}
    assert list(again.splits) == ["val"]
    with pytest.raises(CallInvalid, match="no tiles in 'calibration'"):
        pack(prepared.root, tmp_path / "none.zip", max_mb=10, split="calibration")


def test_a_file_damaged_on_the_way_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    pack(prepared.root, tmp_path / "set.zip", max_mb=10)
    whole = (tmp_path / "set.zip").read_bytes()
    for name, damaged in (
        ("short", whole[: len(whole) // 2]),
        ("flipped", whole[:5000] + b"?" + whole[5001:]),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(DatasetInvalid, match="again"):
            unpack(tmp_path / name, tmp_path / f"of_{name}")
        assert not (tmp_path / f"of_{name}").exists()
    with pytest.raises(OutputInvalid, match="exists already"):
        unpack(tmp_path / "set.zip", tmp_path)


def test_a_file_that_reaches_outside_its_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.txt", "out")
    with pytest.raises(DatasetInvalid, match="outside"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists()
