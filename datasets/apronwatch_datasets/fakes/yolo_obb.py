"""A tiny dataset in YOLO-OBB's label text, as tiles of two pictures, in our own class names."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind


def write_fake(root: Path) -> FakeTruth:
    """Three sound tiles, two of one picture; a box that its tile cuts, a crossed one, a horizontal line."""
    write_lines(root / "data.yaml", "names:", "  0: plane", "  1: ship")
    write_lines(
        root / "train/labels/P0001__1024__0___0.txt",
        "0 0.25 0.25 0.5 0.5 0.375 0.625 0.125 0.375",
        "1 0.75 0.5 1.25 0.5 1.25 0.75 0.75 0.75",
    )
    write_lines(root / "train/labels/P0001__1024__824___0.txt", "1 0.25 0.25 0.5 0.5 0.5 0.25 0.25 0.5")
    write_lines(root / "valid/labels/P0002__1024__0___0.txt", "0 0.5 0.5 0.25 0.25")
    for seed, name in enumerate(
        ("train/P0001__1024__0___0", "train/P0001__1024__824___0", "valid/P0002__1024__0___0")
    ):
        folder, stem = name.split("/")
        paint(root / folder / "images" / f"{stem}.png", 64, 128, seed=seed)
    return FakeTruth(
        images=3,
        objects=Counter({"plane": 1, "ship": 2, "?": 1}),
        faults=Counter({FaultKind.OUTSIDE_IMAGE: 1, FaultKind.CROSSED_POLYGON: 1, FaultKind.BAD_LINE: 1}),
    )
