"""A tiny NWPU VHR-10."""

from collections import Counter
from pathlib import Path

from apronwatch_datasets.fakes.paint import paint
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 128

LABELS = {
    "001": "(10,20),(50,60),1\n( 60 , 70 ),( 90 , 100 ) , 2 \n\n(5,5),(9,9),10\n",
    "002": "(10,10),(40,40),3\n(10,10),(40,40)\n(50,50),(90,90),77\n",
    "004": "(1,1),(9,9),1\n",
}


def write_fake(root: Path) -> FakeTruth:
    """Two positive pictures, two negative ones; a positive one nobody labelled, labels without a picture."""
    for seed, name in enumerate(("001", "002", "003")):
        paint(root / "positive image set" / f"{name}.jpg", SIZE, SIZE, seed=seed)
    for seed, name in enumerate(("001", "002")):
        paint(root / "negative image set" / f"{name}.jpg", SIZE, SIZE, seed=10 + seed)
    (root / "ground truth").mkdir()
    for name, text in LABELS.items():
        (root / "ground truth" / f"{name}.txt").write_text(text, encoding="utf-8")
    return FakeTruth(
        images=4,
        objects=Counter({"airplane": 2, "ship": 1, "vehicle": 1, "storage tank": 1, "77": 1, "?": 1}),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.MISSING_IMAGE: 1,
            }
        ),
    )
