"""A tiny HRPlanes, as COCO documents of an export, or as it is published."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.coco import annotation, write_document
from apronwatch_datasets.fakes.paint import cut_short, paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

NAMES = ("GBG_059_jpg.rf." + "0a" * 16, "GBG_060_jpg.rf." + "1b" * 16, "211_DT2_jpg.rf." + "2c" * 16)
CATEGORIES = {0: "Aircrafts", 1: "0"}


def write_fake(root: Path) -> FakeTruth:
    """An export: two views of one code and one of another, one listed without a file, one aircraft boxed twice."""
    files = [f"{name}.jpg" for name in NAMES]
    write_document(
        root / "train/_annotations.coco.json",
        {0: files[0], 1: files[1], 2: "GBG_061_jpg.rf." + "3d" * 16 + ".jpg"},
        [
            annotation(0, 1, bbox=[18, 23, 20.5, 20.5], segmentation=[], iscrowd=0),
            annotation(1, 1, bbox=[18, 23, 20, 20], segmentation=[]),
            annotation(1, 1, bbox=[18, 23, 20, 20.5], segmentation=[]),
            annotation(2, 1, bbox=[1, 2, 10, 10], segmentation=[]),
        ],
        CATEGORIES,
    )
    write_document(root / "valid/_annotations.coco.json", {0: files[2]}, [], CATEGORIES)
    for seed, name in enumerate(files):
        paint(root / ("valid" if seed == 2 else "train") / name, 128, 96, seed=seed)
    return FakeTruth(
        images=3,
        objects=Counter(aircraft=4),
        faults=Counter({FaultKind.DOUBLED_BOX: 1, FaultKind.MISSING_IMAGE: 1}),
    )


def write_published(root: Path) -> FakeTruth:
    """As it is published: views and YOLO text in one folder, lists of splits; one view cut short."""
    for seed, name in enumerate(("a", "b", "c")):
        paint(root / "img" / f"{name}.jpg", 128, 64, seed=seed)
        write_lines(root / "img" / f"{name}.txt", "0 0.5 0.5 0.25 0.5")
    cut_short(root / "img" / "c.jpg")
    write_lines(root / "train.txt", "data/img/a.jpg")
    write_lines(root / "valid.txt", "data/img/b.jpg")
    return FakeTruth(images=2, objects=Counter(aircraft=3), faults=Counter({FaultKind.UNREADABLE_IMAGE: 1}))
