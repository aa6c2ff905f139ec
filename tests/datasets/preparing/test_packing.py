"""A packed training set: of limited size, the same bytes always, whole when unpacked."""

import math
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from apronwatch.errors import CallInvalid, DatasetInvalid, OutputInvalid
from apronwatch_datasets.preparing import Prepared, pack, prepare, read_prepared, unpack
from tests.datasets.preparing.made import SMALL, contents, dataset


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


@pytest.mark.parametrize("change", ["left out", "changed"])
@pytest.mark.parametrize("kind", ["images", "labels", "regions"])
def test_a_file_of_a_tile_that_is_missing_or_changed_is_refused(
    prepared: Prepared, tmp_path: Path, kind: str, change: str
) -> None:
    pack(prepared.root, tmp_path / "set.zip", max_mb=10)
    rewrite(tmp_path / "set.zip", tmp_path / "other.zip", kind, change)
    with pytest.raises(DatasetInvalid, match=f"{kind}/.* is missing or damaged") as told:
        unpack(tmp_path / "other.zip", tmp_path / "out")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def rewrite(file: Path, out: Path, kind: str, change: str) -> None:
    """The same zip file but for one member of a kind."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(out, "w") as target:
        one = next(name for name in source.namelist() if name.startswith(kind))
        for name in source.namelist():
            if name != one:
                target.writestr(name, source.read(name))
            elif change == "changed":
                target.writestr(name, source.read(name) + b" ")


def test_a_tile_that_the_manifest_does_not_name_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    pack(prepared.root, tmp_path / "set.zip", max_mb=10)
    with zipfile.ZipFile(tmp_path / "set.zip", "a") as archive:
        archive.writestr("labels/train/more.txt", "0 0 0 1 0 1 1 0 1\n")
    with pytest.raises(DatasetInvalid, match=r"labels/train/more\.txt, which its manifest does not name"):
        unpack(tmp_path / "set.zip", tmp_path / "out")


def test_a_set_made_before_labels_had_hashes_can_be_packed(tmp_path: Path) -> None:
    made = prepare([dataset(tmp_path / "in", number=2)], tmp_path / "out", SMALL)
    path = made.root / "manifest.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["labels_sha256", "regions_sha256"]), path)
    pack(made.root, tmp_path / "set.zip", max_mb=10)
    assert len(unpack(tmp_path / "set.zip", tmp_path / "again").rows()) == len(made.rows())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("manifest.parquet", b"PAR1 no more", "missing or damaged"),
        ("manifest.parquet", None, "missing or damaged"),
        ("prepared.json", b'{"format": 1,', "is damaged"),
        ("prepared.json", b"\xff\xfe\x00", "is damaged"),
        ("prepared.json", b"[1]", "holds list"),
        ("prepared.json", b'{"format": 1}', "says nothing of image_format"),
    ],
)
def test_a_damaged_record_is_said_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    root = prepare([dataset(tmp_path / "in", number=1)], tmp_path / "out", SMALL).root
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(content)
    with pytest.raises(DatasetInvalid, match=said) as told:
        list(read_prepared(root))
    assert "\n" not in str(told.value)
    assert name in str(told.value)


def test_a_manifest_of_other_columns_is_refused(tmp_path: Path) -> None:
    root = prepare([dataset(tmp_path / "in", number=1)], tmp_path / "out", SMALL).root
    table = pq.read_table(root / "manifest.parquet")
    pq.write_table(table.drop_columns(["place"]), root / "manifest.parquet")
    with pytest.raises(DatasetInvalid, match="no column place"):
        read_prepared(root)


def test_a_file_that_reaches_outside_its_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../evil.txt", "out")
    with pytest.raises(DatasetInvalid, match="outside"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize("max_mb", [math.nan, math.inf, 0.0, -1.0])
def test_a_limit_that_is_none_is_refused_before_anything(
    prepared: Prepared, tmp_path: Path, max_mb: float
) -> None:
    with pytest.raises(CallInvalid, match="expected a number above 0"):
        pack(prepared.root, tmp_path / "deep" / "set.zip", max_mb)
    assert not list(tmp_path.iterdir())


def test_what_is_no_packed_set_is_not_written_over(prepared: Prepared, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "thesis.zip", "w") as archive:
        archive.writestr("thesis.txt", "mine")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "thesis.zip").read_bytes()[30:])
    (tmp_path / "folder.zip").mkdir()
    for name in ("thesis.zip", "cut.zip", "folder.zip"):
        with pytest.raises(OutputInvalid, match=f"{name}: exists and is no packed set"):
            pack(prepared.root, tmp_path / name, max_mb=10)
    with pytest.raises(OutputInvalid, match="lies in the training set"):
        pack(prepared.root, prepared.root / "set.zip", max_mb=10)
    ours = tmp_path / "set.zip"
    for quality in (75, 90):
        pack(prepared.root, ours, max_mb=10, quality=quality)
    assert unpack(ours, tmp_path / "out").document["packed"]["quality"] == 90


def test_hidden_files_beside_the_target_are_not_touched(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / ".set.zip.tmp").write_text("mine")
    (tmp_path / ".out.tmp").mkdir()
    (tmp_path / ".out.tmp" / "thesis.txt").write_text("mine")
    before = contents(tmp_path)
    pack(prepared.root, tmp_path / "set.zip", max_mb=10)
    unpack(tmp_path / "set.zip", tmp_path / "out")
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {p.name for p in tmp_path.iterdir()} == {".set.zip.tmp", ".out.tmp", "set.zip", "out"}


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_folder_that_data_yaml_names_is_there(prepared: Prepared, tmp_path: Path, split: str) -> None:
    pack(prepared.root, tmp_path / "one.zip", max_mb=10, split=split)
    root = unpack(tmp_path / "one.zip", tmp_path / "one").root
    described = yaml.safe_load((root / "data.yaml").read_text())
    assert {key: described.get(key) for key in ("train", "val", "test")} == {
        "train": f"images/{split}", "val": f"images/{split}", "test": None,
    }  # fmt: skip
    assert list((root / described["val"]).iterdir())


@pytest.mark.parametrize("kind", ["images", "labels", "regions"])
def test_the_file_that_a_set_lacks_is_named(tmp_path: Path, kind: str) -> None:
    made = prepare([dataset(tmp_path / "in", number=1)], tmp_path / "out", SMALL)
    gone = next((made.root / kind).rglob("*.*"))
    gone.unlink()
    with pytest.raises(DatasetInvalid, match=f"{kind}/train/{gone.name}: is gone"):
        pack(made.root, tmp_path / "set.zip", max_mb=10)
