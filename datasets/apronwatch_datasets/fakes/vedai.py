"""A tiny VEDAI of the 512-pixel kind (the pictures are smaller still)."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 512

ROWS = {
    "00000001": (
        "50 60 0.6435 1 1 0 40.0 64.0 60.0 36.0 50.0 68.0 70.0 52.0",
        "100 100 0 4 1 1 90 110 110 90 95 95 105 105",
        "200 200 0 7 1 0 198 202 202 198 199 199 201 201",
        "1 2 3",
    ),
    "00000002": (
        "300 10 0 5 0 0 290 310 310 290 -5 -5 15 15",
        "300 90 0 201 1 0 290 310 310 290 85 85 95 95",
        "300 150 0 31 1 0 290 310 290 310 140 140 160 160",
    ),
    "00000004": ("50 60 0 9 1 0 40 60 60 40 55 55 65 65",),
}


def write_fake(root: Path) -> FakeTruth:
    """Two sound pictures, one nobody labelled, labels without a picture; infrared pictures and lists beside them."""
    pictures, labels = root / "Vehicules512", root / "Annotations512"
    for seed, name in enumerate(("00000001", "00000002", "00000003")):
        paint(pictures / f"{name}_co.png", SIZE, SIZE, seed=seed)
        paint(pictures / f"{name}_ir.png", SIZE, SIZE, seed=seed)
    labels.mkdir(parents=True)
    for name, rows in ROWS.items():
        (labels / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (labels / "fold01.txt").write_text("00000001\n", encoding="utf-8")
    (labels / "annotation512.txt").write_text("00000001 50 60 0\n", encoding="utf-8")
    return FakeTruth(
        images=2,
        objects=Counter(
            {
                "car": 1,
                "tractor": 1,
                "motorcycle": 1,
                "?": 1,
                "camping car": 1,
                "201": 1,
                "plane": 1,
                "van": 1,
            }
        ),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.CROSSED_POLYGON: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
            }
        ),
    )
