"""DOTA."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import adapter, dota
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes.dota import write_fake
from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.faults import FaultKind
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake


def test_fake(tmp_path: Path) -> None:
    dataset = load_fake("dota", write_fake, tmp_path)
    first, crossed, tile = (
        image_of(dataset, name) for name in ("train/P0000", "train/P0001", "val/P0002__1__824___0")
    )
    assert first.objects.polygons[1].tolist() == [[60.5, 60], [90, 70], [85, 85], [55.5, 75]]
    assert first.objects.source_classes.tolist() == ["plane", "small-vehicle", "ship"]
    assert first.objects.difficult.tolist() == [False, True, True]
    assert (first.gsd_m, first.time, first.place) == (0.8, datetime(2016, 3, 5, tzinfo=UTC), "P0000")
    assert (crossed.gsd_m, crossed.time, crossed.published_split) == (None, None, "train")
    assert (tile.place, tile.published_split, len(tile.objects)) == ("P0002", "val", 0)


def test_header_goes_before_meta(tmp_path: Path) -> None:
    write_fake(tmp_path)
    write_lines(
        tmp_path / "train/labelTxt-v2.0/DOTA-v2.0_train/P0000.txt", "imagesource:GoogleEarth", "gsd:0.25"
    )
    images = {image.name: image for image in dota.read(tmp_path, Log(tmp_path))}
    assert images["train/P0000"].gsd_m == 0.25


@pytest.mark.parametrize("folder", ["images", "train/images"])
def test_no_labels(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(DatasetInvalid, match="labelTxt"):
        list(dota.read(tmp_path, Log(tmp_path)))


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no folder images"):
        list(dota.read(tmp_path, Log(tmp_path)))


def test_real_samples(real_data: Path) -> None:
    dataset = load(adapter("dota"), real_data / "dota_samples")
    assert len(dataset.images) == 9
    assert not dataset.faults
    assert {name: fates.total() for name, fates in dataset.tally.items()} == {
        "small-vehicle": 49,
        "large-vehicle": 67,
        "plane": 19,
        "ship": 531,
        "harbor": 5,
    }
    difficult = Counter(
        name
        for image in dataset.images
        for name in image.objects.source_classes[image.objects.difficult].tolist()
    )
    assert difficult["small-vehicle"] == 35
    assert image_of(dataset, "P0706").gsd_m == pytest.approx(0.2556, abs=1e-4)
    assert len({image.place for image in dataset.images}) == 4


@pytest.mark.parametrize(("version", "complete"), [("v1.0", False), ("v1.5", True), ("v2.0", True)])
def test_small_vehicles_are_not_complete_in_the_first_version(
    tmp_path: Path, version: str, complete: bool
) -> None:
    write_lines(tmp_path / f"train/labelTxt-{version}/labelTxt/P0000.txt", "1 1 9 1 9 9 1 9 ship 0")
    paint(tmp_path / "train/images/P0000.png", 64, 64)
    (image,) = load(adapter("dota"), tmp_path).images
    assert ("vehicle_small" in image.annotated) == complete
    assert image.annotated >= {"plane", "helicopter", "ship", "vehicle_large"}


def blanked(root: Path, labels: str, *, name: str = "P0001") -> tuple[list[str], list[FaultKind]]:
    """Images and faults of two pictures of which one has a label file without a byte."""
    write_lines(root / labels / "P0000.txt", "1 1 9 1 9 9 1 9 ship 0")
    write_lines(root / labels / f"{name}.txt")
    for stem in ("P0000", name):
        paint(root / "train/images" / f"{stem}.png", 64, 64)
    dataset = load(adapter("dota"), root)
    return [image.name for image in dataset.images], [fault.kind for fault in dataset.faults]


@pytest.mark.parametrize("version", ["labelTxt", "labelTxt-v1.0/labelTxt", "labelTxt-v1.5/DOTA-v1.5_train"])
def test_a_label_file_without_a_byte_is_damaged(tmp_path: Path, version: str) -> None:
    """These versions begin each file with header lines."""
    images, faults = blanked(tmp_path, f"train/{version}")
    assert images == ["train/P0000"]
    assert faults == [FaultKind.UNREADABLE_LABELS]


def test_a_tile_without_objects_has_an_empty_file(tmp_path: Path) -> None:
    images, faults = blanked(tmp_path, "train/labelTxt", name="P0001__1__824___0")
    assert len(images) == 2
    assert not faults


def test_version_2_has_no_headers_to_lose(tmp_path: Path) -> None:
    images, faults = blanked(tmp_path / "named", "train/labelTxt-v2.0/DOTA-v2.0_train")
    assert (len(images), faults) == (2, [])
    write_lines(tmp_path / "meta/train/meta/P0000.txt", "gsd:0.5")
    images, faults = blanked(tmp_path / "meta", "train/labelTxt")
    assert (len(images), faults) == (2, [])


def test_who_knows_better_says_what_is_not_complete(tmp_path: Path) -> None:
    """The rows that the adapter's own text gives."""
    assert dota.__doc__ is not None
    rows = [line.strip() for line in dota.__doc__.splitlines() if "," in line and line.startswith("    d")]
    (tmp_path / "own.csv").write_text("\n".join(rows))
    write_fake(tmp_path / "fake")
    dataset = load(adapter("dota"), tmp_path / "fake", own_classes=tmp_path / "own.csv")
    assert {image.annotated for image in dataset.images} == {frozenset({"plane", "helicopter", "ship"})}
    assert "small-vehicle" in image_of(dataset, "train/P0000").objects.source_classes.tolist()
