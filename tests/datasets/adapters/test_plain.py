"""Any dataset in DOTA text, YOLO text or COCO JSON."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import adapter, coco, dota_text, yolo, yolo_obb
from apronwatch_datasets.adapters.pairs import original
from apronwatch_datasets.dataset import load
from apronwatch_datasets.fakes import coco as fake_coco
from apronwatch_datasets.fakes import dota_text as fake_dota_text
from apronwatch_datasets.fakes import yolo as fake_yolo
from apronwatch_datasets.fakes import yolo_obb as fake_yolo_obb
from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.source import Log
from tests.datasets.adapters.common import image_of, load_fake

DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"


def test_dota_text(tmp_path: Path) -> None:
    dataset = load_fake("dota-text", fake_dota_text.write_fake, tmp_path)
    one, two = image_of(dataset, "train/one"), image_of(dataset, "two")
    assert one.objects.polygons[0].tolist() == [[10, 20], [50.25, 20], [50.25, 60], [10, 60]]
    assert one.objects.lines.tolist() == [3, 4]
    assert one.objects.ignore.tolist() == [False, True]
    assert (one.gsd_m, one.published_split, one.place) == (0.5, "train", "one")
    assert (two.gsd_m, two.published_split, two.place, len(two.objects)) == (None, None, "two", 0)
    assert one.annotated == {"plane"}
    lost = [fault.file for fault in dataset.faults if fault.kind is FaultKind.UNREADABLE_LABELS]
    assert sorted(lost) == ["labelTxt/five.txt", "labelTxt/three.txt"]


def test_without_headers_an_empty_dota_text_is_an_empty_image(tmp_path: Path) -> None:
    write_lines(tmp_path / "labelTxt/one.txt", "10 20 50 20 50 60 10 60 plane 0")
    write_lines(tmp_path / "labelTxt/two.txt")
    for name in ("one", "two"):
        paint(tmp_path / "images" / f"{name}.png", 64, 64)
    dataset = load(adapter("dota-text"), tmp_path)
    assert not dataset.faults
    assert [len(image.objects) for image in dataset.images] == [1, 0]


def test_what_goes_by_another_name_is_mapped_and_not_complete(tmp_path: Path) -> None:
    fake_dota_text.write_fake(tmp_path / "fake")
    own = tmp_path / "own.csv"
    own.write_text("dataset,source_class,target,reason\ndota-text,tram,vehicle_large,\n")
    dataset = load(adapter("dota-text"), tmp_path / "fake", own_classes=own)
    assert image_of(dataset, "two").annotated == {"plane"}


def test_yolo(tmp_path: Path) -> None:
    dataset = load_fake("yolo", fake_yolo.write_fake, tmp_path)
    one, two = image_of(dataset, "train/one"), image_of(dataset, "val/two")
    assert one.objects.polygons[0].tolist() == [[16, 16], [48, 16], [48, 48], [16, 48]]
    assert not one.objects.oriented.any()
    assert one.objects.source_classes.tolist() == ["plane", "tram", "7"]
    assert one.annotated == two.annotated == {"plane", "ship"}
    assert (one.published_split, two.published_split) == ("train", "val")


def test_yolo_obb(tmp_path: Path) -> None:
    dataset = load_fake("yolo-obb", fake_yolo_obb.write_fake, tmp_path)
    tile = image_of(dataset, "train/P0001__1024__0___0")
    assert tile.objects.polygons[0].tolist() == [[16, 32], [32, 64], [24, 80], [8, 48]]
    assert tile.objects.oriented.all()
    assert [image.place for image in dataset.images] == ["P0001", "P0001", "P0002"]
    assert [image.published_split for image in dataset.images] == ["train", "train", "val"]


def test_coco(tmp_path: Path) -> None:
    dataset = load_fake("coco", fake_coco.write_fake, tmp_path)
    one, two = image_of(dataset, "one"), image_of(dataset, "two")
    objects = one.objects
    assert objects.polygons[0].tolist() == [[10, 20], [50, 20], [50, 50.5], [10, 50.5]]
    assert objects.polygons[1].tolist() == [[75, 10], [90, 25], [75, 40], [60, 25]]
    np.testing.assert_allclose(np.sort(objects.polygons[2], axis=0)[[0, -1]], [[60, 50], [90, 70]])
    assert objects.oriented.tolist() == [False, True, True, False, False]
    assert objects.ignore.tolist() == [False, False, False, True, True]
    assert (one.published_split, image_of(dataset, "three").published_split) == ("train", "val")
    assert len(two.objects) == 0
    assert two.annotated == {"plane", "ship"}


def test_polygons_that_are_boxes(tmp_path: Path) -> None:
    """Some tools export the upright box as a polygon: that says nothing of the heading."""
    square = fake_coco.annotation(
        1, 3, bbox=[10, 20, 30, 30], segmentation=[[10, 20, 40, 20, 40, 50, 10, 50]]
    )
    fake_coco.write_document(tmp_path / "a.json", {1: "one.png"}, [square])
    (image,) = coco.read(tmp_path, Log(tmp_path))
    assert not image.objects.oriented.any()
    turned = fake_coco.annotation(
        1, 3, bbox=[60, 10, 30, 30], segmentation=[[75, 10, 90, 25, 75, 40, 60, 25]]
    )
    fake_coco.write_document(tmp_path / "a.json", {1: "one.png"}, [square, turned])
    (image,) = coco.read(tmp_path, Log(tmp_path))
    assert image.objects.oriented.all()


@pytest.mark.parametrize(
    "file_name",
    ["one.png", "/home/me/one.png", "../one.png", "C:\\me\\one.png", "train/one.png", "./one.png"],
)
def test_paths_of_another_machine(tmp_path: Path, file_name: str) -> None:
    """Names stay inside the dataset: converted images could else be written anywhere."""
    paint(tmp_path / "images" / "one.png", 128, 96)
    paint(tmp_path / "train" / "one.png", 128, 96)
    fake_coco.write_document(tmp_path / "a.json", {1: file_name}, [])
    (image,) = coco.read(tmp_path, Log(tmp_path))
    assert image.name == ("train/one" if "train" in file_name else "one")
    assert image.path.is_file()


def test_real_dota8(real_data: Path, tmp_path: Path) -> None:
    """Ultralytics' sample of DOTA, by the steps that the documentation gives. Its tiles cut objects."""
    shutil.copytree(real_data / "dota8", tmp_path / "dota8")
    yaml, table = re.findall(r"<<END\n(.*?)END\n", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "dota8" / "data.yaml").write_text(yaml)
    (tmp_path / "own.csv").write_text(table)
    dataset = load(adapter("yolo-obb"), tmp_path / "dota8", own_classes=tmp_path / "own.csv")
    assert FaultKind.UNKNOWN_CLASS not in {fault.kind for fault in dataset.faults}
    assert dataset.tally["ship"]["kept"] > 90
    assert dataset.tally["small-vehicle"]["kept"] == 4
    assert dataset.tally["harbor"] == {"background": 5}
    assert {image.annotated for image in dataset.images} == {
        frozenset({"plane", "ship", "helicopter", "vehicle_large"})
    }
    objects = {name: fates.total() for name, fates in dataset.tally.items()}
    assert len(dataset.images) == 8
    assert (objects["ship"], objects["plane"], objects["tennis-court"], objects["small-vehicle"]) == (
        105,
        2,
        8,
        4,
    )
    assert {image.published_split for image in dataset.images} == {"train", "val"}


