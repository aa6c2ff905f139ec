import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine

from apronwatch.errors import DatasetInvalid
from apronwatch_datasets.adapters import ADAPTERS, adapter
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.dataset import load
from apronwatch_datasets.faults import FaultKind, Mending, counted
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceImage, SourceObjects
from tests.rasters import make_raster


class Given:
    """An adapter that gives what it was made with."""

    CARD = Card("coco", "Given", "", "", "", "", frozenset({"plane"}))

    def __init__(self, images: Sequence[SourceImage]) -> None:
        self.images = images

    def read(self, root: Path, log: Log) -> Iterator[SourceImage]:
        yield from self.images


def image(folder: Path, name: str, suffix: str = ".png", **more: object) -> SourceImage:
    objects = SourceObjects.of(horizontal_boxes([4, 30], [4, 20], [20, 50], [16, 40]), ["plane", "ship"])
    return SourceImage(name, folder / f"{name}{suffix}", folder / f"{name}.txt", objects, place=name, **more)  # type: ignore[arg-type]


def paint(path: Path, size: tuple[int, int] = (64, 48)) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), pixels)


def test_missing_and_broken_images_are_left_out_with_their_objects(tmp_path: Path) -> None:
    for name in ("whole", "cut"):
        paint(tmp_path / f"{name}.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    dataset = load(Given([image(tmp_path, n) for n in ("whole", "cut", "absent")]), tmp_path)
    assert [i.name for i in dataset.images] == ["whole"]
    assert counted(dataset.faults) == {FaultKind.MISSING_IMAGE: 1, FaultKind.UNREADABLE_IMAGE: 1}
    assert dataset.tally == {"plane": {"kept": 1, "dropped": 2}, "ship": {"kept": 1, "dropped": 2}}


def test_the_file_knows_its_size(tmp_path: Path) -> None:
    paint(tmp_path / "a.png")
    dataset = load(Given([image(tmp_path, "a", width=100, height=48)]), tmp_path)
    assert (dataset.images[0].width, dataset.images[0].height) == (64, 48)
    assert counted(dataset.faults) == {FaultKind.SIZE_DIFFERS: 1}


def test_a_georeferenced_file_knows_its_gsd(tmp_path: Path) -> None:
    make_raster(tmp_path / "a.tif", size=(60, 80))
    dataset = load(Given([image(tmp_path, "a", ".tif", gsd_m=0.3)]), tmp_path)
    assert dataset.images[0].gsd_m == pytest.approx(0.5, rel=1e-3)


def test_no_folder_no_image_and_one_name_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no such folder"):
        load(Given([]), tmp_path / "absent")
    with pytest.raises(DatasetInvalid, match="no labelled image"):
        load(Given([]), tmp_path)
    with pytest.raises(DatasetInvalid, match="two images are called a"):
        load(Given([image(tmp_path, "a"), image(tmp_path, "a")]), tmp_path)


def oblong(folder: Path, lat: float, ratio: float) -> SourceImage:
    """An image in degrees at a latitude; a pixel is `ratio` times as wide, in degrees, as it is high."""
    step = 0.3 / 111_320
    make_raster(
        folder / "a.tif",
        size=(60, 80),
        crs="EPSG:4326",
        transform=Affine(step * ratio, 0.0, 25.0, 0.0, -step, lat),
    )
    return image(folder, "a", ".tif", gsd_m=0.3)


def test_oblong_pixels_have_no_one_gsd(tmp_path: Path) -> None:
    """At 60 degrees north a degree of longitude is half as long as one of latitude."""
    dataset = load(Given([oblong(tmp_path, 60.0, 1.0)]), tmp_path)
    assert dataset.images[0].gsd_m is None
    assert [(f.kind, f.mending) for f in dataset.faults] == [(FaultKind.OBLONG_PIXELS, Mending.GSD_UNKNOWN)]
    assert "0.15" in dataset.faults[0].message


@pytest.mark.parametrize(("lat", "ratio"), [(60.0, 2.0), (0.0, 1.0), (0.0, 1.01)])
def test_pixels_that_are_square_on_the_ground(tmp_path: Path, lat: float, ratio: float) -> None:
    dataset = load(Given([oblong(tmp_path, lat, ratio)]), tmp_path)
    assert not dataset.faults
    assert dataset.images[0].gsd_m == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize(("orientation", "faults"), [(6, {FaultKind.EXIF_TURNED: 1}), (1, {}), (0, {})])
def test_a_picture_that_viewers_turn_is_named(
    tmp_path: Path, orientation: int, faults: dict[FaultKind, int]
) -> None:
    """Labels are taken to be of the pixels as they are stored: those are what is read."""
    paint(tmp_path / "a.jpg")
    jpeg = (tmp_path / "a.jpg").read_bytes()
    # One entry of an image file directory: tag 0x0112, a short, one of it.
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    (tmp_path / "a.jpg").write_bytes(
        jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    )
    dataset = load(Given([image(tmp_path, "a", ".jpg")]), tmp_path)
    assert counted(dataset.faults) == faults
    assert (dataset.images[0].width, dataset.images[0].height) == (64, 48)


@pytest.mark.parametrize("name", [name for name in ADAPTERS if adapter(name).CARD.annotated])
def test_what_a_card_calls_complete_holds_until_a_user_says_otherwise(name: str, tmp_path: Path) -> None:
    card = adapter(name).CARD
    assert class_map(card.name).ours(card.annotated) == card.annotated
    own = tmp_path / "own.csv"
    own.write_text(f"dataset,source_class,target,reason,complete\n{name},ship,ship,,no\n")
    assert class_map(card.name, own).ours(card.annotated) == card.annotated - {"ship"}


def test_a_user_may_say_that_a_card_claims_too_much(tmp_path: Path) -> None:
    paint(tmp_path / "a.png")
    own = tmp_path / "own.csv"
    own.write_text("dataset,source_class,target,reason,complete\ncoco,plane,plane,,no\n")
    given = Given([image(tmp_path, "a")])
    assert load(given, tmp_path).images[0].annotated == {"plane"}
    assert not load(given, tmp_path, own_classes=own).images[0].annotated


@pytest.mark.parametrize("oriented", [False, True])
@pytest.mark.parametrize("value", ["1e308", "-1e308", "1e305"])
def test_numbers_that_overflow_lie_outside_the_image(tmp_path: Path, value: str, oriented: bool) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    paint(tmp_path / "images" / "a.png")
    numbers = [value] * 8 if oriented else [value, "0.5", value, "0.2"]
    (tmp_path / "labels" / "a.txt").write_text(f"0 {' '.join(numbers)}\n")
    (tmp_path / "classes.txt").write_text("plane\n")
    dataset = load(adapter("yolo-obb" if oriented else "yolo"), tmp_path)
    assert counted(dataset.faults) == {FaultKind.OUTSIDE_IMAGE: 1}
    assert dataset.tally == {"plane": {"dropped": 1}}
