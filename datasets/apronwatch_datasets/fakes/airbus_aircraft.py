"""A tiny Airbus Aircraft Detection Sample Dataset."""

import csv
from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import cut_short, paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 128

_BOXES = (
    ("north.jpg", (10, 20, 50, 60), "Airplane"),
    ("north.jpg", (10, 24, 50, 64), "Airplane"),  # the first again, by another hand: they overlap by 0.82
    ("north.jpg", (48, 20, 88, 60), "Airplane"),  # its neighbour: 0.03
    ("south.jpg", (100, 100, 140, 128), "Truncated_airplane"),  # beyond the edge
    ("south.jpg", (30, 30, 30, 60), "Airplane"),  # flat
    ("torn.jpg", (10, 10, 40, 40), "Airplane"),
    ("gone.jpg", (10, 10, 40, 40), "Airplane"),
)


def write_fake(root: Path) -> FakeTruth:
    """Two sound images, one cut short, one missing, one nobody labelled, one told to be without labels."""
    for seed, name in enumerate(("north.jpg", "south.jpg", "torn.jpg", "bare.jpg", "extra.jpg")):
        paint(root / "images" / name, SIZE, SIZE, seed=seed)
    cut_short(root / "images" / "torn.jpg")
    with (root / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "image_id", "geometry", "class"))
        for k, (image, (x0, y0, x1, y1), name) in enumerate(_BOXES, start=1):
            ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
            writer.writerow((k, image, str(ring), name))
        writer.writerow((len(_BOXES) + 1, "south.jpg", "[(1, 2), (3", "Airplane"))
    (root / "sites.csv").write_text(
        "image,site,labelled\nnorth.jpg,field,True\nsouth.jpg,field,True\nextra.jpg,field,False\n",
        encoding="utf-8",
    )
    return FakeTruth(
        images=2,
        objects=Counter({"Airplane": 7, "Truncated_airplane": 1}),
        faults=Counter(
            {
                FaultKind.DOUBLED_BOX: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.ZERO_AREA: 1,
                FaultKind.UNREADABLE_IMAGE: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 2,
                FaultKind.BAD_LINE: 1,
            }
        ),
    )
