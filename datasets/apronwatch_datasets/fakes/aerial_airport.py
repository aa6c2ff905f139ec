"""A tiny Aerial Airport: DOTA text with upright boxes, two altered copies of one view."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

COPIES = ("airport_1_jpg.rf." + "0a" * 16, "airport_1_jpg.rf." + "1b" * 16)


def write_fake(root: Path) -> FakeTruth:
    """Two copies of one view for training and one view for validation, where an aircraft is boxed twice."""
    box = "20 30 60 30 60 64 20 64 airplane 0"
    write_lines(root / "train/labelTxt" / f"{COPIES[0]}.txt", box)
    write_lines(root / "train/labelTxt" / f"{COPIES[1]}.txt", "40 30 80 30 80 64 40 64 airplane 0")
    write_lines(root / "valid/labelTxt/airport_2.txt", box, box, "100 90 130 90 130 110 100 110 airplane 0")
    for seed, name in enumerate(COPIES):
        paint(root / "train/images" / f"{name}.jpg", 128, 128, seed=seed)
    paint(root / "valid/images/airport_2.jpg", 120, 120, seed=2)
    return FakeTruth(
        images=3,
        objects=Counter(airplane=5),
        faults=Counter({FaultKind.DOUBLED_BOX: 1, FaultKind.OUTSIDE_IMAGE: 1}),
    )