@pytest.mark.parametrize(
    ("module", "expected"),
    [(dota_text, "labelTxt"), (yolo, r"data\.yaml"), (yolo_obb, r"data\.yaml"), (coco, "COCO document")],
)
def test_another_folder(tmp_path: Path, module: object, expected: str) -> None:
    with pytest.raises(DatasetInvalid, match=expected):
        list(module.read(tmp_path, Log(tmp_path)))  # type: ignore[attr-defined]  # each has `read`


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("train/P0001__1024__0___824", "train", "P0001"),
        ("P0001__0.5__0___824", None, "P0001"),
        ("a_jpg.rf." + "0f" * 16, None, "a_jpg"),
        ("train/a", None, "train/a"),
        ("train/city/a", "train", "city/a"),
        ("a__b", None, "a__b"),
    ],
)
def test_place_of_a_copy(name: str, split: str | None, expected: str) -> None:
    assert original(name, split) == expected


def of_one_class(root: Path, name: str, source_class: str) -> None:
    """An image with one object, in one of the plain formats; for YOLO's two, the class is the whole list of names."""
    paint(root / "images" / "one.png", 128, 96)
    match name:
        case "dota-text":
            write_lines(root / "labelTxt/one.txt", f"10 20 50 20 50 60 10 60 {source_class} 0")
        case "yolo":
            write_lines(root / "labels/one.txt", "0 0.5 0.5 0.25 0.25")
            write_lines(root / "classes.txt", source_class)
        case "yolo-obb":
            write_lines(root / "labels/one.txt", "0 0.1 0.2 0.4 0.2 0.4 0.6 0.1 0.6")
            write_lines(root / "classes.txt", source_class)
        case "voc":
            sides = "<xmin>10</xmin><ymin>20</ymin><xmax>50</xmax><ymax>60</ymax>"
            write_lines(
                root / "Annotations/one.xml",
                f"<annotation><object><name>{source_class}</name><bndbox>{sides}</bndbox></object></annotation>",
            )
        case "coco":
            box = fake_coco.annotation(1, 1, bbox=[10, 20, 40, 40])
            fake_coco.write_document(root / "a.json", {1: "one.png"}, [box], {1: source_class})


