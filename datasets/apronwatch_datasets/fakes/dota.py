"""A tiny DOTA as version 2.0 is unpacked: parts of images, two versions of labels, meta files."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import cut_short, paint
from apronwatch_datasets.fakes.text_files import write_lines
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

TRAIN = "train/labelTxt-v2.0/DOTA-v2.0_train"
VAL = "val/labelTxt-v2.0/DOTA-v2.0_val"


def write_fake(root: Path) -> FakeTruth:
    """Three sound images, one cut short, one without labels, labels without image; older and horizontal labels."""
    write_lines(
        root / TRAIN / "P0000.txt",
        "10 20 50 20 50 60 10 60 plane 0",
        "60.5 60 90 70 85 85 55.5 75 small-vehicle 1",
        "70 10 100 10 100 40 70 40 storage-tank 0",
        "70 10 100 10 100 40 70",
        "110 100 140 100 140 120 110 120 ship 2",
        "10 20 50 20 50 60 10 60 plane 0",
    )
    write_lines(
        root / TRAIN / "P0001.txt", "10 10 40 10 10 40 40 40 helicopter 0", "10 10 10 10 10 10 10 10 plane 0"
    )
    write_lines(root / VAL / "P0002__1__824___0.txt")
    write_lines(root / TRAIN / "P0003.txt", "10 20 50 20 50 60 10 60 large-vehicle 0")
    write_lines(root / TRAIN / "P0004.txt", "10 20 50 20 50 60 10 60 airport 0")
    write_lines(root / "train/labelTxt-v1.0/labelTxt/P0000.txt", "1 1 2 1 2 2 1 2 bridge 0")
    write_lines(root / "train/labelTxt-v2.0/DOTA-v2.0_train_hbb/P0000.txt", "1 1 2 1 2 2 1 2 bridge 0")
    write_lines(root / "train/meta/P0000.txt", "acquisition dates:2016-03-05", "imagesource:GF", "gsd:0.8")
    paint(root / "train/images/images/P0000.png", 128, 128, seed=0)
    paint(root / "train/images/part4/P0001.png", 96, 80, seed=1)
    paint(root / "val/images/part2/P0002__1__824___0.png", 64, 64, seed=2)
    paint(root / "train/images/part5/P0003.png", 128, 128, seed=3)
    cut_short(root / "train/images/part5/P0003.png")
    paint(root / "train/images/part5/P0009.png", 64, 64, seed=4)
    paint(root / "test-dev/images/part1/P0010.png", 64, 64, seed=5)
    return FakeTruth(
        images=3,
        objects=Counter(
            {
                "plane": 3,
                "small-vehicle": 1,
                "storage-tank": 1,
                "ship": 1,
                "helicopter": 1,
                "large-vehicle": 1,
                "airport": 1,
                "?": 1,
            }
        ),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.DOUBLED_BOX: 1,
                FaultKind.CROSSED_POLYGON: 1,
                FaultKind.ZERO_AREA: 1,
                FaultKind.UNREADABLE_IMAGE: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
            }
        ),
    )
