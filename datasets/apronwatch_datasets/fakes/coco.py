"""A tiny dataset in COCO's JSON, one document a split, in our own class names and one of its own."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

CATEGORIES = {3: "plane", 5: "ship", 9: "tram"}
Entry = dict[str, Any]


def write_fake(root: Path) -> FakeTruth:
    """Three sound images, one empty; polygons, a crowd, a mask; annotations of nothing; a document cut short."""
    train = [
        annotation(1, 3, bbox=[10, 20, 40, 30.5]),
        annotation(1, 3, bbox=[60, 10, 30, 30], segmentation=[[75, 10, 90, 25, 75, 40, 60, 25]]),
        annotation(1, 5, bbox=[60, 50, 30, 20], segmentation=[[60, 50, 90, 50, 90, 70, 75, 70, 60, 70]]),
        annotation(1, 5, bbox=[0, 70, 50, 20], segmentation={"size": [96, 128], "counts": "1"}, iscrowd=1),
        annotation(1, 9, bbox=[100, 50, 10, 10]),
        annotation(1, 3, bbox=[1, 2, 3]),
        annotation(1, 3),
        annotation(77, 5, bbox=[1, 2, 3, 4]),
    ]
    write_document(root / "annotations/instances_train2017.json", {1: "one.png", 2: "two.png"}, train)
    valid = [annotation(1, 3, bbox=[5, 5, 20, 20]), annotation(2, 4, bbox=[5, 5, 20, 20])]
    write_document(root / "annotations/instances_val2017.json", {1: "three.png", 2: "lost.png"}, valid)
    (root / "annotations/more.json").write_text('{"images": [', encoding="utf-8")
    write_lines(root / "index.json", "[]")
    for seed, name in enumerate(("one", "two", "three", "four")):
        paint(root / "images" / f"{name}.png", 128, 96 if name != "two" else 64, seed=seed)
    return FakeTruth(
        images=3,
        objects=Counter({"plane": 5, "ship": 3, "tram": 1, "4": 1}),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 3,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.UNREADABLE_LABELS: 1,
                FaultKind.STRAY_FILE: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.SIZE_DIFFERS: 1,
            }
        ),
    )


def annotation(image: int, category: int, **members: object) -> Entry:
    """An annotation of an image."""
    return {"image_id": image, "category_id": category, **members}


def write_document(
    path: Path, images: dict[int, str], annotations: list[Entry], categories: dict[int, str] | None = None
) -> None:
    """A document of images of 128 x 96 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "images": [{"id": k, "file_name": name, "width": 128, "height": 96} for k, name in images.items()],
        "categories": [{"id": k, "name": name} for k, name in (categories or CATEGORIES).items()],
        "annotations": [{"id": k, **entry} for k, entry in enumerate(annotations, start=1)],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