PLAIN = ("coco", "yolo", "yolo-obb", "voc", "dota-text")


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    ("source_class", "complete", "expected"),
    [
        ("bus", "", set()),
        ("bus", "no", set()),
        ("bus", "yes", {"vehicle_large"}),
        ("vehicle_large", None, {"vehicle_large"}),
        ("vehicle_large", "no", set()),
    ],
)
def test_only_what_a_user_says_is_complete(
    tmp_path: Path, name: str, source_class: str, complete: str | None, expected: set[str]
) -> None:
    """Who labels every bus may have left out every lorry."""
    of_one_class(tmp_path / "set", name, source_class)
    own = tmp_path / "own.csv"
    row = f"{name},{source_class},vehicle_large,,{complete}\n" if complete is not None else ""
    own.write_text(f"dataset,source_class,target,reason,complete\n{row}")
    (image,) = load(adapter(name), tmp_path / "set", own_classes=own).images
    assert image.objects.classes.tolist() == [CLASSES.index("vehicle_large")]
    assert image.annotated == expected


@pytest.mark.parametrize(
    ("name", "file", "text", "inverted"),
    [
        ("yolo", "labels/one.txt", "0 0.5 0.5 0.25 0.25", "0 0.5 0.5 -0.25 0.25"),
        (
            "voc",
            "Annotations/one.xml",
            "<xmin>10</xmin><ymin>20</ymin><xmax>50",
            "<xmin>50</xmin><ymin>20</ymin><xmax>10",
        ),
        ("coco", "a.json", "[10, 20, 40, 40]", "[50, 60, -40, -40]"),
    ],
)
def test_inverted_boxes(tmp_path: Path, name: str, file: str, text: str, inverted: str) -> None:
    """Width below zero, xmin beyond xmax: said, and the box that is meant stays, where it is."""
    of_one_class(tmp_path, name, "plane")
    (sound,) = load(adapter(name), tmp_path).images
    path = tmp_path / file
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, inverted))
    dataset = load(adapter(name), tmp_path)
    assert [(fault.kind, fault.mending) for fault in dataset.faults] == [
        (FaultKind.INVERTED_BOX, Mending.SORTED)
    ]
    np.testing.assert_allclose(dataset.images[0].objects.polygons, sound.objects.polygons)


def test_a_turned_box_of_any_first_corner_is_not_inverted(tmp_path: Path) -> None:
    of_one_class(tmp_path, "dota-text", "plane")
    write_lines(tmp_path / "labelTxt/one.txt", "50 60 10 60 10 20 50 20 plane 0")
    assert not load(adapter("dota-text"), tmp_path).faults
