"""Aerial Airport, aerial cars and HRPlanes."""

from collections import Counter
from pathlib import Path

import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import ADAPTERS, adapter, aerial_airport
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes import aerial_airport as fake_airport
from apronwatch_datasets.fakes import aerial_cars as fake_cars
from apronwatch_datasets.fakes import hrplanes as fake_hrplanes
from apronwatch_datasets.faults import counted
from apronwatch_datasets.source import Log, SourceImage
from tests.datasets.adapters.common import image_of, load_fake


def read(name: str, root: Path) -> tuple[list[SourceImage], Counter[str]]:
    """Images whose files are there, and their objects: what `load` finds, without decoding."""
    there = [image for image in adapter(name).read(root, Log(root)) if image.path.is_file()]
    return there, Counter(source for image in there for source in image.objects.names.tolist())


def test_airport(tmp_path: Path) -> None:
    dataset = load_fake("aerial-airport", fake_airport.write_fake, tmp_path)
    assert [image.place for image in dataset.images] == ["airport_1_jpg", "airport_1_jpg", "airport_2"]
    assert [image.published_split for image in dataset.images] == ["train", "train", "val"]
    valid = image_of(dataset, "valid/airport_2").objects
    assert valid.polygons[0].tolist() == [[20, 30], [60, 30], [60, 64], [20, 64]]
    assert not valid.oriented.any()


def test_cars(tmp_path: Path) -> None:
    dataset = load_fake("aerial-cars", fake_cars.write_fake, tmp_path)
    places = {image.name: image.place for image in dataset.images}
    assert places == {
        "DJI_0005-0018": "DJI_0005",
        "DJI_0010": "photographs",
        "MOS155": "MOS 128x64",
        "MOS74": "MOS 96x80",
        "MOS75": "MOS 96x80",
    }
    frame = image_of(dataset, "MOS155").objects
    assert frame.polygons[0].tolist() == [[48, 28], [80, 28], [80, 36], [48, 36]]
    assert frame.ignore.tolist() == [False, True]
    assert not frame.oriented.any()


def test_hrplanes(tmp_path: Path) -> None:
    dataset = load_fake("hrplanes", fake_hrplanes.write_fake, tmp_path)
    assert [image.place for image in dataset.images] == ["GBG", "GBG", "DT2"]
    assert [image.published_split for image in dataset.images] == ["train", "train", "val"]
    assert dataset.images[0].objects.polygons[0].tolist() == [[18, 23], [38.5, 23], [38.5, 43.5], [18, 43.5]]
    assert {image.annotated for image in dataset.images} == {frozenset({"plane"})}


def test_hrplanes_as_published(tmp_path: Path) -> None:
    dataset = load_fake("hrplanes", fake_hrplanes.write_published, tmp_path)
    assert [image.published_split for image in dataset.images] == ["train", "val"]
    assert dataset.images[0].objects.polygons[0].tolist() == [[48, 16], [80, 16], [80, 48], [48, 48]]


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="labelTxt"):
        list(aerial_airport.read(tmp_path, Log(tmp_path)))
    assert {"aerial-airport", "aerial-cars", "hrplanes"} <= set(ADAPTERS)


def test_real_airports(real_data: Path) -> None:
    images, objects = read("aerial-airport", real_data / "aerial_airport_obb")
    assert (len(images), objects) == (290, {"plane": 4109})


def test_real_cars(real_data: Path) -> None:
    images, objects = read("aerial-cars", real_data / "aerial_cars_mos")
    assert (len(images), objects) == (25, {"car": 1311, "bus": 25, "minibus": 2})
    assert {image.place for image in images} == {"MOS 1764x430"}


def test_real_hrplanes(real_data: Path) -> None:
    images, objects = read("hrplanes", real_data / "hrplanesv2_640x360")
    assert (len(images), objects) == (1573, {"aircraft": 10558})


def test_real_airport_with_pixels(real_data: Path, tmp_path: Path) -> None:
    """A few of the real views, decoded and checked: nothing is wrong with them."""
    source = real_data / "aerial_airport_obb"
    for folder, suffix in (("images", "*.jpg"), ("labelTxt", "*.txt")):
        (tmp_path / folder).mkdir()
        for path in sorted((source / folder).glob(suffix))[:5]:
            (tmp_path / folder / path.name).symlink_to(path)
    dataset = load(adapter("aerial-airport"), tmp_path)
    assert (len(dataset.images), counted(dataset.faults)) == (5, {})
