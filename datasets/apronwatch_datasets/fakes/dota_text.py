"""A tiny dataset in DOTA's label text, in our own class names and one of its own."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind


def write_fake(root: Path) -> FakeTruth:
    """Two sound images, one of them empty; labels that are no text or lost it, lines that are no objects, a note."""
    write_lines(
        root / "labelTxt" / "train" / "one.txt",
        "imagesource:null",
        "gsd:0.5",
        "10 20 50.25 20 50.25 60 10 60 plane 0",
        "70 10 100 20 95 35 65 25 tram 0",
        "60 60 90 60 90 90 nan 90 ship 0",
        "60 60 90 60 90 90 60 90 ship maybe",
    )
    write_lines(root / "labelTxt" / "two.txt", "imagesource:null", "gsd:null")
    write_lines(root / "labelTxt" / "five.txt")
    (root / "labelTxt" / "three.txt").write_bytes(b"\xff\xfe\x00\x81")
    for seed, name in enumerate(("train/one", "two", "three", "four", "five")):
        paint(root / "images" / f"{name}.png", 128, 96, seed=seed)
    (root / "images" / "._two.png").write_bytes(b"\x00\x05\x16\x07")
    return FakeTruth(
        images=2,
        objects=Counter(plane=1, tram=1, ship=2),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 2,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.UNREADABLE_LABELS: 2,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.STRAY_FILE: 1,
            }
        ),
    )
