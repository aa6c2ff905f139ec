"""A dataset converted from format to format."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apronwatch.errors import CallInvalid, OutputInvalid
from apronwatch.geometry import envelopes, rotated_boxes
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.convert import FORMATS, NO_CLASS, convert
from apronwatch_datasets.dataset import Dataset, load
from apronwatch_datasets.fakes import coco as fake_coco
from apronwatch_datasets.fakes import dota as fake_dota
from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.records import UNCLASSED, Card, LabelledImage, Objects

CARD = Card("ours", "a dataset in memory", "", "", "", "", frozenset(CLASSES))
WIDTH, HEIGHT, CELL = 230, 170, 55
TURNED = ("coco", "voc", "yolo-obb", "dota-text")
NAMES = ("plane", "ship", "tram", "Boeing737")

some = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
cells = st.lists(st.integers(0, 11), unique=True, max_size=8)
"""Each object has its own cell of the picture: overlapping ones might be taken for doubles."""


@st.composite
def objects(draw: st.DrawFn, *, oriented: bool) -> Objects:
    """Objects of one image, some difficult, some of our classes a region to ignore. A turned one may lie upright."""
    rows = [
        (
            (cell % 4) * CELL + 30 + draw(st.floats(-5, 5)),
            (cell // 4) * CELL + 30 + draw(st.floats(-5, 5)),
            draw(st.floats(3, 25)),
            draw(st.floats(3, 25)),
            draw(st.just(0.0) | st.floats(0.05, 1.5)) if oriented else 0.0,
        )
        for cell in draw(cells)
    ]
    names = [draw(st.sampled_from(NAMES)) for _ in rows]
    classes = [CLASSES.index(name) if name in CLASSES else UNCLASSED for name in names]
    difficult, ignore = ([draw(st.booleans()) for _ in rows] for _ in range(2))
    boxes = rotated_boxes(*np.array(rows).reshape(-1, 5).T)
    return Objects.of(boxes, names, classes, oriented=oriented, difficult=difficult, ignore=ignore)


def image(path: Path, found: Objects, **facts: object) -> LabelledImage:
    told = {"gsd_m": None, "time": None, "place": path.stem, "annotated": CARD.annotated, **facts}
    return LabelledImage(path.stem, path, None, WIDTH, HEIGHT, objects=found, **told)  # type: ignore[arg-type]


def dataset(*images: LabelledImage) -> Dataset:
    return Dataset(CARD, images[0].path.parent, images, (), {})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("source")
    paths = [folder / f"{name}.png" for name in ("scene", "scene2", "scene3")]
    for seed, path in enumerate(paths):
        paint(path, WIDTH, HEIGHT, seed=seed)
    return paths


@pytest.fixture(scope="module")
def picture(pictures: list[Path]) -> Path:
    return pictures[0]


def through(source: Dataset, formats: Sequence[str], folder: Path) -> Dataset:
    """Converted to one format after the other, each read again."""
    for number, name in enumerate(formats):
        out = folder / f"{number} {name} {len(list(folder.iterdir()))}"
        convert(source, name, out, link=True)
        source = load(adapter(name), out, workers=1)
        assert not [fault for fault in source.faults if fault.kind != "unknown_class"]
    return source


def held(found: Objects, formats: Sequence[str]) -> Objects:
    """What a chain of formats can hold of some objects, step by step."""
    for name in formats:
        # An object of none of our classes is an object like any other there.
        regions = found.ignore & (found.classes != UNCLASSED)
        if name.startswith("yolo"):
            found = replace(found, difficult=np.zeros(len(found), dtype=bool)).select(~regions)
        elif name != "coco":
            found = replace(found, difficult=found.difficult | regions, ignore=found.classes == UNCLASSED)
    return found


def assert_held(sources: Sequence[LabelledImage], result: Dataset, formats: Sequence[str]) -> None:
    assert [image.name for image in result.images] == [image.name for image in sources]
    for before, after in zip(sources, result.images, strict=True):
        found, expected = after.objects, held(before.objects, formats)
        np.testing.assert_allclose(found.polygons, expected.polygons, rtol=0, atol=0.01)
        for column in ("source_classes", "classes", "difficult", "ignore"):
            assert getattr(found, column).tolist() == getattr(expected, column).tolist(), column
        assert after.path.read_bytes() == before.path.read_bytes()


def chains(formats: Sequence[str]) -> list[tuple[str, ...]]:
    """Each format alone and all in a row, there and back: what each gives is what any other would be given."""
    return [*((name,) for name in formats), tuple(formats), tuple(reversed(formats))]


@pytest.mark.parametrize("formats", chains(TURNED), ids=" to ".join)
@some
@given(found=st.lists(objects(oriented=True), min_size=1, max_size=3))
def test_turned_boxes(
    pictures: list[Path], tmp_path: Path, formats: Sequence[str], found: list[Objects]
) -> None:
    sources = [image(path, each) for path, each in zip(pictures, found, strict=False)]
    result = through(dataset(*sources), formats, tmp_path)
    assert_held(sources, result, formats)
    assert all(each.objects.oriented.all() for each in result.images)


@pytest.mark.parametrize("formats", chains(FORMATS), ids=" to ".join)
@some
@given(found=st.lists(objects(oriented=False), min_size=1, max_size=3))
def test_horizontal_boxes(
    pictures: list[Path], tmp_path: Path, formats: Sequence[str], found: list[Objects]
) -> None:
    sources = [image(path, each) for path, each in zip(pictures, found, strict=False)]
    result = through(dataset(*sources), formats, tmp_path)
    assert_held(sources, result, formats)
    if not {"yolo-obb", "dota-text"} & set(formats):
        assert not any(each.objects.oriented.any() for each in result.images)


def test_turned_boxes_that_happen_to_lie_upright(picture: Path, tmp_path: Path) -> None:
    """In COCO a polygon that is the box says nothing of the heading: that the box is turned is written besides."""
    found = Objects.of(rotated_boxes([50, 120], 60, 30, 12, 0.0), ["plane"] * 2, [0, 0])
    (read,) = through(dataset(image(picture, found)), ["coco"], tmp_path).images
    assert read.objects.oriented.all()


def test_hulls_and_what_is_said(picture: Path, tmp_path: Path) -> None:
    """Each thing that a format cannot hold is said, with its number."""
    boxes = rotated_boxes([50, 120, 180], 60, 30, 12, [0.5, 0, 1])
    found = Objects.of(
        boxes, ["plane"] * 3, [0, 0, 0], oriented=[True, False, True], difficult=[True, False, False]
    )
    time = datetime(2024, 5, 6, tzinfo=UTC)
    source = dataset(image(picture, found, gsd_m=0.5, time=time, place="airport"))
    said = {name: "\n".join(convert(source, name, tmp_path / name)) for name in FORMATS}
    assert said["coco"] == ""
    assert "2 turned boxes written as their upright hulls" in said["yolo"]
    assert "1 difficult objects written as ordinary ones" in said["yolo"]
    assert "1 horizontal boxes written as corners" in said["yolo-obb"]
    assert "1 horizontal boxes written as corners" in said["dota-text"]
    for name in ("yolo", "yolo-obb", "voc"):
        assert all(f"{fact} of 1 images not written" in said[name] for fact in ("gsd", "time", "place"))
    assert "gsd" not in said["dota-text"]
    assert "place of 1 images" in said["dota-text"]
    hulls = load(adapter("yolo"), tmp_path / "yolo").images[0].objects
    np.testing.assert_allclose(envelopes(hulls.polygons), envelopes(boxes), atol=0.01)
    same = load(adapter("coco"), tmp_path / "coco").images[0]
    assert (same.gsd_m, same.time, same.place) == (0.5, time, "airport")
    assert same.objects.oriented.tolist() == [True, False, True]
    assert same.objects.difficult.tolist() == [True, False, False]
    text = load(adapter("dota-text"), tmp_path / "dota-text").images[0]
    assert (text.gsd_m, text.time) == (0.5, time)


@pytest.mark.parametrize("name", FORMATS)
def test_regions_to_ignore(picture: Path, tmp_path: Path, name: str) -> None:
    boxes = rotated_boxes([50, 120], 60, 30, 12, [0.5, 0.7])
    source = dataset(image(picture, Objects.of(boxes, ["plane", "plane"], [0, 0], ignore=[False, True])))
    said = "\n".join(convert(source, name, tmp_path / name))
    found = load(adapter(name), tmp_path / name).images[0].objects
    match name:
        case "coco":
            assert said == ""
            assert found.ignore.tolist() == [False, True]
        case "voc" | "dota-text":
            assert "1 regions to ignore written as difficult" in said
            assert found.difficult.tolist() == [False, True]
        case _:
            assert "1 regions to ignore left out" in said
            assert len(found) == 1


def test_our_classes(picture: Path, tmp_path: Path) -> None:
    boxes = rotated_boxes([50, 120, 180], 60, 30, 12, 0.5)
    found = Objects.of(boxes, ["Boeing737", "tram", "lorry"], [0, UNCLASSED, CLASSES.index("vehicle_large")])
    source = dataset(image(picture, found))
    said = "\n".join(convert(source, "yolo-obb", tmp_path / "a", classes="ours"))
    assert "1 regions to ignore left out" in said
    read = load(adapter("yolo-obb"), tmp_path / "a").images[0]
    assert read.objects.source_classes.tolist() == ["plane", "vehicle_large"]
    assert (tmp_path / "a/data.yaml").read_text().split("names:")[1].split() == [
        word for number, name in enumerate(CLASSES) for word in (f"{number}:", name)
    ]
    assert convert(source, "coco", tmp_path / "b", classes="ours") == []
    read = load(adapter("coco"), tmp_path / "b").images[0]
    assert read.objects.source_classes.tolist() == ["plane", NO_CLASS, "vehicle_large"]
    assert read.objects.ignore.tolist() == [False, True, False]


@pytest.mark.parametrize("name", FORMATS)
def test_splits(picture: Path, tmp_path: Path, name: str) -> None:
    other = picture.with_name("zebra.png")
    paint(other, WIDTH, HEIGHT, seed=1)
    one = Objects.of(rotated_boxes(50, 60, 30, 12, 0.5), ["plane"], [0])
    source = dataset(
        image(picture, one, published_split="train"), image(other, Objects.empty(), published_split="val")
    )
    said = convert(source, name, tmp_path / name)
    assert not any("split" in line for line in said)
    read = load(adapter(name), tmp_path / name)
    assert [(len(i.objects), i.published_split) for i in read.images] == [(1, "train"), (0, "val")]
    again = through(read, [name], tmp_path)
    assert [i.name for i in again.images] == [i.name for i in read.images]


def test_splits_that_are_missing(picture: Path, tmp_path: Path) -> None:
    other, third = picture.with_name("a.png"), picture.with_name("b.png")
    for path in (other, third):
        paint(path, WIDTH, HEIGHT)
    images = [
        image(path, Objects.empty(), published_split=split)
        for path, split in ((picture, "train"), (other, None), (third, "val"))
    ]
    assert convert(dataset(images[1]), "yolo", tmp_path / "a") == [
        "no published split train nor val: data.yaml names all images there"
    ]
    assert convert(dataset(*images[:2]), "yolo", tmp_path / "b") == [
        "no published split val: data.yaml names all images there"
    ]
    assert convert(dataset(*images), "yolo", tmp_path / "c") == [
        "1 images of no published split are in none of data.yaml"
    ]


def test_what_was_never_loaded(tmp_path: Path) -> None:
    fake_dota.write_fake(tmp_path / "dota")
    said = convert(load(adapter("dota"), tmp_path / "dota"), "coco", tmp_path / "out")
    assert said[0].startswith("3 images left out")
    assert said[1].startswith("1 objects of storage-tank left out")
    assert said[2].startswith("5 objects left out")


def test_crowds_survive(tmp_path: Path) -> None:
    fake_coco.write_fake(tmp_path / "coco")
    source = load(adapter("coco"), tmp_path / "coco")
    again = through(source, ["coco"], tmp_path)
    for before, after in zip(source.images, again.images, strict=True):
        np.testing.assert_allclose(after.objects.polygons, before.objects.polygons, atol=0.01)
        assert after.objects.ignore.tolist() == before.objects.ignore.tolist()
        assert after.objects.oriented.tolist() == before.objects.oriented.tolist()


def test_names_with_spaces(picture: Path, tmp_path: Path) -> None:
    boxes = rotated_boxes([50, 120], 60, 30, 12, 0.5)
    source = dataset(image(picture, Objects.of(boxes, ["Small Car", "Van"], [UNCLASSED] * 2)))
    assert "classes spelt without white space: 'Small Car' as Small-Car" in convert(
        source, "dota-text", tmp_path / "a"
    )
    read = load(adapter("dota-text"), tmp_path / "a").images[0].objects
    assert read.source_classes.tolist() == ["Small-Car", "Van"]
    clash = dataset(image(picture, Objects.of(boxes, ["Small Car", "Small-Car"], [UNCLASSED] * 2)))
    with pytest.raises(OutputInvalid, match="Small-Car"):
        convert(clash, "dota-text", tmp_path / "b")


def test_links_and_copies(picture: Path, tmp_path: Path) -> None:
    source = dataset(image(picture, Objects.empty()))
    convert(source, "coco", tmp_path / "a", link=True)
    convert(source, "coco", tmp_path / "b")
    assert (tmp_path / "a/images/scene.png").samefile(picture)
    assert not (tmp_path / "b/images/scene.png").samefile(picture)


def test_calls_that_cannot_be(picture: Path, tmp_path: Path) -> None:
    source = dataset(image(picture, Objects.empty()))
    with pytest.raises(CallInvalid, match="tfrecord"):
        convert(source, "tfrecord", tmp_path / "a")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(OutputInvalid, match="empty folder"):
        convert(source, "coco", tmp_path / "full")
    (tmp_path / "deep" / "a").mkdir(parents=True)
    deep = [tmp_path / "deep" / "a" / "b.png", tmp_path / "deep" / "a__b.png"]
    for path in deep:
        paint(path, WIDTH, HEIGHT)
    twins = [
        LabelledImage(n, p, None, WIDTH, HEIGHT, None, None, n, Objects.empty(), CARD.annotated)
        for n, p in zip(("a/b", "a__b"), deep, strict=True)
    ]
    with pytest.raises(OutputInvalid, match="a__b"):
        convert(dataset(*twins), "voc", tmp_path / "b")


def test_classes_that_are_not_complete(picture: Path, tmp_path: Path) -> None:
    """No format says which classes an image labels completely: so this does."""
    one = Objects.of(rotated_boxes([50, 120], 60, 30, 12, 0.5), ["plane", "tram"], [0, UNCLASSED])
    complete = dataset(image(picture, one, annotated=frozenset({"plane"})))
    partly = dataset(image(picture, one, annotated=frozenset({"ship"})))
    strangers = "1 objects of none of our classes written as ordinary ones, also where marked to be ignored"
    assert convert(complete, "coco", tmp_path / "a") == [strangers]
    assert "1 images do not label all classes" in convert(partly, "coco", tmp_path / "b")[-1]
    assert (
        "1 images do not label all classes" in convert(complete, "coco", tmp_path / "c", classes="ours")[-1]
    )
