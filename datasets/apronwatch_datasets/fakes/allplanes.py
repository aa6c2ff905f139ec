"""A tiny AllPlanes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 160
FIELD = "Field1_bing_230814_19_134140_192760_12_12_1000_1000_1160_1160"
SAME_FIELD = "Field2_mapbox_201216_18_67070_96380_6_6_1400_1000_1560_1160"
FAR = "Other1_google_220101_19_276436_169460_24_24_100_100_260_260"
UNLABELLED = "Other1_google_220101_19_276436_169460_24_24_300_100_460_260"
GONE = "Other1_google_220101_19_276436_169460_24_24_500_100_660_260"
BROKEN = "Other1_google_220101_19_276436_169460_24_24_700_100_860_260"

NORTHBOUND = [[80, 20, 1], [30, 60, 1], [80, 110, 1], [130, 60, 1]]
"""Nose up: 90 pixels long, 100 across the wings."""


def write_fake(root: Path) -> FakeTruth:
    """Two areas of one field, another far away; an image without labels, labels without image, a broken file."""
    hidden = [[40, 10, 1], [10, 40, 0], [40, 70, 1], [70, 40, 1]]
    _write(root, "train", FIELD, ["K35R", "C130"], [NORTHBOUND, hidden], seed=1)
    _write(root, "val", SAME_FIELD, ["A21N", "A21N"], [NORTHBOUND, [[1, 2, 1], [3, 4, 1]]], seed=2)
    _write(root, "test", FAR, ["B738", "B738"], [NORTHBOUND, [[5, 5, 1]] * 4], seed=3)
    _write(root, "test", GONE, ["B738"], [NORTHBOUND], seed=None)
    _write(root, "test", BROKEN, ["B738"], [], seed=4)
    paint(root / "test" / "images" / f"{UNLABELLED}.png", SIZE, SIZE, seed=5)
    return FakeTruth(
        images=3,
        objects=Counter({"K35R": 1, "C130": 1, "A21N": 2, "B738": 3}),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.ZERO_AREA: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.UNREADABLE_LABELS: 1,
            }
        ),
    )


def _write(
    root: Path, split: str, name: str, labels: list[str], keypoints: list[list[Any]], *, seed: int | None
) -> None:
    if seed is not None:
        paint(root / split / "images" / f"{name}.png", SIZE, SIZE, seed=seed)
    document = {
        "labels": labels,
        "bboxes": [
            [min(p[0] for p in k), min(p[1] for p in k), max(p[0] for p in k), max(p[1] for p in k)]
            for k in keypoints
        ],
        "keypoints": keypoints,
    }
    path = root / split / "annotations" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
