"""A tiny DIOR, and the part of it that DIOR-R shares."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from apronwatch_datasets.fakes.paint import cut_short, paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.fakes.xml_files import Content, write_xml
from apronwatch_datasets.faults import FaultKind

SIZE = 128
Sides = tuple[float, float, float, float]


def write_fake(root: Path) -> FakeTruth:
    """With upright boxes."""
    return write_pictures(root, root / "Annotations" / "Horizontal Bounding Boxes", _upright)


def write_pictures(root: Path, labels: Path, box: Callable[[Sides], Content]) -> FakeTruth:
    """Two sound pictures, one cut short, one nobody labelled.

    Args:
        root: of the dataset.
        labels: folder of its label files.
        box: content of the box's elements, of left, top, right, bottom.
    """
    first = [
        _object("airplane", box((10, 20, 50, 60))),
        _object("Expressway-Service-area", box((60, 60, 120, 120))),
        _object("ship", {}),
    ]
    _write(labels / "00001.xml", first)
    _write(
        labels / "11726.xml",
        [_object("vehicle", box((10, 10, 20, 16))), _object("ship", box((112, 90, 148, 126)))],
    )
    _write(labels / "00002.xml", [_object("ship", box((10, 20, 50, 60)))])
    for seed, name in enumerate(("trainval/00001", "test/11726", "trainval/00002", "test/11727")):
        paint(root / f"JPEGImages-{name}.jpg", SIZE, SIZE, seed=seed)
    cut_short(root / "JPEGImages-trainval" / "00002.jpg")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("00001\n", encoding="utf-8")
    (lists / "test.txt").write_text("11726\n11727\n", encoding="utf-8")
    return FakeTruth(
        images=2,
        objects=Counter({"airplane": 1, "expressway-service-area": 1, "ship": 3, "vehicle": 1}),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.UNREADABLE_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
            }
        ),
    )


def _object(name: str, box: Content) -> Content:
    return {"name": name, "pose": "Unspecified", "difficult": 0, **box}


def _upright(sides: Sides) -> Content:
    return {"bndbox": dict(zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True))}


def _write(path: Path, objects: list[Content]) -> None:
    size: Content = {"width": SIZE, "height": SIZE, "depth": 3}
    write_xml(path, "annotation", {"filename": f"{path.stem}.jpg", "size": size, "object": objects})
