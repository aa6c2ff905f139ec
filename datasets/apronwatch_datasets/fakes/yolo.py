"""A tiny dataset in YOLO's label text, horizontal, in our own class names and one of its own."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind


def write_fake(root: Path) -> FakeTruth:
    """Two sound images; an oriented line, a class without a name, an image without labels, labels without image."""
    write_lines(root / "data.yaml", "train: images/train", "val: images/val", "names: [plane, ship, tram]")
    write_lines(
        root / "labels/train/one.txt",
        "0 0.25 0.5 0.25 0.5",
        "2 0.75 0.5 0.25 0.5",
        "0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2",
        "x 0.5 0.5 0.1 0.1",
        "7 0.5 0.1 0.125 0.125",
    )
    write_lines(root / "labels/val/two.txt")
    write_lines(root / "labels/val/lost.txt", "1 0.5 0.5 0.1 0.1", "1 0.2 0.5 0.1 0.1")
    write_lines(root / "labels/classes.txt", "plane", "ship", "tram")
    for seed, name in enumerate(("train/one", "val/two", "val/three")):
        paint(root / "images" / f"{name}.jpg", 128, 64, seed=seed)
    return FakeTruth(
        images=2,
        objects=Counter({"plane": 1, "ship": 2, "tram": 1, "7": 1, "?": 2}),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 2,
                FaultKind.UNKNOWN_CLASS: 2,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.MISSING_IMAGE: 1,
            }
        ),
    )
